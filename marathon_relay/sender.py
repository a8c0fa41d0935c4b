"""Posts the waiting events to the API, ``POST /events``: one batch after the other, so in order. A
line leaves the spool when the API has confirmed it. Otherwise it stays and is sent again. If the
API knows it already, it answers that it is a duplicate.
"""

import json
import threading
import time
from collections.abc import Sequence

import httpx

from marathon_relay.backoff import Backoff
from marathon_relay.log import Log
from marathon_relay.settings import Settings
from marathon_relay.spool import Line, Spool, SpoolFull
from marathon_relay.status import Status

MOST_LINES = 500
MOST_BYTES = 5_000_000
_ANSWER_BYTES = 1_000_000
_CONNECT_SECONDS = 5
_FIRST_WAIT_SECONDS = 0.5
_REFUSED_WAITS = 10  # with a refused token, wait that many times as long
_IDLE_SECONDS = 1.0
_LAST_WAIT_SECONDS = 0.2  # the pause before a retry, when the relay is about to end

_KINDS = frozenset({"new", "duplicate", "spilled"})


class _Failed(Exception):
    """A POST failed. ``reason``: a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Refused(_Failed):
    """The API refused the token. Perhaps a person must fix this."""


class _NotTaken(_Failed):
    """The API will never take the batch as it is."""


class Sender:
    """``arrived`` is set when something new is in the spool."""

    def __init__(
        self, settings: Settings, spool: Spool, status: Status, log: Log, arrived: threading.Event
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._status = status
        self._log = log
        self._arrived = arrived
        self._backoff = Backoff(_FIRST_WAIT_SECONDS, settings.retry_max)
        self._lines = MOST_LINES
        self._refused = False
        self._ending = threading.Event()
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {settings.token}",
                "Content-Type": "application/x-ndjson",
            },
            timeout=httpx.Timeout(
                settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout)
            ),
        )

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
            try:
                duplicates = self._post(batch)
            except _NotTaken as error:
                self._smaller(batch, error.reason)
            else:
                self._spool.forget(batch)
                self._sent(batch, duplicates)
        except _Failed as error:
            self._failed(error)
        except SpoolFull as error:
            self._failed(_Failed(f"the disk of the spool takes nothing ({error})."))

    def _sent(self, batch: Sequence[Line], duplicates: int) -> None:
        if self._status.trouble:
            self._log.tell("sending_again", spooled=self._spool.count)
        self._status.batch_sent(len(batch), sum(len(line.body) for line in batch), duplicates)
        self._backoff.reset()
        self._refused = False
        self._lines = min(self._lines * 2, MOST_LINES)

    def _failed(self, error: _Failed) -> None:
        self._status.batch_failed(error.reason)
        self._refused = isinstance(error, _Refused)
        if self._ending.is_set():
            time.sleep(_LAST_WAIT_SECONDS)
            return
        seconds = self._backoff.next() * (_REFUSED_WAITS if self._refused else 1)
        self._log.tell(
            "sending_failed",
            reason=error.reason,
            spooled=self._spool.count,
            seconds=round(seconds, 1),
        )
        self._ending.wait(seconds)

    def _smaller(self, batch: Sequence[Line], reason: str) -> None:
        """Find the line that the API does not take, and put it aside."""
        if len(batch) > 1:
            self._lines = max(1, len(batch) // 2)
            return
        (line,) = batch
        file = self._spool.put_aside(line.body, time.time())
        self._status.aside(kept=file is not None)
        if file:
            self._log.tell("kept_aside", bytes=len(line.body), file=file, reason=reason)
        else:
            self._log.tell("aside_full", bytes=len(line.body))
        self._spool.forget(batch)

    def _post(self, batch: Sequence[Line]) -> int:
        """Returns how many of the lines the API knew already. Raises _Failed."""
        status, answer = self._exchange(b"\n".join(line.body for line in batch))
        told = _json(answer)
        match status:
            case 200:
                return _duplicates(told, len(batch))
            case 401 | 403:
                raise _Refused(
                    f"the API refuses the token (status {status}). Look at RELAY_URL; or make a "
                    "new token with register.py --relay-env FILE, and start the relay with it."
                )
            case 413:
                raise _NotTaken("the API says that it is too large.")
            case 400 if isinstance(told, dict):
                raise _NotTaken(f"the API says that it is malformed: {_message(told)}")
            case _ if 300 <= status < 400:
                raise _Failed(f"{self._settings.url} redirects elsewhere: look at RELAY_URL.")
            case 404 | 405:
                raise _Failed(f"there is no API at {self._settings.url}: look at RELAY_URL.")
        raise _Failed(f"the API answered status {status}.")

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer, however slowly it comes."""
        answer = bytearray()
        until = time.monotonic() + self._settings.timeout
        try:
            with self._client.stream(
                "POST", f"{self._settings.url}/events", content=body
            ) as response:
                for piece in response.iter_bytes():
                    answer += piece
                    if len(answer) > _ANSWER_BYTES:
                        raise _Failed("what the API answered is too long to be its answer.")
                    if time.monotonic() > until:
                        raise _Failed("the API did not answer in time.")
                return response.status_code, bytes(answer)
        except httpx.TimeoutException as error:
            raise _Failed("the API did not answer in time.") from error
        except httpx.HTTPError as error:
            raise _Failed(
                f"the API at {self._settings.url} can't be reached ({type(error).__name__})."
            ) from error


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _duplicates(told: object, lines: int) -> int:
    """How many lines were known, according to the answer. Raises _Failed if it is not the API's
    answer.
    """
    events = told.get("events") if isinstance(told, dict) else None
    if not isinstance(events, list) or len(events) != lines:
        raise _Failed("what answered is not the API, or not in full: look at RELAY_URL.")
    kinds = [each.get("stored") if isinstance(each, dict) else None for each in events]
    if not all(isinstance(kind, str) and kind in _KINDS for kind in kinds):
        raise _Failed("the API did not say of each event that it is stored.")
    return kinds.count("duplicate")


def _message(told: dict[str, object]) -> str:
    error = told.get("error")
    return str(error.get("message", "") if isinstance(error, dict) else told)[:200]
