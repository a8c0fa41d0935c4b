"""Since when the relay listens, and what the gap before it was.

A stream counts as listening from its first sign of life on, or after it has been open for a while:
an old leader, or a new one that is not ready, accepts a stream and closes it at once.
"""

import contextlib
import re
import time

from marathon_relay.spool import Gap, Spool, SpoolFull
from marathon_relay.times import seconds

# Marathon writes the timestamp at the end of an event, or just before its type.
_TIMESTAMP = re.compile(rb'"timestamp" ?: ?"([^"]{20,35})"[^{}\[\]]*}\s*$')
_TAIL_BYTES = 300
_LATE_SECONDS = 3600  # no stream brings an event so late


class Listening:
    """The state of one stream after the other. Not for several threads at once."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._active = False
        self._began = 0.0
        self._leader = ""
        self._cause = "relay_stopped"

    def opened(self) -> None:
        """A stream is open, but may be closed at once."""
        self._active = False

    def begin(self, leader: str) -> Gap | None:
        """The stream is good. The gap before it, if another one was read before, and if this was
        not known yet. Raises SpoolFull.
        """
        if self._active:
            return None
        cause = "leader_changed" if self._leader not in ("", leader) else self._cause
        self._began = time.time()
        gap = self._spool.begin(self._began, cause)
        self._active, self._leader = True, leader
        return gap

    def until(self, events: list[bytes], now: float) -> float:
        """Until when the relay has listened: until now. But if Marathon sends faster than the relay
        reads, only until the time of the last event. Later events may be lost on the way if the
        stream is cut off now. An event that is much older says nothing about that.
        """
        found = _TIMESTAMP.search(events[-1][-_TAIL_BYTES:]) if events else None
        stamp = seconds(found[1].decode("ascii", "replace")) if found else None
        if stamp is None or not now - _LATE_SECONDS < stamp < now:
            return now
        return max(stamp, self._began)

    def ended(self, cause: str) -> None:
        """The stream has ended, for that cause if it was good."""
        if self._active:
            self._cause = cause
        else:
            self.away()

    def away(self) -> None:
        """No stream could be opened at once, or it brought nothing. The cause of the gap stays the
        same as when the last stream ended. But if Marathon is unavailable, it did not cut off a
        slow reader: the connection was lost.
        """
        if self._cause == "cut_off":
            self._cause = "connection_lost"

    def spool_full(self) -> None:
        """Nothing more can be read, and a restart must not forget why."""
        self._cause = "spool_full"
        with contextlib.suppress(SpoolFull):
            self._spool.note_cause(self._cause)
