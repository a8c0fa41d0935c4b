"""The functions' policies: they grant what the code calls, and nothing else."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ops import ROOT
from ops.mappings import function_name
from ops.stage import Stage, config

import pytest

from chalicelib.services import aws, tokens
from chalicelib.services.spill import CHUNK_BYTES, Spilled, to_messages
from local import functions
from local.functions import Stream
from tests.support.faults import answer, injected, no_connection
from tests.support.records import at, record_from

POLICIES = ROOT / ".chalice" / "policies"
STAGES = list(config()["stages"])
FUNCTIONS = {"api_handler": "api", "fanout": "fanout", "restore": "restore"}

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
}
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

    clients = (aws.dynamodb(), aws.dynamodb(impatient=True), aws.sqs(), aws.sqs(impatient=True))
    for client in (*clients, aws.sns()):
        client.meta.events.register("before-call", note)
    yield seen
    for client in (*clients, aws.sns()):
        client.meta.events.unregister("before-call", note)


def test_api_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    token = tokens.mint()
    stage.tokens.add(token, "publisher", "prod", "test")
    ingest = module._ingest()
    with calls() as called:
        ingest.receive(token, b"{}")
        ingest.receive(token, os.urandom(800_000))
        ingest.receive(tokens.mint(), b"{}")
        with injected(aws.dynamodb(impatient=True), "PutItem", no_connection):
            ingest.receive(token, b"{}")
    assert called | BY_LAMBDA["api"] == granted("dev", "api")


def test_fanout_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    stage.store.put(at(1))
    stage.store.put(record_from(os.urandom(800_000)))
    stream = Stream(module, stage)
    with calls() as called, injected(aws.sns(), "PublishBatch", answer("InvalidParameter")):
        stream.pump()
    assert called | BY_LAMBDA["fanout"] == granted("dev", "fanout")


def test_restore_may_do_what_it_does(stage: Stage) -> None:
    module = functions.load(stage)
    use_case = module._restore()
    body = os.urandom(CHUNK_BYTES + 1)
    known = Spilled(record_from(body).id, "2026-01-01T00:00:00.000Z", "0" * 64, "prod", body)
    unknown = Spilled(known.id, known.received_at, known.token, "", b"{}")
    with calls() as called:
        for message in (*to_messages(known), *to_messages(unknown), "not one"):
            use_case.restore(message)
    assert called | BY_LAMBDA["restore"] == granted("dev", "restore")


@pytest.mark.parametrize("stage", STAGES)
def test_each_function_of_each_stage_has_a_policy_of_its_own(stage: str) -> None:
    settings = config()["stages"][stage]
    assert settings["autogen_policy"] is False
    for function, name in FUNCTIONS.items():
        file = settings["lambda_functions"][function]["iam_policy_file"]
        assert file == f"policies/{stage}-{name}.json"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(("function", "name"), FUNCTIONS.items())
def test_a_policy_names_the_stages_own_resources_and_no_account(
    stage: str, function: str, name: str
) -> None:
    base = f"marathon-events-{stage}"
    own = {
        f"arn:aws:dynamodb:*:*:table/{base}",
        f"arn:aws:dynamodb:*:*:table/{base}/stream/*",
        f"arn:aws:sns:*:*:{base}",
        f"arn:aws:sqs:*:*:{base}-spill",
        f"arn:aws:sqs:*:*:{base}-dead-letters",
        f"arn:aws:logs:*:*:log-group:/aws/lambda/{function_name(stage, function)}:*",
    }
    for each in statements(stage, name):
        assert each["Effect"] == "Allow"
        assert each["Resource"] in own
        assert not any("*" in action for action in each["Action"])


@pytest.mark.parametrize("name", FUNCTIONS.values())
def test_stages_differ_in_their_names_alone(name: str) -> None:
    texts = {
        (POLICIES / f"{stage}-{name}.json")
        .read_text()
        .replace(f"marathon-events-{stage}", "marathon-events-STAGE")
        for stage in STAGES
    }
    assert len(texts) == 1
