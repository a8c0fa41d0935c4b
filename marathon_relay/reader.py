"""Keeps a stream open, and puts its events into the spool. It waits only for the disk. If a stream
is read slowly, Marathon drops events (before 1.8) or ends the stream (since 1.8).
"""

import contextlib
import re
import threading
import time

from marathon_relay.backoff import Backoff
from marathon_relay.log import Log
from marathon_relay.marathon import (
    Marathon,
    MarathonError,
)
from marathon_relay.settings import Settings
from marathon_relay.spool import LARGEST_LINE, Gap, Spool, SpoolFull
from marathon_relay.status import Status
from marathon_relay.stream import Filter, OpenStream, opened
from marathon_relay.times import iso, seconds

_FIRST_WAIT_SECONDS = 0.25
_STEADY_SECONDS = 10  # a stream that lasted this long was a good one
# An old leader, or a new one that is not ready, accepts a stream and closes it at once.
_SETTLED_SECONDS = 1.0
_FULL_SECONDS = 0.2  # between two looks at a spool that is full
# Marathon writes the timestamp at the end of an event, or just before its type.
_TIMESTAMP = re.compile(rb'"timestamp" ?: ?"([^"]{20,35})"[^{}\[\]]*}\s*$')
_TAIL_BYTES = 300
_LATE_SECONDS = 3600  # no stream brings an event so late


class Reader:
    """``arrived`` is set when something new is in the spool, and ``gap_found`` when a new gap is
    there.
    """

    def __init__(self, settings: Settings, spool: Spool, status: Status, log: Log) -> None:
        self._settings = settings
        self._spool = spool
        self._status = status
        self._log = log
        self._marathon = Marathon(settings.marathon, settings.login, settings.ca)
        self._filter = Filter(settings.only, settings.without)
        self._backoff = Backoff(_FIRST_WAIT_SECONDS, settings.retry_max)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._stream: OpenStream | None = None
        self._listening = False
        self._began = 0.0
        self._leader = ""
        self._cause = "relay_stopped"
        self._wants_room = False
        self.arrived = threading.Event()
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
        """Read one stream until it ends. Returns how long to wait before the next one."""
        try:
            lasted = self._read_until_end()
        except SpoolFull:
            self._full()
            lasted = 0.0
        except MarathonError as error:
            self._failed(error)
            return
        if lasted >= _STEADY_SECONDS:
            self._backoff.reset()
        self._stop.wait(self._backoff.next())

    def _read_until_end(self) -> float:
        """The seconds that the stream lasted. Raises MarathonError if there is none, SpoolFull."""
        settings = self._settings
        with opened(self._marathon, self._filter, settings.ca, settings.dead_after) as stream:
            opened_at = time.monotonic()
            self._opened(stream)
            try:
                stream.read(self._take)
            except MarathonError as error:
                self._ended(str(error), "connection_lost")
            else:
                self._ended("Marathon ended it", "cut_off")
            finally:
                self._closed()
            return time.monotonic() - opened_at

    def _opened(self, stream: OpenStream) -> None:
        with self._lock:
            self._stream, self._listening = stream, False
            if self._stop.is_set():
                stream.cut()
        self._status.stream_opened()
        self._log.tell(
            "stream_opened",
            version=stream.version or "of unknown version",
            url=stream.url,
            leader=stream.leader,
        )
        settled = threading.Timer(_SETTLED_SECONDS, self._settle, [stream])
        settled.daemon = True
        settled.start()

    def _settle(self, stream: OpenStream) -> None:
        """A stream that is still open after a while counts as good, even if no event came."""
        with self._lock, contextlib.suppress(SpoolFull):
            if self._stream is stream and not self._stop.is_set():
                self._listen()

    def _listen(self) -> None:
        """The stream is good. If there was a stream before, there is a gap."""
        if self._listening or self._stream is None:
            return
        leader = self._stream.leader
        cause = "leader_changed" if self._leader not in ("", leader) else self._cause
        self._began = time.time()
        gap = self._spool.begin(self._began, cause)
        self._listening, self._leader = True, leader
        if gap:
            self._tell_of(gap)

    def _tell_of(self, gap: Gap) -> None:
        self._status.gap(gap.cause)
        self._log.tell("gap", start=iso(gap.began), end=iso(gap.ended), cause=gap.cause)
        self.gap_found.set()

    def _take(self, events: list[bytes]) -> None:
        """Store what came in one read. Raises SpoolFull if the spool is full."""
        with self._lock:
            if self._stop.is_set():
                return
            self._listen()
            now = time.time()
            for event in events:
                if len(event) > LARGEST_LINE:
                    self._put_aside(event, now)
            small = [event for event in events if len(event) <= LARGEST_LINE]
            self._spool.add(small, now, self._listened_until(events, now))
        if events:
            self._status.read(events, now)
            self.arrived.set()
        if self._spool.full:
            raise SpoolFull

    def _listened_until(self, events: list[bytes], now: float) -> float:
        """Until when the relay has listened: until now. But if Marathon sends faster than the relay
        reads, only until the time of the last event. Later events may be lost on the way if the
        stream is cut off now. An event that is much older says nothing about that.
        """
        found = _TIMESTAMP.search(events[-1][-_TAIL_BYTES:]) if events else None
        stamp = seconds(found[1].decode("ascii", "replace")) if found else None
        if stamp is None or not now - _LATE_SECONDS < stamp < now:
            return now
        return max(stamp, self._began)

    def _put_aside(self, event: bytes, now: float) -> None:
        file = self._spool.put_aside(event, now)
        self._status.aside(kept=file is not None)
        if file:
            reason = "the API takes at most 5 MB in one POST."
            self._log.tell("kept_aside", bytes=len(event), file=file, reason=reason)
        else:
            self._log.tell("aside_full", bytes=len(event))

    def _closed(self) -> None:
        with self._lock:
            self._stream = None
        self._status.stream_closed()

    def _ended(self, reason: str, cause: str) -> None:
        if self._stop.is_set():
            return
        self._log.tell("stream_ended", reason=reason)
        if self._listening:
            self._cause = cause
        else:
            self._was_away()

    def _full(self) -> None:
        self._log.tell("spool_full", spooled=self._spool.count, bytes=self._spool.size)
        self._cause = "spool_full"
        self._wants_room = True
        with contextlib.suppress(SpoolFull):
            self._spool.note_cause("spool_full")

    def _wait_for_room(self) -> None:
        if not (self._wants_room or self._spool.full):
            return
        while not self._spool.drained and not self._stop.wait(_FULL_SECONDS):
            pass
        if not self._stop.is_set():
            self._wants_room = False
            self._log.tell("spool_drained")

    def _was_away(self) -> None:
        """No stream could be opened at once, or it brought nothing. The cause of the gap stays the
        same as when the last stream ended. But if Marathon is unavailable, it did not cut off a
        slow reader: the connection was lost.
        """
        if self._cause == "cut_off":
            self._cause = "connection_lost"

    def _failed(self, error: MarathonError) -> None:
        self._was_away()
        self._marathon.turn()
        wait = self._backoff.next()
        self._log.tell("stream_failed", reason=error.advice, seconds=round(wait, 1))
        self._stop.wait(wait)
