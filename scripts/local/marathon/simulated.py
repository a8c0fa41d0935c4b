"""The simulated Marathon itself: what its members share, and what can be done to it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any

from chalicelib import times
from local.background import served
from local.marathon import server
from local.marathon.callbacks import Callbacks, Counts
from local.marathon.queue import Queued
from local.marathon.state import State
from local.marathon.streams import Event, Stream, StreamCounts, Wish
from local.marathon.versions import Version

_POLL_SECONDS = 0.005


class SimulatedMarathon:
    """``name``, ``framework_id``: what it says about itself; without a ``version`` it says nothing,
    like the oldest versions. ``callbacks``: whether they are on. ``credentials``: the Authorization
    that it wants. ``heartbeat``: seconds between two of a stream, ``split_heartbeats``: CR and LF
    one after the other. ``buffer``: how many events wait for a slow reader, if not as in that
    version. ``redirects``: whether a standby redirects clients that want a stream, if not as in
    that version.

    May be changed while it runs: ``credentials``, ``heartbeat``, ``queue``, which is what waits to
    be launched, and ``ready``, which is False for a leader that accepts streams and closes them at
    once.
    """

    def __init__(
        self,
        name: str = "marathon",
        version: str = "1.1.1",
        framework_id: str = "4a1f7b0e-0000",
        *,
        callbacks: bool = True,
        credentials: str = "",
        heartbeat: float = 10.0,
        split_heartbeats: bool = False,
        buffer: int | None = None,
        redirects: bool | None = None,
    ) -> None:
        self.name = name
        self.version = version
        self.framework_id = framework_id
        self.callbacks = callbacks
        self.credentials = credentials
        self.heartbeat = heartbeat
        self.split_heartbeats = split_heartbeats
        self.ready = True
        # host:port of the leader; empty while there is none.
        self.leader = ""
        self.sent: list[bytes] = []
        self.state = State()
        self.queue: list[Queued] = []
        self.stream_counts = StreamCounts()
        self.ways = Version.of(version)
        self.redirects = self.ways.standby_redirects if redirects is None else redirects
        self._buffer = buffer or self.ways.stream_buffer
        self._callbacks = Callbacks(self.ways)
        self._streams: list[Stream] = []
        self._members: list[str] = []
        self._lock = threading.RLock()

    @property
    def urls(self) -> list[str]:
        """The subscribed callback URLs."""
        return list(self._callbacks.urls)

    @property
    def counts(self) -> Counts:
        """The results of the callbacks."""
        return self._callbacks.counts

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def silent_seconds(self, url: str) -> float:
        """How long the penalty of a callback URL still lasts."""
        penalty = self._callbacks.penalties.get(url)
        return max(0.0, penalty.silent_until - time.monotonic()) if penalty else 0.0

    def publish(self, event: dict[str, Any]) -> None:
        """Send an event to every stream, and every subscriber that is not being silenced."""
        body = json.dumps(event, separators=(",", ":")).encode()
        with self._lock:
            self.sent.append(body)
            self.state.note(event)
            self._callbacks.publish(body)
            made = Event(event, body)
            for stream in list(self._streams):
                stream.offer(made)

    def settle(self) -> None:
        """Wait until every post has been answered, and every stream been written."""
        self._callbacks.settle()
        while not all(stream.settled() for stream in list(self._streams)):
            time.sleep(_POLL_SECONDS)

    def subscribe(self, url: str, client: str) -> dict[str, Any]:
        """What ``POST /v2/eventSubscriptions`` does; the event that it answers with."""
        with self._lock:
            self._callbacks.urls.setdefault(url)
        return self._announce("subscribe_event", clientIp=client, callbackUrl=url)

    def unsubscribe(self, url: str, client: str) -> dict[str, Any]:
        """What ``DELETE /v2/eventSubscriptions`` does; the event that it answers with."""
        with self._lock:
            self._callbacks.urls.pop(url, None)
        return self._announce("unsubscribe_event", clientIp=client, callbackUrl=url)

    def elect(self, url: str = "") -> None:
        """Make the member at that address the leader (without one: nobody). The old leader closes
        its streams; the new one knows of no penalty.
        """
        with self._lock:
            self.leader = url.rpartition("/")[2]
            closing, self._streams = self._streams, []
            self._callbacks.forget_penalties()
        for stream in closing:
            stream.close()

    def stream(self, connection: socket.socket, wish: Wish, client: str) -> None:
        """Serve a listener until one of the two sides ends it."""
        stream = Stream(self.ways, wish, connection, self._buffer, self.stream_counts)
        with self._lock:
            if not self.ready:
                return
            self._streams.append(stream)
            self._announce("event_stream_attached", remoteAddress=client)
        stream.serve(lambda: self.heartbeat, split=self.split_heartbeats)
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)
                self._announce("event_stream_detached", remoteAddress=client)

    def metrics(self) -> dict[str, Any]:
        """What ``GET /metrics`` shows, as Dropwizard writes it."""
        counts, prefix = self.counts, self.ways.meters
        meters = {
            "events": self._callbacks.events,
            "skipped-callbacks": counts.skipped,
            "failed-callbacks": counts.failed,
        }
        return {
            "version": "3.0.0",
            "gauges": {},
            "counters": {},
            "histograms": {},
            "meters": {f"{prefix}.{name}": {"count": count} for name, count in meters.items()}
            if self.callbacks
            else {},
            "timers": {},
        }

    @contextmanager
    def running(self, port: int = 0) -> Iterator[str]:
        """Start one more member on this machine; gives its address. The first is the leader, the
        others are standbys.
        """
        http = ThreadingHTTPServer(("127.0.0.1", port), server.handler(self))
        http.daemon_threads = True
        address = f"127.0.0.1:{http.server_address[1]}"
        with served(http):
            self._joined(address)
            try:
                yield f"http://{address}"
            finally:
                self._left(address)

    def _joined(self, address: str) -> None:
        if not self._members:
            self.leader = address
            self._callbacks.start()
        self._members.append(address)

    def _left(self, address: str) -> None:
        self._members.remove(address)
        if self.leader == address:
            self.elect()
        if not self._members:
            self._callbacks.stop()

    def _announce(self, type_: str, **fields: str) -> dict[str, Any]:
        event = {**fields, "eventType": type_, "timestamp": times.iso(times.now())}
        self.publish(event)
        return event
