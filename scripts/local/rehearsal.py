"""A rehearsal: events played through the real functions in an AWS of its own, with a clock of its
own, and what people would get.
"""

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.stage import deployed
from ops.stage.clients import client
from ops.stage.resources import Stage

from chalicelib import story, times
from chalicelib.marathon.reading import Reading, read
from chalicelib.records import items
from chalicelib.records.record import Record, identify, record_of
from chalicelib.records.story import Story
from chalicelib.sender import NotSent
from chalicelib.services import aws
from local import functions
from local.functions import A_MINUTE_HAS_PASSED, Context, Stream

CLUSTER = "prod"
API = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod"

# The second of each minute at which watch looks.
_LOOKS_AT = timedelta(seconds=20)
_MINUTE = timedelta(minutes=1)
# A time that lies so far from the others is not when the event came.
_FAR = timedelta(days=60)
_EPOCH = times.from_epoch(0)
_NEVER = datetime.max.replace(tzinfo=UTC)
# SQS may answer that nothing is there though something is.
_EMPTY_ANSWERS = 2


@dataclass(frozen=True)
class Heard:
    """One message that people would get."""

    at: datetime
    title: str
    text: str
    attributes: dict[str, str]

    @property
    def state(self) -> str:
        """``opened``, ``ongoing`` or ``resolved``."""
        return self.attributes["state"]

    @property
    def apps(self) -> list[str]:
        """The apps and pods that it is about."""
        found: list[str] = json.loads(self.attributes.get("apps", "[]"))
        return found

    def as_json(self) -> dict[str, Any]:
        """As ``rehearse.py --json`` prints it."""
        return {
            "at": times.iso(self.at),
            "state": self.state,
            "severity": self.attributes["severity"],
            "subject": self.attributes["subject"],
            "apps": self.apps,
            "title": self.title,
            "text": self.text,
        }


class Rehearsal:
    """A stage, its functions, and a clock that stands where it is put. ``api``: the address of the
    page that messages name.
    """

    def __init__(self, stage: Stage, cluster: str = CLUSTER, api: str = "") -> None:
        self.stage = stage
        self.cluster = cluster
        self.now = _EPOCH
        self.records: list[Record] = []
        self.heard: list[Heard] = []
        resource = {"resource_type": "rest_api", "name": "rest_api", "rest_api_url": api or API}
        deployed.keep_copy(stage, {"resources": [resource]})
        self.functions = functions.load(stage, retention_days=0)  # its clock is another
        self.functions.watching().now = lambda: self.now
        self._streams = [Stream(self.functions, stage, name) for name in ("fanout", "alerts")]
        queue = client("sqs").create_queue(QueueName=f"{stage.name}-people")["QueueUrl"]
        arn = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        client("sns").subscribe(
            TopicArn=stage.alerts_topic_arn,
            Protocol="sqs",
            Endpoint=arn["Attributes"]["QueueArn"],
        )
        self._queue = queue

    def play(self, bodies: Sequence[bytes], until: timedelta) -> None:
        """Let the events happen at their times, and watch look each minute, until so long after the
        last of them.
        """
        waiting = self._arrivals(bodies)
        if not waiting:
            return
        first, end = waiting[0].heard, waiting[-1].heard + until
        look = _EPOCH + (first - _EPOCH) // _MINUTE * _MINUTE + _LOOKS_AT
        idle_until = look
        while look <= end:
            came = 0
            while came < len(waiting) and waiting[came].heard < look:
                came += 1
            self.now = look
            if came:
                self.store(waiting[:came])
                del waiting[:came]
                self.pump()
            if came or look >= idle_until:
                self.look()
                idle_until = self._idle_until()
            look += _MINUTE

    def _idle_until(self) -> datetime:
        """Until when watch finds nothing to do if nothing comes: looks before that are left out."""
        watch = self.functions.watching()
        found = self.stage.incidents.read(self.now)
        busy = any(each.sending or each.silenced_until or each.is_news for each in found.incidents)
        if busy or watch.no_events:
            return self.now
        due = [each.due for each in found.incidents if each.due]
        due += [each.last + watch.timing.stuck for each in found.deployments]
        return min((each for each in due if each > self.now), default=_NEVER)

    def store(self, records: Sequence[Record]) -> None:
        """Store records as they are when they come."""
        written = [item for each in records for item in _items(each)]
        unique = {(item["pk"]["S"], item["sk"]["S"]): item for item in written}
        self.stage.table.write_all(list(unique.values()))
        self.records += records

    def pump(self) -> None:
        """Hand over what the table's stream has."""
        for stream in self._streams:
            stream.drain()

    def look(self) -> None:
        """Let watch look once, and hear what it tells."""
        with _published() as published, suppress(NotSent):  # its log says why
            self.functions.watch(A_MINUTE_HAS_PASSED, Context())
        if published:
            self.hear()

    def hear(self) -> None:
        """Take what people got."""
        empty = 0
        while empty < _EMPTY_ANSWERS:
            messages = self._receive()
            empty = 0 if messages else empty + 1
            for each in messages:
                said = json.loads(each["Body"])
                named = {name: one["Value"] for name, one in said["MessageAttributes"].items()}
                self.heard.append(Heard(self.now, said["Subject"], said["Message"], named))
                client("sqs").delete_message(
                    QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"]
                )

    def stories(self) -> list[Story]:
        """The stories of the deployments, in the order in which they began."""
        ids = dict.fromkeys(each.deployment for each in self.records if each.deployment)
        found = (story.of_deployment(self.stage.store, self.cluster, id_) for id_ in ids)
        return [each for each in found if each]

    def _receive(self) -> list[Any]:
        answer = client("sqs").receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        return list(answer.get("Messages", []))

    def _arrivals(self, bodies: Sequence[bytes]) -> list[Record]:
        """The records of events, each received at its own time, in the order of these. An event
        without a time, or of a time far from all others, came with the one before it.
        """
        readings = [(body, read(body)) for body in bodies]
        known = [each.timestamp.timestamp() for _, each in readings if each.timestamp]
        middle = times.from_epoch(statistics.median(known)) if known else times.now()
        found: list[Record] = []
        came = min((time for _, each in readings if (time := _near(each, middle))), default=middle)
        for body, reading in readings:
            came = _near(reading, middle) or came
            id_ = identify(body, reading.timestamp or came)
            found.append(record_of(id_, self.cluster, came, reading, body))
        return sorted(found, key=lambda each: each.received_at)


def _near(reading: Reading, middle: datetime) -> datetime | None:
    time = reading.timestamp
    return time if time and abs(time - middle) <= _FAR else None


def _items(record: Record) -> Iterator[items.Item]:
    parts, item = items.to_items(record, None)
    yield from parts
    yield item


@contextmanager
def _published() -> Iterator[list[Any]]:
    """What was published meanwhile: most looks publish nothing, and then nobody need ask."""
    seen: list[Any] = []

    def note(**kwargs: Any) -> None:
        seen.append(kwargs)

    events = aws.sns(once=True).meta.events
    events.register("before-call.sns.PublishBatch", note)
    try:
        yield seen
    finally:
        events.unregister("before-call.sns.PublishBatch", note)


def lines(file: Iterable[bytes]) -> list[bytes]:
    """The events in a file: one a line. Empty lines, and those that begin with ``#``, are none."""
    found = (line.strip() for line in file)
    return [line for line in found if line and not line.startswith(b"#")]
