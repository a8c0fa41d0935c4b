"""A night of a cluster, played through the real functions with a clock of its own, and what people
would have got.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from ops.stage import deployed
from ops.stage.clients import client
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.marathon.reading import read
from chalicelib.marathon.severity import BAD
from chalicelib.records import items
from chalicelib.records.record import Record, identify, record_of
from chalicelib.services import aws
from local import functions
from local.functions import A_MINUTE_HAS_PASSED, Context, Stream
from tests.support.queue import look

Event = dict[str, Any]

API = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod"
# The clock that each night begins at, and the second of each minute at which watch looks.
MIDNIGHT = datetime.fromisoformat("2026-03-02T00:00:00Z")
_LOOKS_AT = timedelta(seconds=20)
_TOGETHER = timedelta(seconds=10)
_APPS_SHOWN = 5
# The numbers by which apps and hosts of one kind differ.
_NUMBERED = re.compile(r"(?<=svc-)\d+|(?<=node-)\d+")
_MINUTE = timedelta(minutes=1)


class Night:
    """A stage, its functions, and a clock that stands where it is put."""

    def __init__(self, stage: Stage, cluster: str = "prod") -> None:
        self.stage = stage
        self.cluster = cluster
        self.now = MIDNIGHT
        self.records: list[Record] = []
        self.heard: list[tuple[datetime, dict[str, Any]]] = []
        resource = {"resource_type": "rest_api", "name": "rest_api", "rest_api_url": API}
        deployed.keep_copy(stage, {"resources": [resource]})
        self.functions = functions.load(stage)
        self.alerts = Stream(self.functions, stage, "alerts")
        self.functions.alerting().now = lambda: self.now
        self.functions.watching().now = lambda: self.now
        self.brought = 0
        self._days: set[str] = set()
        self._queue = client("sqs").create_queue(QueueName=f"{stage.name}-people")["QueueUrl"]
        arn = client("sqs").get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        client("sns").subscribe(
            TopicArn=stage.alerts_topic_arn,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
        )

    def store(self, events: Iterable[Event], received: datetime | None = None) -> list[Record]:
        """Store events as they are when they come."""
        records = []
        for event in events:
            body = json.dumps(event).encode()
            reading = read(body)
            assert reading.timestamp
            id_ = identify(body, reading.timestamp)
            came = received or max(reading.timestamp, self.now)
            records.append(record_of(id_, self.cluster, came, reading, body))
        written = [items.to_items(record, None)[1] for record in records]
        self.stage.table.write_all(list({each["sk"]["S"]: each for each in written}.values()))
        for record in records:  # as fan-out does
            self.stage.store.note_deployment(record, None)
        for day in {items.day_of(record.id) for record in records} - self._days:
            self.stage.store.note_day(self.cluster, day)
            self._days.add(day)
        self.records += records
        return records

    def note(self) -> None:
        """Let the stream bring what is bad."""
        bad = sum(each.severity in BAD for each in self.records)
        while self.brought < bad:
            self.brought += len(self.alerts.pump())

    def look(self) -> None:
        """Let watch look once, and hear what it tells."""
        with _published() as published:
            self.functions.watch(A_MINUTE_HAS_PASSED, Context())
        if published:
            self.hear()

    def play(self, events: Iterable[Event], until: timedelta = timedelta(minutes=20)) -> None:
        """Let the events happen at their times, and watch look each minute, until so long after the
        last of them.
        """
        row = sorted(events, key=lambda each: str(each["timestamp"]))
        bursts = [
            list(burst)
            for _, burst in groupby(row, key=lambda e: (_time(e) - MIDNIGHT) // _TOGETHER)
        ]
        end = _time(row[-1]) + until
        look = MIDNIGHT + (_time(row[0]) - MIDNIGHT) // _MINUTE * _MINUTE + _LOOKS_AT
        while look < end:
            while bursts and _time(bursts[0][-1]) < look:
                burst = bursts.pop(0)
                self.now = _time(burst[-1])
                if any(each.severity in BAD for each in self.store(burst)):
                    self.note()
            self.now = look
            self.look()
            look += _MINUTE

    def story(self, title: str, words: str) -> str:
        """The night as a file that one reads like a story."""
        happened = [f"- {line}" for line in _happened(self.records)]
        told = [part for time, message in self.heard for part in _shown(time, message)]
        if not told:
            told = ["Nobody was woken."]
        lines = [f"# {title}", "", words, "", "## What happened", "", *happened, ""]
        lines += ["## What people got", "", *told]
        return "\n".join(lines).replace(f"--stage {self.stage.name}", "--stage prod") + "\n"

    def hear(self) -> None:
        while messages := look(self._queue):
            for each in messages:
                self.heard.append((self.now, json.loads(each["Body"])))
                client("sqs").delete_message(
                    QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"]
                )


@contextmanager
def _published() -> Iterator[list[Any]]:
    """What was published meanwhile."""
    seen: list[Any] = []

    def note(**kwargs: Any) -> None:
        seen.append(kwargs)

    events = aws.sns(once=True).meta.events
    events.register("before-call.sns.PublishBatch", note)
    try:
        yield seen
    finally:
        events.unregister("before-call.sns.PublishBatch", note)


@contextmanager
def at_call(when: str, number: int, act: Any) -> Iterator[None]:
    """Do something once at that call to AWS."""
    left = number

    def count(**kwargs: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    clients: Any = (aws.dynamodb(), aws.sns(once=True))
    for each in clients:
        each.meta.events.register(when, count)
    try:
        yield
    finally:
        for each in clients:
            each.meta.events.unregister(when, count)


def attributes(message: dict[str, Any]) -> dict[str, str]:
    """The attributes of a message that was heard."""
    return {name: each["Value"] for name, each in message["MessageAttributes"].items()}


def _happened(records: list[Record]) -> Iterator[str]:
    """What happened, each kind of event once."""
    titles: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda each: each.id):
        titles.setdefault(_NUMBERED.sub("…", record.title), []).append(record)
    for title, same in titles.items():
        when = same[0].timestamp[11:19]
        if len(same) > 1:
            when = f"{when} – {same[-1].timestamp[11:19]}, {len(same)} times"
        yield f"{when}: {title}"


def _shown(time: datetime, message: dict[str, Any]) -> Iterator[str]:
    named = attributes(message)
    apps = json.loads(named.get("apps", "[]"))
    if len(apps) > _APPS_SHOWN:
        named["apps"] = f"{len(apps)} of them"
    yield f"### {times.iso(time)[11:19]} – {message['Subject']}"
    yield ""
    yield ", ".join(f"`{name}`: {value}" for name, value in sorted(named.items()))
    yield ""
    yield "```text"
    yield message["Message"].rstrip()
    yield "```"
    yield ""


def _time(event: Event) -> datetime:
    return times.from_iso(event["timestamp"])
