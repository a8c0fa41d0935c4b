"""The spill: an event that the table could not take, parked on a queue until it can.

A message is one JSON object: what ``Spilled`` says, and the body, compressed and in base64 (SQS
takes no control characters), in parts where it is too large for one message.
"""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# A chunk must fit one item of the table, where restore gathers the parts; as base64 it is then half
# of what SQS takes (1,048,576 bytes).
CHUNK_BYTES = 380_000

# CloudWatch keeps up to 256 KB of a line.
LOG_CHUNK_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class Spilled:
    """An event on its way to the table by the queue.

    ``received_at``: ISO 8601, of its first receipt. ``token``: the hash of the token that it came
    with. ``cluster``: empty where the token could not be checked. ``body``: redacted.
    """

    id: str
    received_at: str
    token: str
    cluster: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One message: part ``part`` of ``parts`` of a spilled event's compressed body."""

    id: str
    received_at: str
    token: str
    cluster: str
    part: int
    parts: int
    data: bytes


def to_messages(spilled: Spilled, chunk_bytes: int = CHUNK_BYTES) -> Iterator[str]:
    """A spilled event as messages."""
    body = zlib.compress(spilled.body, 1)
    starts = range(0, len(body), chunk_bytes)
    for part, start in enumerate(starts):
        data = base64.b64encode(body[start : start + chunk_bytes]).decode()
        yield json.dumps(
            {
                "id": spilled.id,
                "received_at": spilled.received_at,
                "token": spilled.token,
                "cluster": spilled.cluster,
                "part": part,
                "parts": len(starts),
                "data": data,
            }
        )


def from_message(message: str) -> Chunk:
    """What ``to_messages`` wrote. Raises ValueError for anything else."""
    try:
        fields: dict[str, Any] = json.loads(message)
        return Chunk(**{**fields, "data": base64.b64decode(fields["data"], validate=True)})
    except (TypeError, KeyError) as error:
        raise ValueError("not a spilled event") from error


def join(chunk: Chunk, data: list[bytes]) -> Spilled:
    """The spilled event of which all parts are there. Raises ValueError for a broken body."""
    try:
        body = zlib.decompress(b"".join(data))
    except zlib.error as error:
        raise ValueError("the body does not decompress") from error
    return Spilled(chunk.id, chunk.received_at, chunk.token, chunk.cluster, body)


class SpillQueue:
    """One spill queue. ``make_client`` is called when it is needed, which it hardly ever is."""

    def __init__(self, make_client: "Callable[[], SQSClient]", queue_url: str) -> None:
        self._make_client = make_client
        self._queue = queue_url

    def send(self, spilled: Spilled) -> None:
        """Park an event. Raises the SDK's errors."""
        for message in to_messages(spilled):
            self._make_client().send_message(QueueUrl=self._queue, MessageBody=message)
