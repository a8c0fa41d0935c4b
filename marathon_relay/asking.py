"""Asks Marathon's queue what waits to be launched, beside the stream, in a thread of its own."""

import threading
import time

from marathon_relay import waiting
from marathon_relay.log import Log
from marathon_relay.marathon import MarathonError
from marathon_relay.settings import Settings
from marathon_relay.spool import Spool, SpoolFull
from marathon_relay.status import Status

_KEPT = "waiting"  # under this name the spool keeps what is known


class Asker:
    """``arrived`` is set when something new is in the spool."""

    def __init__(
        self, settings: Settings, spool: Spool, status: Status, log: Log, arrived: threading.Event
    ) -> None:
        self._name = settings.name
        self._seconds = settings.queue_seconds
        self._spool = spool
        self._status = status
        self._log = log
        self._arrived = arrived
        self._marathon = settings.client()
        self._known = waiting.from_text(spool.kept(_KEPT))
        self._stop = threading.Event()
        self._storing = threading.Lock()

    def run(self) -> None:
        """Ask until ``stop``."""
        while not self._stop.is_set():
            self._ask()
            self._stop.wait(self._seconds)

    def stop(self) -> None:
        """Stop asking. When this returns, nothing more is added to the spool."""
        with self._storing:
            self._stop.set()

    def _ask(self) -> None:
        try:
            queue = self._marathon.queue(waiting.queued)
        except MarathonError as error:
            reason = error.advice
            if reason != self._status.queue_error:
                self._log.write("queue_unknown", reason=reason)
            self._status.queue_failed(reason)
            return
        self._status.queue_seen(len(queue))
        with self._storing:
            if not self._stop.is_set():
                self._report(queue, time.time())

    def _report(self, queue: list[waiting.Queued], now: float) -> None:
        known, changes = waiting.looked(self._known, queue, now)
        if known == self._known or (changes and self._spool.full):
            return
        lines = [waiting.event(self._name, change, now) for change in changes]
        try:
            self._spool.keep(_KEPT, waiting.to_text(known), lines, now)
        except SpoolFull:
            return  # the next look reports it
        self._known = known
        for change in changes:
            self._log_change(change)
        if lines:
            self._arrived.set()

    def _log_change(self, change: waiting.Change) -> None:
        known, queued = change.known, change.queued
        if queued is None:
            self._log.write("launched", path=known.path)
            return
        self._log.write(
            "waiting",
            path=known.path,
            count=queued.count,
            seconds=round((known.reported or 0) - known.since),
            reason=queued.reason or "not known",
        )
