"""The functions on this machine: the API on Chalice's local server, and what Lambda's event source
mappings do (the stream to ``fanout`` and ``alerts``, the spill queue to ``restore``).
"""

import base64
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from http.server import ThreadingHTTPServer
from types import ModuleType
from typing import Any

from ops import ROOT
from ops.deploying.functions import FUNCTIONS
from ops.stage import queues
from ops.stage.clients import client
from ops.stage.resources import Stage

from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalChalice, LocalDevServer

from chalicelib.sender import NotSent
from chalicelib.services.table import TableError
from local.background import background, regularly, served

_MAX_BATCH = 100


class _Handler(ChaliceRequestHandler):
    # Head and body of an answer go out in two writes: with Nagle's algorithm each takes 40 ms.
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Any:
        """Methods that Python's server does not know are refused as others are, with 405."""
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    def send_header(self, keyword: str, value: str) -> None:
        """API Gateway sends this header under another name."""
        if keyword.lower() == "www-authenticate":
            keyword = f"x-amzn-Remapped-{keyword}"
        super().send_header(keyword, value)

    def log_message(self, *args: Any) -> None:
        """Log nothing: the standard line would show the whole URL with its token."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away while it is answered is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Context:
    """The part of Lambda's context that ``fanout`` uses. By default no function runs out of time
    here.
    """

    aws_request_id = "local"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return self._milliseconds


def load(stage: Stage, retention_days: int = 90) -> ModuleType:
    """``app.py`` as a stage's functions import it: fresh, with the stage's environment."""
    os.environ.update(stage.environment(), RETENTION_DAYS=str(retention_days))
    sys.modules.pop("app", None)
    module = importlib.import_module("app")
    # Requests run in parallel here, so each needs a current_request of its own.
    module.app.__class__ = LocalChalice
    return module


@contextmanager
def serving(functions: ModuleType, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Serve the API on this machine; gives its port. Raises OSError if the port is in use."""
    config = Config.create(project_dir=str(ROOT), chalice_app=functions.app)
    local = LocalDevServer(
        functions.app, config, host, port, handler_cls=_Handler, server_cls=_Server
    )
    with served(local.server):
        yield local.server.server_address[1]


class Stream:
    """Hands the table's stream to a function as Lambda's event source mapping does: what its filter
    lets through, in order, batch after batch, resuming where the function says.
    """

    def __init__(self, functions: ModuleType, stage: Stage, name: str = "fanout") -> None:
        self._name = name
        self._patterns = _patterns(name, stage)
        self.use(functions)
        self._arn = stage.stream_arn
        self._client = client("dynamodbstreams")
        described = self._client.describe_stream(StreamArn=self._arn)["StreamDescription"]
        self._iterator = self._client.get_shard_iterator(
            StreamArn=self._arn,
            ShardId=described["Shards"][0]["ShardId"],
            ShardIteratorType="TRIM_HORIZON",
        )["ShardIterator"]
        self._waiting: list[dict[str, Any]] = []
        self._at_end = False
        self.shard: str = described["Shards"][0]["ShardId"]

    def use(self, functions: ModuleType) -> None:
        """From now on, hand records to the function of another container."""
        self._function = getattr(functions, self._name)

    def fetch(self) -> list[dict[str, Any]]:
        """The records that are still to be handed over, as far as they have been written."""
        self._at_end = False
        while not (self._waiting or self._at_end):
            # A page may be empty though more is to come.
            page = self._next_page() or self._next_page()
            self._at_end = len(page) < _MAX_BATCH
            self._waiting = [
                as_lambda_has_it(each, self._arn)
                for each in page
                if any(passes(each, one) for one in self._patterns)
            ]
        return self._waiting

    def _next_page(self) -> list[dict[str, Any]]:
        answer = self._client.get_records(ShardIterator=self._iterator, Limit=_MAX_BATCH)
        self._iterator = answer["NextShardIterator"]
        return list(answer["Records"])

    def give_up(self) -> list[dict[str, Any]]:
        """Lose the next batch, as Lambda does when a record gets too old or its retries end."""
        lost, self._waiting = self.fetch(), []
        return lost

    def pump(self) -> list[dict[str, Any]]:
        """Hand over the next batch. Returns the records that the function has finished."""
        batch = self.fetch()[:_MAX_BATCH]
        if not batch:
            return []
        failures = self._function({"Records": batch}, Context())["batchItemFailures"]
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        done = numbers.index(failures[0]["itemIdentifier"]) if failures else len(batch)
        self._waiting = self._waiting[done:]
        return batch[:done]

    def drain(self) -> None:
        """Hand over all that has been written, as far as the function finishes it."""
        while self.pump() and (self._waiting or not self._at_end):
            pass


class Spill:
    """Hands the spill queue to ``restore`` as Lambda's event source mapping does."""

    def __init__(self, functions: ModuleType, stage: Stage) -> None:
        self._restore = functions.restore
        self._queue = stage.spill_queue_url
        self._client = client("sqs")

    def pump(self) -> int:
        """Hand over the next batch. Returns how many messages ``restore`` has finished."""
        # A short poll may find nothing though messages wait.
        messages = self._poll() or self._poll()
        return hand_over(self._restore, self._queue, messages) if messages else 0

    def _poll(self) -> list[dict[str, Any]]:
        answer = self._client.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        return list(answer.get("Messages", []))


def hand_over(function: Callable[..., Any], url: str, messages: list[dict[str, Any]]) -> int:
    """Hand over messages of a queue as Lambda's event source mapping does. Returns how many are
    done; the others come again.
    """
    records = [
        {
            "messageId": each["MessageId"],
            "receiptHandle": each["ReceiptHandle"],
            "body": each["Body"],
            "attributes": each.get("Attributes", {}),
            "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queues.name_of(url)}",
        }
        for each in messages
    ]
    failures = function({"Records": records}, Context())["batchItemFailures"]
    again = {each["itemIdentifier"] for each in failures}
    done = [each["ReceiptHandle"] for each in messages if each["MessageId"] not in again]
    for receipt in done:
        client("sqs").delete_message(QueueUrl=url, ReceiptHandle=receipt)
    return len(done)


def mappings(
    stream: Stream, spill: Spill, stored: Callable[[dict[str, Any]], None]
) -> AbstractContextManager[None]:
    """Both event source mappings at work in the background. ``stored`` is called with each stream
    record that ``fanout`` has finished.
    """

    def step() -> bool:
        done = stream.pump()
        for record in done:
            stored(record)
        return bool(done or spill.pump())

    return background(step)


@contextmanager
def alerting(functions: ModuleType, stage: Stage, faster: float) -> Iterator[None]:
    """``alerts`` and ``watch`` at work in the background, so many times faster than in Lambda."""
    stream = Stream(functions, stage, "alerts")
    watch = functions.watching()
    watch.timing = watch.timing.faster(faster)

    def look() -> None:
        with suppress(NotSent, TableError):  # as in Lambda, the next look tries again
            functions.watch(A_MINUTE_HAS_PASSED, Context())

    with (
        background(lambda: bool(stream.pump())),
        regularly(look, watch.timing.look.total_seconds()),
    ):
        yield


# What EventBridge sends.
A_MINUTE_HAS_PASSED = {
    "version": "0",
    "id": "00000000-0000-4000-8000-000000000000",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}


def passes(record: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    """Whether a stream record passes a mapping's filter: each leaf of a pattern lists the values
    that it takes.
    """
    return all(
        record.get(name) in wanted
        if isinstance(wanted, list)
        else passes(record.get(name, {}), wanted)
        for name, wanted in pattern.items()
    )


def _patterns(name: str, stage: Stage) -> list[dict[str, Any]]:
    (function,) = (each for each in FUNCTIONS if each.name == name)
    return [json.loads(e["Pattern"]) for e in function.mapping(stage)["FilterCriteria"]["Filters"]]


def as_lambda_has_it(record: Mapping[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record as the stream's API gives it, as Lambda's event has it: binary as base64 text, the
    time as a number.
    """
    change = dict(record["dynamodb"])
    created = change.pop("ApproximateCreationDateTime", None)
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _json(value) for name, value in change[image].items()}
    if created is not None:
        change["ApproximateCreationDateTime"] = created.timestamp()
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": record["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }


def _json(typed: Mapping[str, Any]) -> dict[str, Any]:
    kind, value = next(iter(typed.items()))
    if kind == "B":
        return {"B": base64.b64encode(value).decode()}
    return {"L": [_json(each) for each in value]} if kind == "L" else {kind: value}
