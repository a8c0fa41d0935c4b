"""The spilled form of an event: it waits on a queue because the table could not take it.

A message is one JSON object: the fields of ``Spilled`` and the body. The body is compressed and in
base64 (SQS takes no control characters), and in parts if it is too large for one message.
"""

import base64
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chalicelib import times
from chalicelib.records.items import digest_of
from chalicelib.records.record import is_id

# A chunk must fit into one item of the table, because restore collects the parts there. As base64
# it is then half of what SQS takes (1,048,576 bytes).
CHUNK_BYTES = 380_000

# CloudWatch keeps up to 256 KB of a line.
LOG_CHUNK_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class Spilled:
    """An event that reaches the table through the queue.

    ``received_at``: the time of its first receipt, in ISO 8601. ``token_hash``: the hash of the
    token that it came with. ``cluster``: empty if the token could not be checked. ``body``:
    redacted.
    """

    id: str
    received_at: str
    token_hash: str
    cluster: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """One message: part ``part`` of ``parts`` of a spilled event's compressed body. ``digest``:
    distinguishes the parts of this sending from those of another, which may be cut differently.
    """

    id: str
    received_at: str
    token_hash: str
    cluster: str
    part: int
    parts: int
    digest: str
    data: bytes


def to_messages(spilled: Spilled, chunk_bytes: int = CHUNK_BYTES) -> Iterator[str]:
    """A spilled event as messages."""
    body = zlib.compress(spilled.body, 1)
    starts = range(0, len(body), chunk_bytes)
    digest = f"{digest_of(body)}-{len(starts)}"
    for part, start in enumerate(starts):
        data = base64.b64encode(body[start : start + chunk_bytes]).decode()
        yield json.dumps(
            {
                "id": spilled.id,
                "received_at": spilled.received_at,
                "token": spilled.token_hash,
                "cluster": spilled.cluster,
                "part": part,
                "parts": len(starts),
                "digest": digest,
                "data": data,
            }
        )


def from_message(message: str) -> Chunk:
    """Reads what ``to_messages`` wrote, also in version 0.1, which had no digest. Raises ValueError
    for anything else.
    """
    try:
        said: dict[str, Any] = json.loads(message)
        chunk = Chunk(
            id=said["id"],
            received_at=said["received_at"],
            token_hash=said["token"],
            cluster=said["cluster"],
            part=said["part"],
            parts=said["parts"],
            digest=said.get("digest", str(said["parts"])),
            data=base64.b64decode(said["data"], validate=True),
        )
        _check(chunk)
    except (TypeError, KeyError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError("not a spilled event") from error
    return chunk


def with_cluster(message: str, cluster: str) -> str:
    """The same message, with that cluster as the sender of its event. Raises ValueError."""
    from_message(message)
    return json.dumps(json.loads(message) | {"cluster": cluster})


def join(chunk: Chunk, data: list[bytes]) -> Spilled:
    """The spilled event, put together from all its parts. Raises ValueError for a broken body."""
    try:
        body = zlib.decompress(b"".join(data))
    except zlib.error as error:
        raise ValueError("the body does not decompress") from error
    return Spilled(chunk.id, chunk.received_at, chunk.token_hash, chunk.cluster, body)


def _check(chunk: Chunk) -> None:
    texts = (chunk.id, chunk.received_at, chunk.token_hash, chunk.cluster, chunk.digest)
    if not (all(isinstance(text, str) for text in texts) and is_id(chunk.id)):
        raise ValueError
    if not 0 <= chunk.part < chunk.parts:
        raise ValueError
    times.from_iso(chunk.received_at)
