"""Dead letters: the messages on the queue, and what can be done with them. There are two formats:
ours, ``{"kind": "parked", …}`` with a record's key, or with a whole spilled message; and Lambda's
own on-failure message, which names a range of the table's stream.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.cli import Failure
from ops.stage.clients import client
from ops.stage.resources import Stage

import botocore.exceptions

from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services import aws

# How long a letter that has been read stays hidden from others.
_HIDDEN_SECONDS = 120
# A short poll asks only some of SQS's servers, and may find nothing though letters lie there.
_POLL_SECONDS = 2
# A page of a stream may be empty though more is to come. So many in a row are no end, but a fault.
_EMPTY_PAGES = 1000
_TRIMMED = ("TrimmedDataAccessException", "ResourceNotFoundException")


@dataclass(frozen=True)
class Letter:
    """A dead letter. ``pk``, ``sk``: of a parked record; ``spill``: a parked spilled message;
    ``shard``, ``first``, ``last``: a range of the stream that fan-out gave up. ``message``: the
    whole, as it lies there.
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
        """What the letter is about, in a few words."""
        if self.pk:
            return f"record {self.sk} of {self.pk.replace('|', ', ', 1)}"
        if self.shard:
            return f"records {self.first} to {self.last} of the stream"
        return "a spilled event" if self.spill else "a message in no known format"


def read(stage: Stage) -> list[Letter]:
    """All letters on the queue. They stay there, hidden from others for two minutes."""
    letters: dict[str, Letter] = {}
    while True:
        answer = client("sqs").receive_message(
            QueueUrl=stage.dead_letter_queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=_POLL_SECONDS,
        )
        found = {each["MessageId"]: _letter(each) for each in answer.get("Messages", [])}
        if not found or found.keys() <= letters.keys():
            return list(letters.values())
        letters |= found


def put_back(stage: Stage, letter: Letter) -> None:
    """Let others see a letter again."""
    client("sqs").change_message_visibility(
        QueueUrl=stage.dead_letter_queue_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
    )


def delete(stage: Stage, letter: Letter) -> None:
    """Take a letter off the queue: it has been dealt with."""
    client("sqs").delete_message(QueueUrl=stage.dead_letter_queue_url, ReceiptHandle=letter.receipt)


def records(stage: Stage, letter: Letter) -> list[Record]:
    """The records that a letter is about. Raises Failure if they are not available."""
    if letter.pk:
        try:
            record = stage.store.at(letter.pk, letter.sk)
        except LookupError as error:
            raise Failure(f"{letter.what}: {error}.") from error
        if record is None:
            raise Failure(f"{letter.what} is no longer in the table.")
        return [record]
    if letter.shard:
        return _from_stream(stage, letter)
    raise Failure(
        f"{letter.what} can't be sent. Look at it with parked --show {letter.id[:8]}; "
        "if nobody needs it, drop it with parked --drop."
    )


def _from_stream(stage: Stage, letter: Letter) -> list[Record]:
    streams = client("dynamodbstreams")
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=stage.stream_arn,
            ShardId=letter.shard,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=letter.first,
        )["ShardIterator"]
        found = list(_range(iterator, int(letter.last)))
    except botocore.exceptions.ClientError as error:
        if (code := aws.error_code(error)) not in _TRIMMED:
            raise Failure(f"{letter.what} can't be read now ({code}); try again.") from error
        raise Failure(
            f"{letter.what} are no longer there (a stream keeps 24 hours). Publish that time "
            "from the table: scripts/events.py replay --since … --until …."
        ) from error
    new = [items.plain(each["NewImage"]) for name, each in found if name == "INSERT"]
    return _whole(stage, new)


def _range(iterator: str | None, last: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The changes of a shard up to one, each with the name of what was done."""
    empty = 0
    while iterator:
        page = client("dynamodbstreams").get_records(ShardIterator=iterator)
        for each in page["Records"]:
            number = int(each["dynamodb"]["SequenceNumber"])
            if number <= last:
                yield each["eventName"], each["dynamodb"]
            if number >= last:
                return
        empty = 0 if page["Records"] else empty + 1
        if empty == _EMPTY_PAGES:
            raise Failure(f"The stream gives nothing up to its record {last} now; try again.")
        iterator = page.get("NextShardIterator")


def _whole(stage: Stage, found: list[dict[str, Any]]) -> list[Record]:
    return [stage.store.whole(values) for values in found if values["kind"] == "record"]


def _letter(message: dict[str, Any]) -> Letter:
    id_, receipt, body = message["MessageId"], message["ReceiptHandle"], message["Body"]
    try:
        said = json.loads(body)
        if said.get("kind") == "parked":
            known = {name: str(said[name]) for name in ("pk", "sk", "spill") if name in said}
            return Letter(id_, receipt, body, str(said["reason"]), **known)
        batch = said["DDBStreamBatchInfo"]
        return Letter(
            id_,
            receipt,
            body,
            str(said["requestContext"]["condition"]),
            shard=batch["shardId"],
            first=batch["startSequenceNumber"],
            last=batch["endSequenceNumber"],
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Letter(id_, receipt, body)
