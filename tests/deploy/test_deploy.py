"""Deploying and destroying, in a clone of its own, as far as moto goes: its API Gateway does not
take Chalice's import, so the app has no routes here.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.deploying.functions import FUNCTIONS
from ops.stage import config, stacks
from ops.stage.resources import Stage

import boto3
import deploy as deploy_script
import destroy as destroy_script
import pytest

from local import cloud
from tests.support.project import copy_project
from tests.support.rights import granted, needed
from tests.support.sharing import locked

SERVER = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
input()
"""
TABLE = "marathon-events-dev"
CHALICE = str(Path(sys.executable).with_name("chalice"))


AWS: dict[str, str] = {}
"""Where the AWS of these tests is, and who they are there; for their processes alone."""


@pytest.fixture(scope="session")
def account() -> Iterator[None]:
    """An AWS in a process of its own: moto tries to start containers for the functions, and leaves
    sockets behind.
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
        AWS.update(cloud.ENVIRONMENT, AWS_ENDPOINT_URL=server.stdout.readline().strip())
        yield
        server.kill()


@pytest.fixture(scope="session")
def first(account: None, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """The clone that deployed stage dev. Each test leaves the stage deployed. What Chalice packs
    is packed once for all workers.
    """
    clone = make_clone(tmp_path_factory.mktemp("first") / "clone")
    packed = shared / "deployments"
    with locked(packed):
        if packed.exists():
            shutil.copytree(packed, clone / ".chalice" / "deployments")
        deploy(clone)
        if not packed.exists():
            shutil.copytree(clone / ".chalice" / "deployments", packed)
    return clone


def client(service: str) -> Any:
    """A client of that AWS."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=AWS["AWS_ENDPOINT_URL"],
        region_name=AWS["AWS_REGION"],
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def make_clone(path: Path, like: Path | None = None) -> Path:
    """A clone of the project; with what Chalice packed in another. The functions never run here,
    so one small package stands for all that they need.
    """
    path.mkdir()
    copy_project(path)
    pins = path / "requirements.txt"
    (small,) = re.findall(r"^typing-extensions==(?:.*\\\n)*.*\n", pins.read_text(), re.MULTILINE)
    pins.write_text(small)
    app = path / "app.py"
    app.write_text(re.sub(r"^@app\.route.*\n", "", app.read_text(), flags=re.MULTILINE))
    if like:
        for made in (".chalice/deployments", "vendor"):
            shutil.copytree(like / made, path / made)
    return path


def script(clone: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return run(clone, sys.executable, f"scripts/{args[0]}.py", *args[1:])


def run(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    with needed() as rights:
        done = subprocess.run(
            command,
            cwd=clone,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment_of_processes(),
        )
    allowed = "deploy" if command[0] == CHALICE else Path(command[1]).stem
    assert rights <= granted(f"`{allowed}.py`") | granted("CloudFormation"), command
    return done


def environment_of_processes() -> dict[str, str]:
    others = (*Stage("", "", "").environment(), "AWS_PROFILE", "AWS_SESSION_TOKEN")
    return {name: value for name, value in os.environ.items() if name not in others} | AWS


def deploy(clone: Path, *more: str, stage: str = "dev") -> str:
    done = script(clone, "deploy", "--stage", stage, *more)
    assert done.returncode == 0, done.stderr
    return done.stderr


def make_table_of_first_version(stage: str) -> dict[str, Any]:
    """Its table, before anything else of the stage; what it holds. No records: moto would run
    fanout for them, in a container.
    """
    client("cloudformation").create_stack(
        StackName=f"marathon-events-{stage}-table",
        TemplateBody=(ROOT / ".chalice" / "templates" / "table.yaml").read_text(),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": stage}],
    )
    held = json.loads((ROOT / "tests/fixtures/stage-0.1.json").read_text())["items"]
    kept = {each["kind"]["S"]: each for each in held if "body" not in each and "parts" not in each}
    kept.pop("stage", None)  # the note of an API that is not here
    for item in kept.values():
        client("dynamodb").put_item(TableName=f"marathon-events-{stage}", Item=item)
    return kept


def mappings(stage: str = "dev") -> dict[str, dict[str, Any]]:
    answer: Any = client("lambda").list_event_source_mappings()
    of_stage = f":marathon-events-{stage}-"
    found = [each for each in answer["EventSourceMappings"] if of_stage in each["FunctionArn"]]
    by_function = {each["FunctionArn"].rpartition("-")[2]: each for each in found}
    assert len(by_function) == len(found)
    return by_function


def check_settings(stage: str = "dev") -> None:
    name = f"marathon-events-{stage}"
    found = mappings(stage)
    (stream,) = client("dynamodbstreams").list_streams(TableName=name)["Streams"]
    fanout = found["fanout"]
    assert fanout["EventSourceArn"] == stream["StreamArn"]
    assert fanout["StartingPosition"] == "TRIM_HORIZON"
    assert fanout["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert fanout["BisectBatchOnFunctionError"] is True
    assert fanout["MaximumRetryAttempts"] == -1
    assert fanout["MaximumRecordAgeInSeconds"] == 12 * 3600
    destination = fanout["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination.endswith(f":{name}-dead-letters")
    (pattern,) = fanout["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"kind": {"S": ["record"]}}},
    }
    assert found["restore"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert found["restore"]["ScalingConfig"] == {"MaximumConcurrency": 2}
    alerts = found["alerts"]
    assert alerts["EventSourceArn"] == stream["StreamArn"]
    assert alerts["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert alerts["FilterCriteria"]["Filters"]
    (rule,) = client("events").list_rules(NamePrefix=f"{name}-")["Rules"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    targets = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert [each["Arn"].rpartition(":")[2] for each in targets] == [f"{name}-watch"]
    for function in ("fanout", "restore", "alerts", "watch"):
        role = configuration(f"{name}-{function}")["Role"].rpartition("/")[2]
        assert role.startswith(f"{name}-messaging-{function.capitalize()}Role-")


def configuration(function: str) -> dict[str, Any]:
    found = client("lambda").get_function(FunctionName=function)
    return dict(found["Configuration"])


def environment(function: str) -> dict[str, str]:
    return dict(configuration(function)["Environment"]["Variables"])


def test_a_stage_is_deployed_and_again_from_another_clone(first: Path, tmp_path: Path) -> None:
    check_settings()
    assert set(environment("marathon-events-dev-fanout")) == {
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
    (package,) = (first / ".chalice" / "deployments").glob("*.zip")
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
    for source in ("typing_extensions.py", "chalicelib/web/answers.py", "app.py"):
        assert importlib.util.cache_from_source(source) in names
    assert len(set(names)) == len(names)

    other = make_clone(tmp_path / "other", first)
    assert f"on python{sys.version_info[0]}.{sys.version_info[1]} …" in deploy(other)
    check_settings()
    assert {name: each["UUID"] for name, each in mappings().items()} == before

    assert run(other, CHALICE, "deploy", "--stage", "dev").returncode == 0
    check_settings()


def test_settings_stay_and_a_truncated_package_is_written_anew(first: Path, tmp_path: Path) -> None:
    clone = make_clone(tmp_path / "clone", first)
    file = clone / ".chalice" / "config.json"
    shutil.copy(first / ".chalice" / "config.json", file)
    whole = json.loads(file.read_text())
    variables = whole["stages"]["dev"]["environment_variables"]
    variables |= {"RETENTION_DAYS": "7", "LOG_LEVEL": "DEBUG"}
    file.write_text(json.dumps(whole, indent=2) + "\n")
    refused = script(clone, "deploy", "--stage", "dev")
    assert refused.returncode == 1
    assert "new events after 7 days, where until now it was 90 days" in refused.stderr
    assert "Nothing was deployed." in refused.stderr
    assert environment("marathon-events-dev-fanout")["RETENTION_DAYS"] == "90"

    packed = clone / ".chalice" / "deployments"
    (package,) = packed.glob("*.zip")
    package.write_bytes(package.read_bytes()[:100_000])
    deploy(clone, "--accept-losses")
    # Its name depends on the order in which the file system lists files.
    (package,) = packed.glob("*.zip")
    assert zipfile.is_zipfile(package)
    assert json.loads(file.read_text()) == whole
    now = environment("marathon-events-dev-fanout")
    assert (now["RETENTION_DAYS"], now["LOG_LEVEL"]) == ("7", "DEBUG")
    planned = script(clone, "plan", "--stage", "dev")
    # The app has no routes here, and so no function of that name.
    assert planned.stdout == "+ function marathon-events-dev new\n"
    assert (planned.returncode, planned.stderr) == (0, "")
    for name in ("fanout", "alerts", "restore", "watch"):  # as it was
        client("lambda").update_function_configuration(
            FunctionName=f"marathon-events-dev-{name}",
            Environment={"Variables": now | {"RETENTION_DAYS": "90", "LOG_LEVEL": "INFO"}},
        )


def test_deploy_destroy_deploy_and_the_old_events_are_there(first: Path) -> None:
    table = client("dynamodb")
    # moto runs functions in containers when a table with a mapping is written to; not here.
    item = {"pk": {"S": "#clusters"}, "sk": {"S": "prod"}, "kind": {"S": "cluster"}}
    item |= {"marathon": {"S": "http://m:8080"}, "framework_id": {"S": "f"}}
    table.put_item(TableName=TABLE, Item=item)
    token = {"pk": {"S": "#token|x"}, "sk": {"S": "token"}, "kind": {"S": "token"}}
    token |= {"feed": {"S": "#tokens"}, "feed_order": {"S": "2026"}, "role": {"S": "publisher"}}
    token |= {"cluster": {"S": "prod"}, "label": {"S": "x"}}
    table.put_item(TableName=TABLE, Item=token)

    # What subscribing sets up outside the stage's stacks goes with the stage.
    jobs = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:jobs"
    assert script(first, "subscribe", "--stage", "dev", "--to", arn).returncode == 0

    asked = script(first, "destroy", "--stage", "dev")
    assert asked.returncode == 1
    assert "pass --yes" in asked.stderr
    assert "Cluster prod is still registered" in asked.stderr
    assert "--marathon http://m:8080 --remove" in asked.stderr
    assert "have subscribers (1), who must subscribe again" in asked.stderr

    done = script(first, "destroy", "--stage", "dev", "--yes")
    assert done.returncode == 0, done.stderr
    assert "marathon-events-dev, is kept" in done.stdout
    assert mappings() == {}
    assert of_dev(client("sns").list_topics()["Topics"]) == []
    assert of_dev(client("events").list_rules()["Rules"]) == []
    assert of_dev(client("iam").list_roles()["Roles"]) == []
    assert of_dev(client("sqs").list_queues()["QueueUrls"]) == []
    policy: Any = ["Policy"]
    told = client("sqs").get_queue_attributes(QueueUrl=jobs, AttributeNames=policy)
    assert "Policy" not in told.get("Attributes", {})
    config = (first / ".chalice" / "config.json").read_text()
    assert json.loads(config) == json.loads((ROOT / ".chalice" / "config.json").read_text())

    refused = run(first, CHALICE, "deploy", "--stage", "dev")
    assert refused.returncode == 1
    assert "run make deploy STAGE=… first" in refused.stderr

    deploy(first, "--ordered", "--yes")
    check_settings()
    topic = environment("marathon-events-dev-fanout")["EVENTS_TOPIC_ARN"]
    assert topic.endswith(":marathon-events-dev.fifo")
    kept = table.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "#clusters"}},
    )
    assert kept["Items"] == [item]


def of_dev(found: Any) -> list[Any]:
    return [each for each in found if "marathon-events-dev" in json.dumps(each, default=str)]


def test_after_a_loss_of_the_table_only_the_clone_that_deployed_goes_on(
    first: Path, tmp_path: Path
) -> None:
    """The table held the note of the stage's API, and its stream was what fanout read."""
    other = make_clone(tmp_path / "other", first)
    old = mappings()["fanout"]["UUID"]
    client("dynamodb").update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    client("cloudformation").delete_stack(StackName=f"{TABLE}-table")

    refused = script(other, "deploy", "--stage", "dev")
    assert refused.returncode == 1
    assert "Chalice would make a second API" in refused.stderr
    assert ".chalice/deployed/dev.json" in refused.stderr

    deploy(first)
    assert mappings()["fanout"]["UUID"] != old
    check_settings()
    assert script(other, "plan", "--stage", "dev").returncode == 0  # it is known again


def test_a_first_deploy_that_failed_is_taken_up_and_a_stage_with_chalices_roles_is_upgraded(
    first: Path, tmp_path: Path
) -> None:
    older = make_table_of_first_version("prod")
    clone = make_clone(tmp_path / "clone", first)
    file, policy = clone / ".chalice" / "config.json", clone / ".chalice" / "old.json"
    new = json.loads(file.read_text())
    old = json.loads(file.read_text())
    for settings in old["lambda_functions"].values():
        settings |= {"manage_iam_role": True, "iam_policy_file": "old.json"}
    file.write_text(json.dumps(old))
    policy.write_text("not json")
    failed = script(clone, "deploy", "--stage", "prod")
    assert failed.returncode == 1
    assert "chalice deploy failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    allowed = {"Effect": "Allow", "Action": ["sns:Publish"], "Resource": "*"}
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    shutil.rmtree(clone / ".chalice" / "deployed", ignore_errors=True)
    said = deploy(clone, stage="prod")
    assert "Indexing what went wrong before this version" in said
    assert configuration("marathon-events-prod-fanout")["Role"].endswith(
        "/marathon-events-prod-fanout"
    )
    assert "marathon-events-prod-fanout" in roles()

    file.write_text(json.dumps(new))  # as of this version
    deploy(clone, stage="prod")
    check_settings("prod")
    assert [each for each in roles() if "prod" in each and "-messaging-" not in each] == []
    key = {name: older["token"][name] for name in ("pk", "sk")}
    found = client("dynamodb").get_item(TableName="marathon-events-prod", Key=key)
    assert found["Item"] == older["token"]


def roles() -> list[str]:
    return [each["RoleName"] for each in client("iam").list_roles()["Roles"]]


def test_no_stage_is_called_like_a_part_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {each.name for each in FUNCTIONS} - {"api"}
    parts |= {
        each("x").removeprefix("marathon-events-x-")
        for each in (stacks.table_stack, stacks.messaging_stack)
    }
    template = (stacks.TEMPLATES / "messaging.yaml").read_text()
    parts |= set(re.findall(r"TopicName: !Sub marathon-events-\${Stage}-(\w+)", template))
    assert set(config.NAMES_IN_A_STAGE) == parts
    stages: dict[str, Any] = {"prod": {}, "prod-eu": {}, "prod-watch": {}}
    monkeypatch.setattr(config, "config", lambda: {"stages": stages})
    config.check_stage("prod-eu")
    with pytest.raises(Failure, match="names that stage prod uses"):
        config.check_stage("prod-watch")


@pytest.mark.parametrize("stage", ["staging", ""])
def test_a_stage_that_the_config_has_not_is_refused(stage: str) -> None:
    for command in (deploy_script, destroy_script):
        with pytest.raises(Failure, match="dev, prod"):
            command.main(["--stage", stage])
