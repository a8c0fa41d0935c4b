"""What a deploy would change, and what would be lost by it. ``test_deploy`` has whole deploys."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ops.deploying import losses, mappings, roles, throttling
from ops.deploying.functions import FUNCTIONS
from ops.stage import config, deployed, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.stage.templates import parse

import plan
import pytest
from chalice.config import Config

from chalicelib import VERSION


@pytest.fixture
def configured(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of the stage, in a config of the test's own; ``write`` writes them."""
    whole = json.loads(config.CONFIG.read_text())
    settings: dict[str, Any] = whole["stages"]["prod"]
    whole["stages"] = {stage.name: settings, "other": whole["stages"]["dev"]}
    file = tmp_path / "config.json"
    monkeypatch.setattr(config, "CONFIG", file)
    settings["write"] = lambda: file.write_text(
        json.dumps(whole, default=lambda _: None)  # ``write`` itself is no setting
    )
    settings["write"]()
    return settings


@pytest.fixture
def planned(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """Runs the command: its exit status, and the lines of its JSON."""

    def run() -> tuple[int, list[dict[str, str]]]:
        capsys.readouterr()
        status = plan.main(["--stage", stage.name, "--json"])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def deploy_by_hand(stage: Stage, **more: Any) -> None:
    """The stage's functions, as a deploy leaves them, without what hands them their work."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", "")
    for each in FUNCTIONS:
        wanted = config.function_settings(stage.name, each.chalice_name)
        settings = {
            "Role": roles.arns(stage.name)[each.chalice_name],
            "Runtime": Config.create().lambda_python_version,
            "MemorySize": wanted["lambda_memory_size"],
            "Timeout": wanted["lambda_timeout"],
            "Environment": {"Variables": config.variables(stage.name) | stage.environment()},
        }
        client("lambda").create_function(
            FunctionName=each.lambda_name(stage.name),
            Handler="app.app",
            Code={"ZipFile": package.getvalue()},
            **(settings | more),
        )
    deployed.keep_copy(stage, {"resources": []}, mappings.package(stage.name))


def test_a_stage_that_was_never_deployed_is_all_new(
    aws: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stacks.outputs("marathon-events-prod-table") is None
    assert plan.main(["--stage", "prod"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("+ ") for line in lines)
    assert "+ function marathon-events-prod-fanout new" in lines
    assert stacks.outputs("marathon-events-prod-table") is None  # no empty stack is left


def test_a_deployed_stage_has_nothing_to_change(
    stage: Stage, configured: dict[str, Any], planned: Callable[[], Any]
) -> None:
    deploy_by_hand(stage)
    status, found = planned()
    assert status == 0
    fed = [each.lambda_name(stage.name) for each in FUNCTIONS if each.feed]
    assert [each["what"] for each in found] == [f"function {name}" for name in fed]
    assert {each["how"] for each in found} == {"new"}  # only the mappings: none was made here


def test_the_plan_names_each_change_of_a_function(
    stage: Stage, configured: dict[str, Any], planned: Callable[[], Any], tmp_path: Path
) -> None:
    deploy_by_hand(stage, Timeout=3)
    fanout = f"marathon-events-{stage.name}-fanout"
    chalices = client("iam").create_role(RoleName=fanout, AssumeRolePolicyDocument="{}")["Role"]
    client("lambda").update_function_configuration(FunctionName=fanout, Role=chalices["Arn"])
    configured["lambda_functions"] = {"fanout": {"lambda_memory_size": 1024}}
    configured["environment_variables"]["LOG_LEVEL"] = "ERROR"
    configured["write"]()
    status, found = planned()
    assert status == 0
    details = [each["detail"] for each in found if each["what"] == f"function {fanout}"]
    assert "memory 512 → 1024" in details
    assert "timeout 3 → 60" in details
    assert "LOG_LEVEL INFO → ERROR" in details
    assert f"role {chalices['Arn']} → {roles.arns(stage.name)['fanout']}" in details


def test_code_that_changed_or_came_otherwise_is_told(
    stage: Stage, configured: dict[str, Any], planned: Callable[[], Any]
) -> None:
    deploy_by_hand(stage)
    kept = stage.table.get({"pk": {"S": "#stage"}, "sk": {"S": "deployed"}})
    assert kept
    for changed, told in (
        ({"digest": "other", "version": "0.1.0"}, f"code, of version 0.1.0 → {VERSION}"),
        ({"sha256": "other"}, "code: nobody noted what is there now"),
    ):
        code = json.dumps(json.loads(kept["code"]) | changed)
        stage.table.put(
            {name: {"S": value} for name, value in (kept | {"code": code}).items()},
        )
        _, found = planned()
        assert [each["detail"] for each in found].count(told) == len(FUNCTIONS)


def test_the_plan_warns_of_losses_at_functions(
    stage: Stage, configured: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    deploy_by_hand(stage)
    api = FUNCTIONS[0].lambda_name(stage.name)
    client("lambda").put_function_concurrency(FunctionName=api, ReservedConcurrentExecutions=7)
    old = {"resource_type": "lambda_function", "lambda_arn": f"arn:aws:lambda:x:1:function:{api}-x"}
    moved = {"resource_type": "rest_api", "rest_api_id": "a", "rest_api_url": "https://x/test/"}
    deployed.keep_copy(stage, {"resources": [old, moved]}, mappings.package(stage.name))
    configured["environment_variables"] |= {"RETENTION_DAYS": "30", "NOTIFY_ENV": "full"}
    configured["write"]()
    assert plan.main(["--stage", stage.name]) == 3
    told = capsys.readouterr().err
    assert "This deploy would lose:" in told
    for lost in (
        "the reserved concurrency of 7: Chalice deletes",
        f"! function {api}-x removed: the function",
        "new events after 30 days, where until now it was 90 days",
        "subscribers would see passwords in env",
        "the API's address, to which every registered Marathon posts",
    ):
        assert lost in told


@pytest.mark.parametrize(
    ("was", "will", "lost"),
    [
        ("90", "30", True),
        ("0", "30", True),
        ("", "30", True),
        ("", "90", False),
        ("30", "0", False),
    ],
)
def test_a_shorter_retention_is_a_loss(was: str, will: str, lost: bool) -> None:
    assert bool(losses.of_variable("RETENTION_DAYS", was, will)) == lost


def test_an_api_on_this_machine_is_left_alone(
    stage: Stage, configured: dict[str, Any], planned: Callable[[], Any]
) -> None:
    local = {"resource_type": "rest_api", "rest_api_url": "http://127.0.0.1:8000"}
    deployed.keep_copy(stage, {"resources": [local]})
    status, found = planned()
    assert status == 0
    assert "the API" not in [each["what"] for each in found]


def test_limits_that_the_api_lost_are_told(
    stage: Stage, configured: dict[str, Any], planned: Callable[[], Any]
) -> None:
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="marathon-events")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    gateway.put_method(
        restApiId=api, resourceId=root["id"], httpMethod="GET", authorizationType="NONE"
    )
    gateway.put_integration(restApiId=api, resourceId=root["id"], httpMethod="GET", type="MOCK")
    name = configured["api_gateway_stage"]
    gateway.create_deployment(restApiId=api, stageName=name)
    url = f"https://{api}/{name}/"
    resource = {"resource_type": "rest_api", "rest_api_id": api, "rest_api_url": url}
    deployed.keep_copy(stage, {"resources": [resource]})
    _, found = planned()
    told = [each["detail"] for each in found if each["what"] == "the API"]
    assert "requests a second to /callback/POST no limit → 500 (1000 at once)" in told
    assert len(told) == len(throttling.LIMITS)
    throttling.limit(api, name)
    _, found = planned()
    assert "the API" not in [each["what"] for each in found]


def test_stacks_are_asked_and_stay_as_they_are(
    stage: Stage,
    configured: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for path in stacks.TEMPLATES.glob("*.yaml"):
        text = path.read_text()
        text = re.sub(r"  SpillQueue:\n", "  OtherQueue:\n", text)
        text = text.replace("SpillQueue", "OtherQueue").replace(
            "IndexName: trouble", "IndexName: t"
        )
        text = text.replace("Action: [sns:Publish]", "Action: [sns:PublishSometimes]", 1)
        (tmp_path / path.name).write_text(text)
    monkeypatch.setattr(stacks, "TEMPLATES", tmp_path)
    assert plan.main(["--stage", stage.name]) == 3
    shown = capsys.readouterr()
    assert "+ OtherQueue (AWS::SQS::Queue) new" in shown.out
    assert "- SpillQueue (AWS::SQS::Queue) removed" in shown.out
    assert "~ FanoutRole (AWS::IAM::Role) changed: +sns:PublishSometimes, -sns:Publish" in shown.out
    assert "~ EventsTable (AWS::DynamoDB::Table) changed" in shown.out
    assert "! SpillQueue (AWS::SQS::Queue) removed: the messages that wait" in shown.err
    assert "its index trouble: what reads it finds nothing" in shown.err
    queues = client("sqs").list_queues()["QueueUrls"]
    assert any(each.endswith(stage.spill_queue_name) for each in queues)
    sets = client("cloudformation").list_change_sets(StackName=stacks.messaging_stack(stage.name))
    assert stage.name not in json.dumps(sets["Summaries"], default=str)


def changed(kind: str, replacement: str = "False", action: str = "Modify") -> dict[str, Any]:
    """A resource's change, in the form of the SDK's model."""
    return {"Action": action, "ResourceType": kind, "Replacement": replacement}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (changed("AWS::DynamoDB::Table", "True"), "all events, tokens and clusters"),
        (changed("AWS::DynamoDB::Table"), ""),
        (changed("AWS::SNS::Topic", "True"), "the subscriptions of the topic"),
        (changed("AWS::SNS::Topic", "Conditional"), "perhaps the subscriptions"),
        (changed("AWS::SNS::Topic", action="Remove"), "the subscriptions of the topic"),
        (changed("AWS::SQS::Queue", "True"), "the messages that wait on the queue"),
        (changed("AWS::Logs::LogGroup", action="Remove"), "what was logged there"),
        (changed("AWS::CloudWatch::Alarm", "True"), ""),
        ({"Action": "Add", "ResourceType": "AWS::SNS::Topic"}, ""),
    ],
)
def test_the_plan_says_what_is_lost_with_a_resource(change: dict[str, Any], lost: str) -> None:
    found = losses.of_change(change)
    assert found.startswith(lost)
    assert bool(found) == bool(lost)


@pytest.mark.parametrize(
    ("template", "before", "after", "lost"),
    [
        ("table.yaml", "RecoveryEnabled: true", "RecoveryEnabled: false", "point-in-time recovery"),
        ("table.yaml", "NEW_IMAGE", "KEYS_ONLY", "its stream"),
        ("table.yaml", "- role\n", "", ""),
        ("messaging.yaml", "Days: !Ref LogRetentionDays", "Days: 14", "earlier than 14 days ago"),
        ("messaging.yaml", "Days: !Ref LogRetentionDays", "Days: 60", ""),
        ("messaging.yaml", "RetentionPeriod: 1209600", "RetentionPeriod: 3600", "than 3600 s"),
    ],
)
def test_the_plan_says_what_is_lost_though_its_resource_stays(
    template: str, before: str, after: str, lost: str
) -> None:
    text = (stacks.TEMPLATES / template).read_text()
    assert before in text
    now, then = parse(text), parse(text.replace(before, after))
    found = {said for _, said in losses.of_templates(now, then, {"LogRetentionDays": "30"})}
    assert len(found) == bool(lost)
    assert all(lost in said for said in found)


def test_the_templates_mean_in_json_what_they_mean_in_yaml() -> None:
    table = parse((stacks.TEMPLATES / "table.yaml").read_text())
    assert table["Outputs"]["StreamArn"]["Value"] == {"Fn::GetAtt": ["EventsTable", "StreamArn"]}
    assert table["Resources"]["EventsTable"]["Properties"]["TableName"] == {
        "Fn::Sub": "marathon-events-${Stage}"
    }
