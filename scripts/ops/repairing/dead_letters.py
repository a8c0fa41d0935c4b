"""Dead letters: the messages on the dead-letter queue, and what can be done with them. There are
three formats: ours, ``{"kind": "parked", …}`` with a record's key, or with a whole spilled message;
Lambda's own on-failure message, which names a range of the table's stream; and a spilled message
that SQS itself moved there, because the table was not available for days.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.cli import Failure
from ops.stage import queues
from ops.stage.clients import client
from ops.stage.resources import Stage

import botocore.exceptions

from chalicelib.marathon.reading import read as read_event
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.records.spilled import from_message, join
from chalicelib.services import aws

# How long a dead letter that has been read stays hidden from others.
_HIDDEN_SECONDS = 120
_WAIT_SECONDS = 1

# A page of a stream may be empty although more follow. Each covers some time of the stream, so
# after so many in a row something is wrong.
_MOST_EMPTY_PAGES = 1_000
_PAUSE_SECONDS = 0.2  # a shard takes five calls a second
_OURS: tuple[str, ...] = ("pk", "sk", "spill")
_MOVED_BY_SQS = "the table did not take it for days, so SQS moved it here"
_GONE = ("TrimmedDataAccessException", "ResourceNotFoundException")


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter. ``pk``, ``sk``: of a parked record; ``spill``: a spilled message; ``shard``,
    ``first``, ``last``: a range of the stream that fan-out gave up. ``message``: the whole, as it
    is on the queue.
    """

    id: str
    receipt: str
    message: str
    reason: str = "unknown"
    pk: str = ""
    sk: str = ""
    spill: str = ""
    shard: str = ""
    first: str = ""
    last: str = ""

    @property
    def what(self) -> str:
        """What it is about, in a few words."""
        if self.pk:
            return f"record {self.sk} of {self.pk.replace('|', ', ', 1)}"
        if self.shard:
            return f"records {self.first} to {self.last} of the stream"
        if self.spill:
            return _spilled_event(self.spill)
        return "a message in no known format"


@dataclass(frozen=True)
class Parked:
    """What is on the queue. ``hidden``: about how many more somebody else is looking at, or did in
    the last two minutes.
    """

    found: list[DeadLetter]
    hidden: int


def read(stage: Stage) -> Parked:
    """All dead letters. They stay on the queue, hidden from others for two minutes."""
    found: dict[str, DeadLetter] = {}
    # Those read first come again after two minutes; then all have been seen.
    while (received := _receive(stage)) and not received.keys() <= found.keys():
        found |= received
    hidden = queues.waiting(stage.dead_letter_queue_url) - len(found)
    return Parked(list(found.values()), max(0, hidden))


def _receive(stage: Stage) -> dict[str, DeadLetter]:
    """Some dead letters, by their ids; none if there are no more. A short poll asks only some of
    SQS's servers, and may find nothing though messages are there. So this is a long one.
    """
    answer = client("sqs").receive_message(
        QueueUrl=stage.dead_letter_queue_url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=_WAIT_SECONDS,
    )
    return {each["MessageId"]: _parsed(each) for each in answer.get("Messages", [])}


def put_back(stage: Stage, dead_letter: DeadLetter) -> None:
    """Let others see a dead letter again."""
    client("sqs").change_message_visibility(
        QueueUrl=stage.dead_letter_queue_url,
        ReceiptHandle=dead_letter.receipt,
        VisibilityTimeout=0,
    )


def delete(stage: Stage, dead_letter: DeadLetter) -> None:
    """Take a dead letter off the queue: it has been dealt with."""
    client("sqs").delete_message(
        QueueUrl=stage.dead_letter_queue_url, ReceiptHandle=dead_letter.receipt
    )


def records(stage: Stage, dead_letter: DeadLetter) -> list[Record]:
    """The records that a dead letter is about. Raises Failure if they are not available."""
    what = dead_letter.what
    if dead_letter.pk:
        try:
            record = stage.store.at(dead_letter.pk, dead_letter.sk)
        except LookupError as error:
            raise Failure(f"{what}: {error}.") from error
        if record is None:
            raise Failure(f"{what} is no longer in the table.")
        return [record]
    if dead_letter.shard:
        return _from_stream(stage, dead_letter)
    raise Failure(
        f"{what} can't be sent. Look at it with parked --show {dead_letter.id[:8]}; if nobody "
        "needs it, drop it with parked --drop."
    )


def _from_stream(stage: Stage, dead_letter: DeadLetter) -> list[Record]:
    """The records of a range of the stream. Raises Failure if not all of it can be read."""
    try:
        inserted = [
            items.plain(each["dynamodb"]["NewImage"])
            for each in _range(stage, dead_letter)
            if each["eventName"] == "INSERT"
        ]
    except botocore.exceptions.ClientError as error:
        if aws.error_code(error) not in _GONE:
            raise
        raise Failure(
            f"{dead_letter.what} are no longer there (a stream keeps 24 hours). Publish that time "
            "from the table: scripts/events.py replay --since … --until …."
        ) from error
    return [stage.store.whole(values) for values in inserted if values["kind"] == "record"]


def _range(stage: Stage, dead_letter: DeadLetter) -> Iterator[dict[str, Any]]:
    """The changes in a range of the stream, to its last one. Raises Failure if that does not
    come.
    """
    streams = client("dynamodbstreams")
    iterator = streams.get_shard_iterator(
        StreamArn=stage.stream_arn,
        ShardId=dead_letter.shard,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=dead_letter.first,
    )["ShardIterator"]
    last, empty = int(dead_letter.last), 0
    while iterator and empty < _MOST_EMPTY_PAGES:
        page = streams.get_records(ShardIterator=iterator)
        for each in page["Records"]:
            number = int(each["dynamodb"]["SequenceNumber"])
            if number <= last:
                yield each
            if number >= last:
                return
        empty = 0 if page["Records"] else empty + 1
        iterator = page.get("NextShardIterator")
        if empty:
            time.sleep(_PAUSE_SECONDS)
    raise Failure(
        f"{dead_letter.what} could not be read to the last one. Publish that time from the table: "
        "scripts/events.py replay --since … --until …; then drop this with parked --drop."
    )


def _parsed(message: dict[str, Any]) -> DeadLetter:
    body = message["Body"]
    try:
        known = _known(json.loads(body), body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = {}
    return DeadLetter(message["MessageId"], message["ReceiptHandle"], body, **known)


def _known(said: dict[str, Any], body: str) -> dict[str, str]:
    """The fields of a dead letter. Raises the error of whatever is missing in another format."""
    if said.get("kind") == "parked":
        known = {name: str(said[name]) for name in _OURS if name in said}
        return {"reason": str(said["reason"]), **known}
    if "DDBStreamBatchInfo" not in said:
        from_message(body)
        return {"reason": _MOVED_BY_SQS, "spill": body}
    batch = said["DDBStreamBatchInfo"]
    return {
        "reason": str(said["requestContext"]["condition"]),
        "shard": batch["shardId"],
        "first": batch["startSequenceNumber"],
        "last": batch["endSequenceNumber"],
    }


def _spilled_event(message: str) -> str:
    """What a spilled message brings, as far as it can be read."""
    try:
        chunk = from_message(message)
    except ValueError:
        return "a spilled event"
    whose = f" of {chunk.cluster}" if chunk.cluster else ""
    if chunk.parts > 1:
        return f"part {chunk.part + 1} of {chunk.parts} of the spilled event {chunk.id}{whose}"
    try:
        title = read_event(join(chunk, [chunk.data]).body).title
    except ValueError:
        return f"the spilled event {chunk.id}{whose}"
    return f"the spilled event {chunk.id}{whose} ({title})"
