"""Ingest: an event comes in and is stored, spilled, or refused. Nothing is published here.

Marathon never sends an event again, and each answer that is not 2xx loses many more events. So
everything that a valid sender posts is kept. Marathon gives up after ten seconds, and so does
Lambda. So a request has a time limit: the table gets a small part of it, and the spill queue gets
the rest.
"""

import functools
import time
from collections.abc import Sequence
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
from chalicelib.services.tokens import Token, Tokens, hash_of

MAX_BODY_BYTES = 6_291_456

# The time for a whole request; and how much of it the table may take for a token, for one record,
# and for many records.
REQUEST_SECONDS = 6.0
TOKEN_SECONDS = 0.8
RECORD_SECONDS = 1.5
RECORDS_SECONDS = 3.0

_MISFITS_LOGGED = 20

Outcome = Literal["new", "duplicate", "spilled", "refused", "too_large", "lost"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a request. ``id`` and ``cluster`` are empty if it has none."""

    outcome: Outcome
    id: str = ""
    cluster: str = ""


class Ingest:
    """The request path of one stage. ``guard``: limits the calls to the table."""

    def __init__(self, tokens: Tokens, store: Store, queue: SpillQueue, guard: TableGuard) -> None:
        self._gate = Gate(
            lambda key: guard.call(lambda: tokens.find(key), TOKEN_SECONDS), "publisher"
        )
        self._records = store
        self._queue = queue
        self.guard = guard

    def receive(self, token: str | None, body: bytes) -> Receipt:
        """Take one event in. Never raises because of AWS or the sender."""
        deadline = time.monotonic() + REQUEST_SECONDS
        received_at = times.now()
        try:
            sender = self._sender(token)
        except Refused:
            return Receipt("refused")
        if len(body) > MAX_BODY_BYTES:
            return Receipt("too_large")
        assert token is not None  # the gate refuses None
        record = _read(sender, token, body, received_at)
        if sender and (receipt := self._store(record)):
            return receipt
        return _receipt(self._spill(_spilled(record, token), deadline), record)

    def _sender(self, token: str | None) -> Token | None:
        """The sender, or None if the table can't be read. Raises Refused."""
        try:
            return self._gate.admit(token)
        except TableError as error:
            log.warning("the table failed", reason=error.code)
            return None

    def receive_all(self, token: str | None, bodies: Sequence[bytes]) -> list[Receipt]:
        """Take many events in, several at once. Returns a receipt for each, in order. Their sender
        can send them again, so a lost event leaves no copy in the log. Raises Refused.
        """
        deadline = time.monotonic() + REQUEST_SECONDS
        received_at = times.now()
        sender = self._sender(token)
        assert token is not None  # the gate refuses None
        records = [_read(sender, token, body, received_at) for body in bodies]
        receipts: list[Receipt | None] = [None] * len(records)
        if sender:
            receipts = self._store_all(records)
        left = [n for n, receipt in enumerate(receipts) if receipt is None]
        spilled = [_spilled(records[n], token) for n in left]
        errors = self._queue.send_all(spilled, deadline - time.monotonic()) if left else []
        for n, error in zip(left, errors, strict=True):
            receipts[n] = _receipt("lost" if error else "spilled", records[n])
        if failed := [error for error in errors if error]:
            log.error("the spill queue failed", events=len(failed), reason=failed[0].code)
        return [receipt for receipt in receipts if receipt]

    def _store(self, record: Record) -> Receipt | None:
        """The result, or None if the table could not store it."""
        try:
            stored = self.guard.call(lambda: self._records.put(record), RECORD_SECONDS)
        except TableError as error:
            log.warning("the table failed", reason=error.code)
            return None
        return _receipt(stored, record)

    def _store_all(self, records: list[Record]) -> list[Receipt | None]:
        puts = [functools.partial(self._records.put, record) for record in records]
        results = self.guard.call_all(puts, RECORDS_SECONDS)
        errors = [result for result in results if isinstance(result, TableError)]
        if errors:
            log.warning("the table failed", events=len(errors), reason=errors[0].code)
        return [
            None if isinstance(result, TableError) else _receipt(result, record)
            for record, result in zip(records, results, strict=True)
        ]

    def _spill(self, spilled: Spilled, deadline: float) -> Outcome:
        try:
            self._queue.send(spilled, deadline - time.monotonic())
        except QueueError as error:
            log.error("the spill queue failed", id=spilled.id, reason=error.code)
            for message in to_messages(spilled, LOG_CHUNK_BYTES):
                log.error("last_copy", last_copy=message)
            return "lost"
        return "spilled"


def _read(sender: Token | None, token: str, body: bytes, received_at: datetime) -> Record:
    """The record of a body. Its cluster is empty if the sender is not known."""
    kept = redact(body, token)
    reading = read(kept)
    id_ = identify(body, reading.timestamp or received_at)
    if reading.misfits:
        names = [name[:80] for name in reading.misfits[:_MISFITS_LOGGED]]
        log.warning("unexpected shape", id=id_, type=reading.type[:80], fields=names)
    return record_of(id_, sender.cluster if sender else "", received_at, reading, kept)


def _spilled(record: Record, token: str) -> Spilled:
    return Spilled(record.id, record.received_at, hash_of(token), record.cluster, record.body)


def _receipt(outcome: Outcome, record: Record) -> Receipt:
    return Receipt(outcome, record.id, record.cluster)
