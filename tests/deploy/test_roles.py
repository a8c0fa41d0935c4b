"""The functions' roles: they grant what the code calls, and nothing else."""

import ast
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ops.deploying import roles
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import access
from ops.stage.clients import client
from ops.stage.config import config
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES
from ops.stage.templates import parse

import pytest

from chalicelib import times
from chalicelib.records.spilled import CHUNK_BYTES, Spilled, to_messages
from chalicelib.services import aws, tokens
from chalicelib.services.targets import parameter_name, queue_name, undelivered_name
from chalicelib.web.readers import Request
from local import functions
from local.functions import Stream
from tests.support import queue
from tests.support.cluster import at as at_clock
from tests.support.cluster import registered, task
from tests.support.faults import answer, injected, no_connection
from tests.support.iam import findings
from tests.support.night import Night, record_at
from tests.support.records import at, record, record_from
from tests.support.templates import resources

STAGE = resources("messaging.yaml")
BASE = "marathon-events-${Stage}"
HERE = "arn:${{AWS::Partition}}:{}:${{AWS::Region}}:${{AWS::AccountId}}:"
# What Lambda does in a function's name: reads its event source, writes its log.
BY_LAMBDA = {
    "api": {"logs:CreateLogStream", "logs:PutLogEvents"},
    "fanout": {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    },
    "restore": {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
    },
    "watch": {"logs:CreateLogStream", "logs:PutLogEvents"},
}
BY_LAMBDA["alerts"] = BY_LAMBDA["fanout"]
BY_LAMBDA["deliver"] = BY_LAMBDA["restore"]
# PublishBatch has no right of its own.
NAMES = {"sns:PublishBatch": "sns:Publish"}


def statements(function: str) -> list[dict[str, Any]]:
    (policy,) = STAGE[f"{function.capitalize()}Role"]["Properties"]["Policies"]
    assert policy["PolicyDocument"]["Version"] == "2012-10-17"
    return list(policy["PolicyDocument"]["Statement"])


def granted(function: str) -> set[str]:
    return {action for each in statements(function) for action in each["Action"]}


@contextmanager
def calls() -> Iterator[set[str]]:
    """The rights that the functions' clients need for what they call."""
    seen: set[str] = set()

    def note(model: Any, **kwargs: Any) -> None:
        name = f"{model.service_model.endpoint_prefix}:{model.name}"
        seen.add(NAMES.get(name, name))

    tables, queues = (aws.dynamodb(), aws.dynamodb(urgent=True)), (aws.sqs(), aws.sqs(urgent=True))
    clients: Any = (*tables, *queues, aws.sns(), aws.sns(once=True), aws.ssm())
    for each in clients:
        each.meta.events.register("before-call", note)
    yield seen
    for each in clients:
        each.meta.events.unregister("before-call", note)


@pytest.mark.usefixtures("unhurried")
def test_api_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    token = tokens.mint()
    stage.tokens.add(token, "publisher", "prod", "test")
    reader, _ = access.grant(stage, "test", "", None)
    ingest = module.ingest()
    with calls() as called:
        ingest.receive(token, b"{}")
        ingest.receive(token, os.urandom(800_000))
        ingest.receive(tokens.mint(), b"{}")
        with injected(aws.dynamodb(urgent=True), "PutItem", no_connection):
            ingest.receive(token, b"{}")
        module.reading().clusters(Request(f"Bearer {reader}", {}))
    assert called | BY_LAMBDA["api"] == granted("api")


def test_fanout_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    plan = {"id": "d", "steps": [{"actions": [{"action": "StopPod", "pod": "/x"}]}]}
    stage.store.put(at(1))
    stage.store.put(record_from(os.urandom(800_000)))
    begun = record(
        eventType="deployment_info",
        plan=plan,
        currentStep=plan["steps"][0],
        timestamp="2016-01-01T00:00:00Z",
    )
    stage.store.put(begun)
    stage.store.put(record(eventType="deployment_success", id="d", plan=plan))
    stream = Stream(module, stage)
    with calls() as called, injected(aws.sns(), "PublishBatch", answer("InvalidParameter")):
        stream.pump()
    assert called | BY_LAMBDA["fanout"] == granted("fanout")


def test_restore_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    use_case = module.restoring()
    body = os.urandom(CHUNK_BYTES + 1)
    known = Spilled(record_from(body).id, "2026-01-01T00:00:00.000Z", "0" * 64, "prod", body)
    unknown = Spilled(known.id, known.received_at, known.token_hash, "", b"{}")
    with calls() as called:
        for message in (*to_messages(known), *to_messages(unknown), "not one"):
            use_case.restore(message)
    assert called | BY_LAMBDA["restore"] == granted("restore")


def test_alerts_and_watch_may_do_what_they_do(stage: Stage) -> None:
    night = Night(stage)
    night.functions.watching().no_events = timedelta(minutes=5)
    stage.clusters.claim(registered())
    stream = Stream(night.functions, stage, "alerts")
    with calls() as called:
        for n, clock in enumerate(("00:00:10", "00:00:05", "00:00:20")):
            for made in task(at_clock(clock), "/web", n, "TASK_FAILED"):
                stage.store.put(record_at(made, at_clock("00:00:20")))
            stream.pump()
    # Records are put by the test itself.
    assert called - {"dynamodb:PutItem"} | BY_LAMBDA["alerts"] == granted("alerts")
    with calls() as called:
        night.look_at(at_clock("00:02:30"), at_clock("00:30:00"))
    assert called | BY_LAMBDA["watch"] == granted("watch")
    assert night.heard


def test_deliver_may_do_what_it_does(stage: Stage) -> None:
    deliver = functions.load(stage).delivering()
    client("ssm").put_parameter(
        Name=parameter_name(stage.name, "0123abcd"), Value="json://127.0.0.1:1", Type="SecureString"
    )
    urls = [
        client("sqs").create_queue(QueueName=name(stage.name, "0123abcd"))["QueueUrl"]
        for name in (queue_name, undelivered_name)
    ]
    attributes = {
        name: {"Type": "String", "Value": "x"}
        for name in ("cluster", "subject", "severity", "state")
    }
    alert = json.dumps({"Subject": "x", "Message": "y", "MessageAttributes": attributes})
    for body in (alert, "no alert"):
        client("sqs").send_message(QueueUrl=urls[0], MessageBody=body)
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue_name(stage.name, '0123abcd')}"
    an_hour_ago = str(int((times.now() - timedelta(hours=1)).timestamp() * 1000))
    with calls() as called:
        for each in queue.look(urls[0], AttributeNames=["All"]):
            message = {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": each["Attributes"] | {"SentTimestamp": an_hour_ago},
                "eventSourceARN": arn,
            }
            deliver.run([message])
    assert called | BY_LAMBDA["deliver"] == granted("deliver")


def test_each_function_has_its_own_role_in_every_stage() -> None:
    whole = config()
    functions = {each.chalice_name for each in FUNCTIONS}
    assert whole["lambda_functions"].keys() == functions
    assert all(each["manage_iam_role"] is False for each in whole["lambda_functions"].values())
    roles_of_all = {name for name, each in STAGE.items() if each["Type"] == "AWS::IAM::Role"}
    assert roles_of_all == {roles.logical_name(each) for each in FUNCTIONS}
    outputs = parse((TEMPLATES / "messaging.yaml").read_text())["Outputs"]
    for name in roles_of_all:
        assert outputs[f"{name}Arn"]["Value"] == {"Fn::GetAtt": [name, "Arn"]}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_a_role_names_the_stages_own_resources_and_no_account(function: Function) -> None:
    table = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + BASE
    own: list[Any] = [
        {"Fn::Sub": table},
        {"Fn::Sub": f"{table}/index/*"},
        {"Fn::Sub": f"{table}/stream/*"},
        {"Ref": "EventsTopic"},
        {"Ref": "AlertsTopic"},
        {"Fn::GetAtt": ["SpillQueue", "Arn"]},
        {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]},
        {"Fn::GetAtt": [log_group(function), "Arn"]},
        {"Fn::Sub": f"{HERE.format('sqs')}{BASE}-to-????????"},
        {"Fn::Sub": f"{HERE.format('sqs')}{BASE}-undelivered-????????"},
        {"Fn::Sub": f"{HERE.format('ssm')}parameter/marathon-events/${{Stage}}/targets/*"},
    ]
    for each in statements(function.name):
        assert each["Effect"] == "Allow"
        assert each["Resource"] in own or each["Action"] == ["dynamodb:ListStreams"]
        assert not any("*" in action for action in each["Action"])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_an_iam_linter_finds_nothing_in_a_role(function: Function, stage: Stage) -> None:
    name = roles.arns(stage.name)[function.chalice_name].partition("/")[2]
    role = client("iam").get_role(RoleName=name)["Role"]
    (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}
    policy = client("iam").get_role_policy(RoleName=name, PolicyName="what-it-calls")
    assert findings(as_on_aws(policy["PolicyDocument"])) == []


def as_on_aws(document: Any) -> dict[str, Any]:
    """A policy as AWS would have it. moto's is Python's text, and the ARN of a log group lacks the
    end that CloudFormation gives it.
    """
    policy: dict[str, Any] = ast.literal_eval(document) if isinstance(document, str) else document
    for each in policy["Statement"]:
        if ":log-group:" in each["Resource"] and not each["Resource"].endswith(":*"):
            each["Resource"] += ":*"
    return policy


def log_group(function: Function) -> str:
    (name,) = [
        name
        for name, each in STAGE.items()
        if each["Type"] == "AWS::Logs::LogGroup"
        and each["Properties"]["LogGroupName"]
        == {"Fn::Sub": f"/aws/lambda/{function.lambda_name('${Stage}')}"}
    ]
    return name
