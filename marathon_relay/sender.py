"""Posts the waiting events to the API, ``POST /events``: one batch after the other, so in order. A
line leaves the spool when the API has confirmed it. Otherwise it stays and is sent again. If the
API knows it already, it answers that it is a duplicate.
"""

import threading
import time
from collections.abc import Sequence

from marathon_relay.api import Api, Failed, NotTaken, Refused, TooLarge
from marathon_relay.backoff import Backoff
from marathon_relay.log import Log
from marathon_relay.settings import Settings
from marathon_relay.spool import Line, Spool, SpoolFull
from marathon_relay.status import Status

MOST_LINES = 500
MOST_BYTES = 5_000_000
_FIRST_WAIT_SECONDS = 0.5
_REFUSED_WAITS = 10  # with a refused token, wait that many times as long
_IDLE_SECONDS = 1.0
_LAST_WAIT_SECONDS = 0.2  # the pause before a retry, when the relay is about to end


class Sender:
    """``arrived`` is set when something new is in the spool."""

    def __init__(
        self, settings: Settings, spool: Spool, status: Status, log: Log, arrived: threading.Event
    ) -> None:
        self._api = Api(settings)
        self._spool = spool
        self._status = status
        self._log = log
        self._arrived = arrived
        self._backoff = Backoff(_FIRST_WAIT_SECONDS, settings.retry_max)
        self._lines = MOST_LINES
        self._refused = False
        self._ending = threading.Event()

    def run(self) -> None:
        """Send until ``finish`` was called, then until nothing waits or the token is refused."""
        while True:
            self._arrived.clear()
            batch = self._spool.take(self._lines, MOST_BYTES)
            if self._ending.is_set() and (not batch or self._refused):
                return
            if batch:
                self._send(batch)
            else:
                self._arrived.wait(_IDLE_SECONDS)

    def finish(self) -> None:
        """Send the waiting events, and end."""
        self._ending.set()
        self._arrived.set()

    def _send(self, batch: Sequence[Line]) -> None:
        """Send a batch, or note why not."""
        try:
            duplicates = self._api.post([line.body for line in batch])
            self._spool.forget(batch)
        except TooLarge as error:
            self._too_large(batch, error)
        except Failed as error:
            self._failed(error)
        except SpoolFull as error:
            self._failed(_disk_full(error))
        else:
            self._sent(batch, duplicates)

    def _sent(self, batch: Sequence[Line], duplicates: int) -> None:
        if self._status.last_error:
            self._log.write("sending_again", spooled=self._spool.count)
        self._status.batch_sent(len(batch), sum(len(line.body) for line in batch), duplicates)
        self._backoff.reset()
        self._refused = False
        self._lines = min(self._lines * 2, MOST_LINES)

    def _failed(self, error: Failed) -> None:
        self._status.batch_failed(error.reason)
        self._refused = isinstance(error, Refused)
        if self._ending.is_set():
            time.sleep(_LAST_WAIT_SECONDS)
            return
        seconds = self._backoff.next() * (_REFUSED_WAITS if self._refused else 1)
        self._log.write(
            "sending_failed",
            reason=error.reason,
            spooled=self._spool.count,
            seconds=round(seconds, 1),
        )
        self._ending.wait(seconds)

    def _too_large(self, batch: Sequence[Line], error: TooLarge) -> None:
        """Try fewer lines, down to one. A line that the API itself does not take is put aside. One
        that only a proxy does not take waits: nothing is lost, and a person can fix the proxy.
        """
        if len(batch) > 1:
            self._lines = max(1, len(batch) // 2)
        elif isinstance(error, NotTaken):
            self._put_aside(batch, error.reason)
        else:
            self._failed(error)

    def _put_aside(self, batch: Sequence[Line], reason: str) -> None:
        (line,) = batch
        file = self._spool.put_aside(line.body, time.time())
        self._status.aside(kept=file is not None)
        if file:
            self._log.write("kept_aside", bytes=len(line.body), file=file, reason=reason)
        else:
            self._log.write("aside_full", bytes=len(line.body))
        try:
            self._spool.forget(batch)
        except SpoolFull as error:
            self._failed(_disk_full(error))


def _disk_full(error: SpoolFull) -> Failed:
    return Failed(f"the disk of the spool takes nothing ({error}).")
