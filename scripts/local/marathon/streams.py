"""Event streams, as HttpEventStreamHandleActor serves them (read at v1.4.13 and v1.8.180)."""

import contextlib
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib import times
from local.marathon.versions import Version

_HEAVY = ("original", "target")
_SPLIT_SECONDS = 0.005  # enough for CR and LF to be read apart


@dataclass
class StreamCounts:
    """The results of the streams' events. ``dropped``: lost, and no stream reports it."""

    written: int = 0
    dropped: int = 0
    cut_off: int = 0


class Event:
    """An event on its way to the listeners. All get the same text, except for light plans."""

    def __init__(self, value: dict[str, Any], body: bytes) -> None:
        self.type = str(value.get("eventType", ""))
        self.body = body
        self._value = value
        self._light: bytes | None = None

    def light(self, *, stamped: bool, own: bool) -> bytes:
        """Its text with a light plan. ``stamped``: with the moment of writing it. ``own``: for this
        listener alone; else it is made once, when it is first asked for.
        """
        plan = self._value.get("plan")
        if not isinstance(plan, dict):
            return self.body
        if self._light is None or own:
            light = {name: part for name, part in plan.items() if name not in _HEAVY}
            stamp = {"timestamp": times.iso(times.now())} if stamped else {}
            value = self._value | {"plan": light} | stamp
            self._light = json.dumps(value, separators=(",", ":")).encode()
        return self._light


@dataclass(frozen=True)
class Wish:
    """What a listener asked for: these types (none: all), and light plans."""

    types: frozenset[str] = frozenset()
    light: bool = False


class Stream:
    """One listener. ``serve`` runs in the thread of its connection; events come from any."""

    def __init__(
        self,
        version: Version,
        wish: Wish,
        connection: socket.socket,
        buffer: int,
        counts: StreamCounts,
    ) -> None:
        self._version = version
        self._wish = wish
        self._connection = connection
        self._buffer = buffer
        self._counts = counts
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._writing = False
        self._open = True

    def offer(self, event: Event) -> None:
        """Send it. If too many events wait, it is dropped, or the stream ends."""
        if self._version.filters and self._wish.types and event.type not in self._wish.types:
            return
        with self._changed:
            if not self._open:
                return
            if self._writing and len(self._waiting) >= self._buffer:
                self._too_slow()
                return
            self._waiting.append(event)
            self._changed.notify_all()

    def close(self) -> None:
        """End it."""
        with self._changed:
            self._open = False
            self._changed.notify_all()
        self._shut()

    def settled(self) -> bool:
        """Whether everything that was sent to it is written."""
        with self._changed:
            return not self._open or not (self._waiting or self._writing)

    def serve(self, heartbeat: Callable[[], float], *, split: bool) -> None:
        """Write until it is closed or the listener has gone."""
        due = time.monotonic() + heartbeat()
        try:
            while True:
                with self._changed:
                    self._writing = False
                    self._changed.wait_for(
                        lambda: self._waiting or not self._open, max(0.0, due - time.monotonic())
                    )
                    if not self._open:
                        return
                    batch = list(self._waiting)
                    self._waiting.clear()
                    self._writing = bool(batch)
                for event in batch:
                    self._connection.sendall(self._frame(event))
                    self._counts.written += 1
                if time.monotonic() >= due:
                    self._beat(split=split)
                    due = time.monotonic() + heartbeat()
        except OSError:
            return
        finally:
            self.close()

    def _frame(self, event: Event) -> bytes:
        version, body = self._version, event.body
        if version.always_light:
            body = event.light(stamped=False, own=False)
        elif version.light_on_request and self._wish.light:
            body = event.light(stamped=True, own=version.stamps_each_light)
        name = f"event: {event.type}\r\n" if self._version.names_types else ""
        return name.encode() + b"data: " + body + b"\r\n\r\n"

    def _beat(self, *, split: bool) -> None:
        if split:
            self._connection.sendall(b"\r")
            time.sleep(_SPLIT_SECONDS)
            self._connection.sendall(b"\n")
        else:
            self._connection.sendall(b"\r\n")

    def _too_slow(self) -> None:
        if not self._version.cuts_off_slow_readers:
            self._counts.dropped += 1
            return
        self._counts.cut_off += 1
        self._open = False
        self._changed.notify_all()
        self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
