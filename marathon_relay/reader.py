"""Keeps a stream open, and puts its events into the spool. It waits only for the disk. If a stream
is read slowly, Marathon drops events (before 1.8) or ends the stream (since 1.8).
"""

import contextlib
import threading
import time
from collections.abc import Iterator

from marathon_relay.backoff import Backoff
from marathon_relay.listening import Listening
from marathon_relay.log import Log
from marathon_relay.marathon import MarathonError
from marathon_relay.settings import Settings
from marathon_relay.spool import LARGEST_LINE, Spool, SpoolFull
from marathon_relay.status import Status
from marathon_relay.stream import Filter, OpenStream, opened
from marathon_relay.times import iso

_FIRST_WAIT_SECONDS = 0.25
_STEADY_SECONDS = 10  # a stream that lasted this long was a good one
_SETTLED_SECONDS = 1.0  # a stream that is open for so long is good, even if no event came
_FULL_SECONDS = 0.2  # between two looks at a spool that is full


class Reader:
    """``arrived`` is set when something new is in the spool, and ``gap_found`` when a new gap is
    there.
    """

    def __init__(
        self, settings: Settings, spool: Spool, status: Status, log: Log, arrived: threading.Event
    ) -> None:
        self._dead_after = settings.dead_after
        self._spool = spool
        self._status = status
        self._log = log
        self._marathon = settings.client()
        self._filter = Filter(settings.only, settings.without)
        self._backoff = Backoff(_FIRST_WAIT_SECONDS, settings.retry_max)
        self._stop = threading.Event()
        # Held while the stream, or what is known about listening, is looked at or changed.
        self._lock = threading.Lock()
        self._stream: OpenStream | None = None
        self._listening = Listening(spool)
        self._wants_room = False
        self._arrived = arrived
        self.gap_found = threading.Event()

    def run(self) -> None:
        """Read until ``stop``."""
        while not self._stop.is_set():
            self._wait_for_room()
            if not self._stop.is_set():
                self._read_one_stream()

    def stop(self) -> None:
        """Stop reading. When this returns, nothing more is added to the spool."""
        with self._lock:
            self._stop.set()
            if self._stream:
                self._stream.cut()

    def _read_one_stream(self) -> None:
        """Read one stream until it ends, and wait a little before the next."""
        begun = time.monotonic()
        try:
            with self._opened() as stream:
                self._read_until_end(stream)
        except SpoolFull:
            self._full()
        except MarathonError as error:
            self._failed(error)
            return
        else:
            if time.monotonic() - begun >= _STEADY_SECONDS:
                self._backoff.reset()
        self._stop.wait(self._backoff.next())

    @contextlib.contextmanager
    def _opened(self) -> Iterator[OpenStream]:
        """An open stream. Raises MarathonError if there is none."""
        with opened(self._marathon, self._filter, self._dead_after) as stream:
            with self._lock:
                self._stream = stream
                self._listening.opened()
                if self._stop.is_set():
                    stream.cut()
            self._status.stream_opened()
            version = stream.version or "of unknown version"
            self._log.write("stream_opened", version=version, url=stream.url, leader=stream.leader)
            settled = threading.Timer(_SETTLED_SECONDS, self._settle, [stream])
            settled.daemon = True
            settled.start()
            try:
                yield stream
            finally:
                with self._lock:
                    self._stream = None
                self._status.stream_closed()

    def _read_until_end(self, stream: OpenStream) -> None:
        """Raises SpoolFull."""
        try:
            stream.read(self._take)
        except MarathonError as error:
            self._ended(str(error), "connection_lost")
        else:
            self._ended("Marathon ended it", "cut_off")

    def _settle(self, stream: OpenStream) -> None:
        with self._lock, contextlib.suppress(SpoolFull):
            if self._stream is stream and not self._stop.is_set():
                self._listen(stream)

    def _listen(self, stream: OpenStream) -> None:
        """The stream is good: report the gap before it, if there was one."""
        gap = self._listening.begin(stream.leader)
        if gap:
            self._status.gap(gap.cause)
            self._log.write("gap", start=iso(gap.began), end=iso(gap.ended), cause=gap.cause)
            self.gap_found.set()

    def _take(self, events: list[bytes]) -> None:
        """Store what came in one read. Raises SpoolFull if the spool is full."""
        with self._lock:
            if self._stop.is_set() or self._stream is None:
                return
            self._listen(self._stream)
            now = time.time()
            small = [event for event in events if len(event) <= LARGEST_LINE]
            for event in events:
                if len(event) > LARGEST_LINE:
                    self._put_aside(event, now)
            self._spool.add(small, now, self._listening.until(events, now))
        if events:
            self._status.read(events, now)
            self._arrived.set()
        if self._spool.full:
            raise SpoolFull

    def _put_aside(self, event: bytes, now: float) -> None:
        file = self._spool.put_aside(event, now)
        self._status.aside(kept=file is not None)
        if file:
            reason = "the API takes at most 5 MB in one POST."
            self._log.write("kept_aside", bytes=len(event), file=file, reason=reason)
        else:
            self._log.write("aside_full", bytes=len(event))

    def _ended(self, reason: str, cause: str) -> None:
        if not self._stop.is_set():
            self._log.write("stream_ended", reason=reason)
            self._listening.ended(cause)

    def _full(self) -> None:
        self._log.write("spool_full", spooled=self._spool.count, bytes=self._spool.size)
        self._listening.spool_full()
        self._wants_room = True

    def _wait_for_room(self) -> None:
        if not (self._wants_room or self._spool.full):
            return
        while not self._spool.drained and not self._stop.wait(_FULL_SECONDS):
            pass
        if not self._stop.is_set():
            self._wants_room = False
            self._log.write("spool_drained")

    def _failed(self, error: MarathonError) -> None:
        self._listening.away()
        self._marathon.turn()
        wait = self._backoff.next()
        self._log.write("stream_failed", reason=error.advice, seconds=round(wait, 1))
        self._stop.wait(wait)
