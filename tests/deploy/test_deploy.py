"""Deploying and destroying, in a clone of its own, as far as moto goes: its API Gateway does not
take Chalice's import, so the app has no routes here.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.stage.resources import Stage

import boto3
import httpx
import pytest

from local import cloud
from tests.support.project import copy_project

BUILT = Path(tempfile.mkdtemp(prefix="marathon-events-built-")) / "deployments"
SERVER = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
input()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An AWS in a process of its own: moto tries to start containers for the functions, and leaves
    sockets behind. Its address.
    """
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.kill()


@pytest.fixture
def account(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS account of the test's own."""
    for name, value in cloud.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in Stage("", "", "").environment():  # of functions that other tests loaded
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    httpx.post(f"{server}/moto-api/reset", timeout=30).raise_for_status()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path / "clone")


def make_clone(path: Path) -> Path:
    path.mkdir()
    copy_project(path)
    app = path / "app.py"
    app.write_text(re.sub(r"^@app\.route.*\n", "", app.read_text(), flags=re.MULTILINE))
    return path


def script(clone: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"scripts/{args[0]}.py", *args[1:]],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def deploy(clone: Path, *more: str) -> str:
    """Deploy; what Chalice has packed once of the same files is packed for all tests here."""
    packages = clone / ".chalice" / "deployments"
    if not packages.exists() and BUILT.exists():
        shutil.copytree(BUILT, packages)
    done = script(clone, "deploy", "--stage", "dev", *more)
    assert done.returncode == 0, done.stderr
    if not BUILT.exists():
        shutil.copytree(packages, BUILT)
    return done.stderr


def make_table_of_first_version() -> dict[str, Any]:
    """Its table, before anything else of the stage; what it holds. No records: moto would run
    fanout for them, in a container.
    """
    boto3.client("cloudformation").create_stack(
        StackName="marathon-events-dev-table",
        TemplateBody=(ROOT / ".chalice" / "templates" / "table.yaml").read_text(),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "dev"}],
    )
    held = json.loads((ROOT / "tests/fixtures/stage-0.1.json").read_text())["items"]
    kept = {each["kind"]["S"]: each for each in held if "body" not in each and "parts" not in each}
    for item in kept.values():
        boto3.client("dynamodb").put_item(TableName="marathon-events-dev", Item=item)
    return kept


def mappings() -> dict[str, dict[str, Any]]:
    answer: Any = boto3.client("lambda").list_event_source_mappings()
    found = answer["EventSourceMappings"]
    by_function = {each["FunctionArn"].rpartition("-")[2]: each for each in found}
    assert len(by_function) == len(found)
    return by_function


def check_settings() -> None:
    found = mappings()
    (stream,) = boto3.client("dynamodbstreams").list_streams()["Streams"]
    fanout = found["fanout"]
    assert fanout["EventSourceArn"] == stream["StreamArn"]
    assert fanout["StartingPosition"] == "TRIM_HORIZON"
    assert fanout["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert fanout["BisectBatchOnFunctionError"] is True
    assert fanout["MaximumRetryAttempts"] == -1
    assert fanout["MaximumRecordAgeInSeconds"] == 12 * 3600
    destination = fanout["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination.endswith(":marathon-events-dev-dead-letters")
    (pattern,) = fanout["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"kind": {"S": ["record"]}}},
    }
    assert found["restore"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    alerts = found["alerts"]
    assert alerts["EventSourceArn"] == stream["StreamArn"]
    assert alerts["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    (pattern,) = alerts["FilterCriteria"]["Filters"]
    new = json.loads(pattern["Pattern"])["dynamodb"]["NewImage"]
    assert new == {"kind": {"S": ["record"]}, "severity": {"S": ["warning", "error"]}}
    (rule,) = boto3.client("events").list_rules()["Rules"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    targets = boto3.client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert [each["Arn"].rpartition(":")[2] for each in targets] == ["marathon-events-dev-watch"]


def environment(function: str) -> dict[str, str]:
    found = boto3.client("lambda").get_function(FunctionName=function)["Configuration"]
    return dict(found["Environment"]["Variables"])


@pytest.mark.usefixtures("account")
def test_a_stage_is_deployed_and_again_from_another_clone(clone: Path, tmp_path: Path) -> None:
    deploy(clone)
    check_settings()
    variables = environment("marathon-events-dev-fanout")
    assert set(variables) == {
        "EVENTS_TABLE",
        "EVENTS_STREAM_ARN",
        "EVENTS_TOPIC_ARN",
        "ALERTS_TOPIC_ARN",
        "SPILL_QUEUE_URL",
        "DEAD_LETTER_QUEUE_URL",
        "RETENTION_DAYS",
        "NOTIFY_ENV",
        "STUCK_MINUTES",
        "NO_EVENTS_MINUTES",
        "LOG_LEVEL",
    }
    before = {name: each["UUID"] for name, each in mappings().items()}
    (package,) = (clone / ".chalice" / "deployments").glob("*.zip")
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    for source in ("pydantic/main.py", "chalicelib/web/answers.py", "app.py"):
        assert importlib.util.cache_from_source(source) in names
    assert len(set(names)) == len(names)

    other = make_clone(tmp_path / "other")
    deploy(other)
    check_settings()
    assert {name: each["UUID"] for name, each in mappings().items()} == before

    chalice = Path(sys.executable).with_name("chalice")
    plain = [str(chalice), "deploy", "--stage", "dev"]
    subprocess.run(plain, cwd=other, check=True, capture_output=True)
    check_settings()


@pytest.mark.usefixtures("account")
def test_a_package_that_was_cut_off_in_writing_is_written_anew(clone: Path) -> None:
    deploy(clone)
    (package,) = (clone / ".chalice" / "deployments").glob("*.zip")
    package.write_bytes(package.read_bytes()[:100_000])
    deploy(clone)
    assert zipfile.is_zipfile(package)


@pytest.mark.usefixtures("account")
def test_what_people_set_stays_and_only_the_stages_variables_are_written(clone: Path) -> None:
    file = clone / ".chalice" / "config.json"
    before = json.loads(file.read_text())
    before["stages"]["dev"]["environment_variables"]["RETENTION_DAYS"] = "7"
    file.write_text(json.dumps(before))
    deploy(clone)
    after = json.loads(file.read_text())
    written = after["stages"]["dev"].pop("environment_variables")
    assert written["RETENTION_DAYS"] == "7"
    del before["stages"]["dev"]["environment_variables"]
    assert after == before
    assert environment("marathon-events-dev-fanout")["RETENTION_DAYS"] == "7"

    planned = script(clone, "plan", "--stage", "dev")
    # The app has no routes here, and so no function of that name.
    assert planned.stdout == "+ function marathon-events-dev new\n"
    assert (planned.returncode, planned.stderr) == (0, "")
    after["stages"]["dev"]["environment_variables"] = written | {"RETENTION_DAYS": "3"}
    file.write_text(json.dumps(after))
    refused = script(clone, "deploy", "--stage", "dev")
    assert refused.returncode == 1
    assert "new events after 3 days, where until now it was 7 days" in refused.stderr
    assert "Nothing was changed." in refused.stderr
    assert environment("marathon-events-dev-fanout")["RETENTION_DAYS"] == "7"
    accepted = script(clone, "deploy", "--stage", "dev", "--accept-losses")
    assert accepted.returncode == 0, accepted.stderr
    assert environment("marathon-events-dev-fanout")["RETENTION_DAYS"] == "3"


@pytest.mark.usefixtures("account")
def test_deploy_destroy_deploy_and_the_old_events_are_there(clone: Path) -> None:
    first_version = make_table_of_first_version()
    assert "Indexing what went wrong before this version" in deploy(clone)
    table = boto3.client("dynamodb")
    # moto runs functions in containers when a table with a mapping is written to; not here.
    item = {"pk": {"S": "#clusters"}, "sk": {"S": "prod"}, "kind": {"S": "cluster"}}
    item |= {"marathon": {"S": "http://m:8080"}, "framework_id": {"S": "f"}}
    table.put_item(TableName="marathon-events-dev", Item=item)
    token = {"pk": {"S": "#token|x"}, "sk": {"S": "token"}, "kind": {"S": "token"}}
    token |= {"feed": {"S": "#tokens"}, "feed_order": {"S": "2026"}, "role": {"S": "publisher"}}
    token |= {"cluster": {"S": "prod"}, "label": {"S": "x"}}
    table.put_item(TableName="marathon-events-dev", Item=token)

    refused = script(clone, "deploy", "--stage", "dev", "--ordered", "--yes")
    assert refused.returncode == 1
    assert "make destroy STAGE=dev, then make deploy STAGE=dev ARGS=--ordered" in refused.stderr

    # What subscribing sets up outside the stage's stacks goes with the stage.
    jobs = boto3.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:jobs"
    assert script(clone, "subscribe", "--stage", "dev", "--to", arn).returncode == 0

    asked = script(clone, "destroy", "--stage", "dev")
    assert asked.returncode == 1
    assert "pass --yes" in asked.stderr
    assert "Cluster prod is still registered" in asked.stderr
    assert "--marathon http://m:8080 --remove" in asked.stderr
    assert "have subscribers (1), who must subscribe again" in asked.stderr

    done = script(clone, "destroy", "--stage", "dev", "--yes")
    assert done.returncode == 0, done.stderr
    assert "marathon-events-dev, is kept" in done.stdout
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("sns").list_topics()["Topics"] == []
    assert boto3.client("events").list_rules()["Rules"] == []
    assert boto3.client("sqs").list_queues()["QueueUrls"] == [jobs]
    policy: Any = ["Policy"]
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=jobs, AttributeNames=policy)
    assert "Policy" not in told.get("Attributes", {})

    chalice = Path(sys.executable).with_name("chalice")
    plain = [str(chalice), "deploy", "--stage", "dev"]
    refused = subprocess.run(plain, cwd=clone, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "run make deploy STAGE=… first" in refused.stderr

    deploy(clone, "--ordered", "--yes")
    check_settings()
    topic = environment("marathon-events-dev-fanout")["EVENTS_TOPIC_ARN"]
    assert topic.endswith(":marathon-events-dev.fifo")
    kept = table.query(
        TableName="marathon-events-dev",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "#clusters"}},
    )
    assert kept["Items"] == [item]
    token = first_version["token"]
    key = {name: token[name] for name in ("pk", "sk")}
    assert table.get_item(TableName="marathon-events-dev", Key=key)["Item"] == token


@pytest.mark.usefixtures("account")
def test_functions_that_nobody_knows_the_api_of_stop_it(clone: Path, tmp_path: Path) -> None:
    deploy(clone)
    key = {"pk": {"S": "#stage"}, "sk": {"S": "deployed"}}
    boto3.client("dynamodb").delete_item(TableName="marathon-events-dev", Key=key)
    other = make_clone(tmp_path / "other")
    done = script(other, "deploy", "--stage", "dev")
    assert done.returncode == 1
    assert "Chalice would make a second API" in done.stderr
    assert ".chalice/deployed/dev.json" in done.stderr
    deploy(clone)  # it has the record, and gives the stage a new copy
    deploy(other)


@pytest.mark.usefixtures("account")
def test_a_deploy_that_failed_half_way_is_taken_up(clone: Path) -> None:
    policy = clone / ".chalice" / "policies" / "restore.json"
    whole = policy.read_text()
    policy.write_text("not json")
    failed = script(clone, "deploy", "--stage", "dev")
    assert failed.returncode == 1
    assert "chalice deploy failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    policy.write_text(whole)
    shutil.rmtree(clone / ".chalice" / "deployed", ignore_errors=True)
    deploy(clone)
    check_settings()


@pytest.mark.usefixtures("account")
def test_a_mapping_of_another_stream_is_replaced(clone: Path) -> None:
    deploy(clone)
    old = mappings()["fanout"]["UUID"]
    stack = "marathon-events-dev-table"
    boto3.client("dynamodb").update_table(
        TableName="marathon-events-dev", DeletionProtectionEnabled=False
    )
    boto3.client("cloudformation").delete_stack(StackName=stack)
    boto3.client("dynamodb").delete_table(TableName="marathon-events-dev")
    deploy(clone)
    assert mappings()["fanout"]["UUID"] != old
    check_settings()


@pytest.mark.parametrize("command", ["deploy", "destroy"])
@pytest.mark.parametrize("stage", ["staging", ""])
def test_a_stage_that_the_config_has_not_is_refused(clone: Path, command: str, stage: str) -> None:
    done = script(clone, command, "--stage", stage)
    assert done.returncode == 1
    assert "dev, prod" in done.stderr
