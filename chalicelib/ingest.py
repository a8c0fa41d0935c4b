"""Ingest: an event comes in and is stored, spilled, or refused. Nothing is published here.

Marathon never sends an event again, and each answer that is not 2xx costs many more, so whatever
a valid sender posts is kept. Marathon gives up after ten seconds, and so does Lambda: a request has
a budget of time, of which the table gets little, and the spill queue what is left.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib import log, times
from chalicelib.gate import Gate, Refused
from chalicelib.marathon.reading import read
from chalicelib.records.record import Record, identify, record_of
from chalicelib.records.redaction import redact
from chalicelib.records.spilled import LOG_CHUNK_BYTES, Spilled, to_messages
from chalicelib.services.guard import TableGuard
from chalicelib.services.queues import QueueError, SpillQueue
from chalicelib.services.store import Store
from chalicelib.services.table import TableError
from chalicelib.services.tokens import Role, Token, Tokens, hash_of

MAX_BODY_BYTES = 6_291_456

# For a whole request; what the table may take of it for a token, and for a record.
REQUEST_SECONDS = 6.0
_TOKEN_SECONDS = 0.8
_RECORD_SECONDS = 1.5

_MISFITS_LOGGED = 20

Outcome = Literal["new", "duplicate", "spilled", "refused", "too_large", "lost"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request. ``id`` and ``cluster`` are empty where it has none."""

    outcome: Outcome
    id: str = ""
    cluster: str = ""


class Ingest:
    """The request path of one stage. ``guard``: stands before the table."""

    def __init__(self, tokens: Tokens, store: Store, queue: SpillQueue, guard: TableGuard) -> None:
        role: Role = "publisher"
        self._gate = Gate(lambda key: guard.call(lambda: tokens.find(key), _TOKEN_SECONDS), role)
        self._store = store
        self._queue = queue
        self.guard = guard

    def receive(self, token: str | None, body: bytes) -> Receipt:
        """Take one event in. Never raises for anything that AWS or the sender does."""
        deadline = time.monotonic() + REQUEST_SECONDS
        received_at = times.now()
        try:
            sender = self._sender(token)
        except Refused:
            return Receipt("refused")
        if len(body) > MAX_BODY_BYTES:
            return Receipt("too_large")
        assert token is not None  # the gate refuses None
        return self._keep(sender, token, body, received_at, deadline)

    def _sender(self, token: str | None) -> Token | None:
        """The sender, or None where the table can't be read to tell. Raises Refused."""
        try:
            return self._gate.admit(token)
        except TableError as error:
            log.warning("the table failed", reason=error.code)
            return None

    def _keep(
        self,
        sender: Token | None,
        token: str,
        body: bytes,
        received_at: datetime,
        deadline: float,
    ) -> Receipt:
        kept = redact(body, token)
        reading = read(kept)
        id_ = identify(body, reading.timestamp or received_at)
        if reading.misfits:
            names = [name[:80] for name in reading.misfits[:_MISFITS_LOGGED]]
            log.warning("unexpected shape", id=id_, type=reading.type[:80], fields=names)
        cluster = sender.cluster if sender else ""
        if sender:
            record = record_of(id_, cluster, received_at, reading, kept)
            if receipt := self._store_record(record):
                return receipt
        spilled = Spilled(id_, times.iso(received_at), hash_of(token), cluster, kept)
        return self._spill(spilled, deadline)

    def _store_record(self, record: Record) -> Receipt | None:
        try:
            stored = self.guard.call(lambda: self._store.put(record), _RECORD_SECONDS)
        except TableError as error:
            log.warning("the table failed", reason=error.code)
            return None
        return Receipt(stored, record.id, record.cluster)

    def _spill(self, spilled: Spilled, deadline: float) -> Receipt:
        try:
            self._queue.send(spilled, deadline - time.monotonic())
        except QueueError as error:
            log.error("the spill queue failed", id=spilled.id, reason=error.code)
            for message in to_messages(spilled, LOG_CHUNK_BYTES):
                log.error("last_copy", last_copy=message)
            return Receipt("lost", spilled.id, spilled.cluster)
        return Receipt("spilled", spilled.id, spilled.cluster)
