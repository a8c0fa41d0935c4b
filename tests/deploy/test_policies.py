"""The functions' policies: they grant what the code calls, and nothing else."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ops import ROOT
from ops.deploying import policies
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import access
from ops.stage.config import config
from ops.stage.resources import Stage

import pytest

from chalicelib.records.spilled import CHUNK_BYTES, Spilled, to_messages
from chalicelib.services import aws, tokens
from chalicelib.web.readers import Request
from local import functions
from local.functions import Stream
from tests.support.cluster import at as at_clock
from tests.support.cluster import registered, task
from tests.support.faults import answer, injected, no_connection
from tests.support.night import Night
from tests.support.records import at, record, record_from

POLICIES = ROOT / ".chalice" / "policies"
STAGES = list(config()["stages"])
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
# PublishBatch has no right of its own.
NAMES = {"sns:PublishBatch": "sns:Publish"}


def statements(stage: str, function: str) -> list[dict[str, Any]]:
    policy = json.loads((POLICIES / f"{stage}-{function}.json").read_text())
    assert policy["Version"] == "2012-10-17"
    return list(policy["Statement"])


def granted(stage: str, function: str) -> set[str]:
    return {action for each in statements(stage, function) for action in each["Action"]}


@contextmanager
def calls() -> Iterator[set[str]]:
    """The rights that the functions' clients need for what they call."""
    seen: set[str] = set()

    def note(model: Any, **kwargs: Any) -> None:
        name = f"{model.service_model.endpoint_prefix}:{model.name}"
        seen.add(NAMES.get(name, name))

    tables, queues = (aws.dynamodb(), aws.dynamodb(urgent=True)), (aws.sqs(), aws.sqs(urgent=True))
    clients: Any = (*tables, *queues, aws.sns(), aws.sns(once=True))
    for client in clients:
        client.meta.events.register("before-call", note)
    yield seen
    for client in clients:
        client.meta.events.unregister("before-call", note)


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
    assert called | BY_LAMBDA["api"] == granted("dev", "api")


def test_fanout_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    plan = {"id": "d", "steps": [{"actions": [{"action": "StopPod", "pod": "/x"}]}]}
    stage.store.put(at(1))
    stage.store.put(record_from(os.urandom(800_000)))
    begun: dict[str, Any] = {
        "plan": plan,
        "currentStep": plan["steps"][0],
        "timestamp": "2016-01-01T00:00:00Z",
    }
    stage.store.put(record(eventType="deployment_info", **begun))
    stage.store.put(record(eventType="deployment_success", id="d", plan=plan))
    stream = Stream(module, stage)
    with calls() as called, injected(aws.sns(), "PublishBatch", answer("InvalidParameter")):
        stream.pump()
    assert called | BY_LAMBDA["fanout"] == granted("dev", "fanout")


def test_restore_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    use_case = module.restoring()
    body = os.urandom(CHUNK_BYTES + 1)
    known = Spilled(record_from(body).id, "2026-01-01T00:00:00.000Z", "0" * 64, "prod", body)
    unknown = Spilled(known.id, known.received_at, known.token_hash, "", b"{}")
    with calls() as called:
        for message in (*to_messages(known), *to_messages(unknown), "not one"):
            use_case.restore(message)
    assert called | BY_LAMBDA["restore"] == granted("dev", "restore")


def test_alerts_and_watch_may_do_what_they_do(stage: Stage) -> None:
    night = Night(stage)
    night.store(task(at_clock("00:00:10"), "/web", 1, "TASK_FAILED"))
    with calls() as called:
        night.note()
        night.store(task(at_clock("00:00:05"), "/web", 2, "TASK_FAILED"))  # late
        night.note()
    # Stories are read, and what night stores is not alerts' own.
    assert called - {"dynamodb:BatchWriteItem"} | BY_LAMBDA["alerts"] == granted("dev", "alerts")
    night.functions.watching().silence = timedelta(minutes=5)
    stage.clusters.claim(registered())
    with calls() as called:
        night.now = at_clock("00:30:00")
        night.look()
    assert called | BY_LAMBDA["watch"] == granted("dev", "watch")
    assert len(night.heard) == 2


@pytest.mark.parametrize("stage", STAGES)
def test_each_function_of_each_stage_has_a_policy_of_its_own(stage: str) -> None:
    settings = config()["stages"][stage]
    assert settings["autogen_policy"] is False
    functions = {each.chalice_name: each.name for each in FUNCTIONS}
    assert settings["lambda_functions"].keys() == functions.keys()
    for chalice_name, name in functions.items():
        file = settings["lambda_functions"][chalice_name]["iam_policy_file"]
        assert file == f"policies/{stage}-{name}.json"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_a_policy_names_the_stages_own_resources_and_no_account(
    stage: str, function: Function
) -> None:
    base = f"marathon-events-{stage}"
    own = {
        f"arn:aws:dynamodb:*:*:table/{base}",
        f"arn:aws:dynamodb:*:*:table/{base}/index/*",
        f"arn:aws:dynamodb:*:*:table/{base}/stream/*",
        f"arn:aws:dynamodb:*:*:table/{base}/index/*",
        f"arn:aws:sns:*:*:{base}",
        f"arn:aws:sns:*:*:{base}-alerts",
        f"arn:aws:sns:*:*:{base}.fifo",
        f"arn:aws:sqs:*:*:{base}-spill",
        f"arn:aws:sqs:*:*:{base}-dead-letters",
        f"arn:aws:logs:*:*:log-group:/aws/lambda/{function.lambda_name(stage)}:*",
    }
    for each in statements(stage, function.name):
        assert each["Effect"] == "Allow"
        resources = each["Resource"]
        assert own.issuperset([resources] if isinstance(resources, str) else resources)
        assert not any("*" in action for action in each["Action"])


@pytest.mark.parametrize("stage", STAGES)
def test_the_policies_of_a_stage_are_those_of_the_functions_with_its_name(stage: str) -> None:
    made = policies.rendered(stage)
    assert len(made) == len(FUNCTIONS)
    for path, text in made.items():
        assert path.read_text() == text
        assert f"marathon-events-{stage}" in text
        assert "${" not in text
