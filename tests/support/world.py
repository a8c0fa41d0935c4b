"""A stage whose functions are driven by hand, to see what survives."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ops.stage.clients import client
from ops.stage.resources import Stage

import events

from chalicelib.services import aws, tokens
from chalicelib.services.clusters import Cluster
from local import functions
from local.functions import Spill, Stream
from local.journal import Journal
from tests.support.faults import Handler, injected
from tests.support.queue import look

Sent = dict[str, bytes]


class Killed(BaseException):
    """The function's process is gone."""


class World:
    """A stage whose functions are driven by hand."""

    def __init__(self, stage: Stage, journal: Journal) -> None:
        self.stage = stage
        self.journal = journal
        self.functions = functions.load(stage)
        self.ingest = self.functions.ingest()
        self.stream = Stream(self.functions, stage)
        self.spill = Spill(self.functions, stage)
        self.token = tokens.mint()
        stage.tokens.add(self.token, "publisher", "prod", "test")
        stage.clusters.claim(Cluster("prod", "http://m", "f"))
        # What restore could not take comes again at once, not after six minutes.
        client("sqs").set_queue_attributes(
            QueueUrl=stage.spill_queue_url, Attributes={"VisibilityTimeout": "0"}
        )

    def send(self, *bodies: bytes, expect: str = "new") -> Sent:
        sent: Sent = {}
        for body in bodies or [event(n) for n in range(12)]:
            receipt = self.ingest.receive(self.token, body)
            assert receipt.outcome == expect
            sent[receipt.id] = body
        return sent

    def pump(self) -> None:
        """Let the event source mappings work until they have nothing left to do."""
        self.ingest.guard.close()
        while self.spill.pump() or self.stream.pump():
            pass

    def recover(self) -> None:
        self.pump()
        assert self.journal.wait_until(self.quiet, 60)

    def quiet(self) -> bool:
        found: Any = client("sqs").get_queue_attributes(
            QueueUrl=self.stage.spill_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return bool(found["Attributes"]["ApproximateNumberOfMessages"] == "0")

    @contextmanager
    def broken_table(self, handler: Handler, *operations: str) -> Iterator[None]:
        with ExitStack() as stack:
            for made in (aws.dynamodb(), aws.dynamodb(urgent=True)):
                for operation in operations or ("PutItem", "GetItem"):
                    stack.enter_context(injected(made, operation, handler))
            yield

    def dead_letters(self) -> list[dict[str, Any]]:
        """What is parked now."""
        return [json.loads(each["Body"]) for each in look(self.stage.dead_letter_queue_url)]

    def scan(self) -> list[dict[str, Any]]:
        """Every item of the table."""
        return list(client("dynamodb").scan(TableName=self.stage.table_name)["Items"])

    def run(self, *args: str) -> int:
        return events.main([args[0], "--stage", self.stage.name, *args[1:]])


def event(n: int, **more: Any) -> bytes:
    second = f"2016-04-24T09:{n // 60:02d}:{n % 60:02d}.000Z"
    fields = {"eventType": "app_terminated_event", "appId": f"/a{n}", "timestamp": second}
    return json.dumps(fields | more).encode()
