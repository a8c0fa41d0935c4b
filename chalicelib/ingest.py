"""Ingest: an event comes in and is stored, spilled, or refused. Nothing is published here.

Marathon never sends an event again, and each answer that is not 2xx costs many more, so whatever
a valid sender posts is kept.
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
from chalicelib.services import aws
from chalicelib.services.spill import LOG_CHUNK_BYTES, Spilled, SpillQueue, to_messages
from chalicelib.services.store import Store
from chalicelib.services.table import TableError
from chalicelib.services.tokens import Token, hash_of

MAX_BODY_BYTES = 6_291_456

_MISFITS_LOGGED = 20

# While the table is known to be away, it is tried again this often.
_TABLE_AWAY_SECONDS = 3

Outcome = Literal["new", "duplicate", "spilled", "refused", "too_large", "lost"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request. ``id`` and ``cluster`` are empty where it has none."""

    outcome: Outcome
    id: str = ""
    cluster: str = ""


class Ingest:
    """The request path of one stage."""

    def __init__(self, gate: Gate, store: Store, queue: SpillQueue) -> None:
        self._gate = gate
        self._store = store
        self._queue = queue
        self._table_back_at = 0.0

    def receive(self, token: str | None, body: bytes) -> Receipt:
        """Take one event in. Never raises for anything that AWS or the sender does."""
        received_at = times.now()
        try:
            sender = self._gate.remembered(token)
            assert token is not None  # remembered() refuses None
            if len(body) > MAX_BODY_BYTES:
                return Receipt("too_large")
            if sender is None and self._table_is_there():
                sender = self._admit(token)
        except Refused:
            return Receipt("refused")
        return self._keep(sender, token, body, received_at)

    def _admit(self, token: str) -> Token | None:
        """The sender, or None where the table can't be read to tell. Raises Refused."""
        try:
            return self._gate.admit(token)
        except TableError as error:
            self._table_is_away(error)
            return None

    def _keep(
        self, sender: Token | None, token: str, body: bytes, received_at: datetime
    ) -> Receipt:
        kept = redact(body, token)
        reading = read(kept)
        id_ = identify(body, reading.timestamp or received_at)
        if reading.misfits:
            names = [name[:80] for name in reading.misfits[:_MISFITS_LOGGED]]
            log.warning("unexpected shape", id=id_, type=reading.type[:80], fields=names)
        cluster = sender.cluster if sender else ""
        if sender and self._table_is_there():
            record = record_of(id_, cluster, received_at, reading, kept)
            if receipt := self._store_record(record):
                return receipt
        spilled = Spilled(id_, times.iso(received_at), hash_of(token), cluster, kept)
        return self._spill(spilled)

    def _store_record(self, record: Record) -> Receipt | None:
        try:
            return Receipt(self._store.put(record), record.id, record.cluster)
        except TableError as error:
            self._table_is_away(error)
            return None

    def _spill(self, spilled: Spilled) -> Receipt:
        try:
            self._queue.send(spilled)
        except aws.ERRORS as error:
            log.error("the spill queue failed", id=spilled.id, reason=aws.error_code(error))
            for message in to_messages(spilled, LOG_CHUNK_BYTES):
                log.error("last_copy", last_copy=message)
            return Receipt("lost", spilled.id, spilled.cluster)
        return Receipt("spilled", spilled.id, spilled.cluster)

    def _table_is_there(self) -> bool:
        return time.monotonic() >= self._table_back_at

    def _table_is_away(self, error: TableError) -> None:
        log.warning("the table failed", reason=str(error))
        if not error.permanent:
            self._table_back_at = time.monotonic() + _TABLE_AWAY_SECONDS
