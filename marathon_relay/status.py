"""The relay's state: its counters, and ``/health`` and ``/metrics``, which show them."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from marathon_relay import VERSION
from marathon_relay.spool import Spool
from marathon_relay.times import iso

_DRAINS_SECONDS = 60  # if events wait longer and nothing was sent, the spool is not draining


class Status:
    """The current state. Every method may be called from any thread. ``reads``: whether there is to
    be a stream.
    """

    def __init__(self, spool: Spool, *, reads: bool = True) -> None:
        self._spool = spool
        self._reads = reads
        self.registry = registry = CollectorRegistry()
        self._info = Info("marathon_relay_build", "The relay's version", registry=registry)
        self._info.info({"version": VERSION})
        self._received = _counter(registry, "received_events", "Events read from Marathon")
        self._received_bytes = _counter(registry, "received_bytes", "Bytes of these events")
        self._sent = _counter(registry, "sent_events", "Events that the API confirmed")
        self._sent_bytes = _counter(registry, "sent_bytes", "Bytes of these events")
        self._duplicates = _counter(registry, "duplicate_events", "Of these, duplicates")
        self._aside = _counter(registry, "aside_events", "Events kept aside in files")
        self._lost = _counter(registry, "lost_events", "Events for which aside had no room")
        self._batches = _counter(registry, "batches", "POSTs to the API", "outcome")
        self._streams = _counter(registry, "streams", "Streams that were opened")
        self._reconnects = _counter(registry, "reconnects", "Streams opened after another")
        self._gaps = _counter(registry, "gaps", "Times without listening", "cause")
        self._asked = _counter(registry, "queue_looks", "Looks at the queue", "outcome")
        self._waiting = _gauge(registry, "waiting", "Apps and pods that wait to be launched")
        self._open = _gauge(registry, "stream_open", "1 while a stream is open")
        self._last = _gauge(registry, "last_event_seconds", "When the last event was read")
        waiting = _gauge(registry, "spooled_events", "Events that wait")
        waiting.set_function(lambda: spool.count)
        _gauge(registry, "spooled_bytes", "Bytes that wait").set_function(lambda: spool.size)
        oldest = _gauge(registry, "oldest_seconds", "How long the oldest of them has waited")
        oldest.set_function(self.oldest_seconds)
        self.stream = False
        self.gaps = 0
        self.sent = 0
        self.last_event: float | None = None
        self._streamed = False
        self._last_sent = 0.0
        # Why nothing can be sent; empty while all is well.
        self.last_error = ""
        # Why it is not known what waits to be launched; empty while it is known.
        self.queue_error = ""

    def queue_seen(self, waiting: int) -> None:
        """Marathon said that so many apps and pods wait to be launched."""
        self._asked.labels("answered").inc()
        self._waiting.set(waiting)
        self.queue_error = ""

    def queue_failed(self, reason: str) -> None:
        """Marathon did not say what waits, for that reason."""
        self._asked.labels("failed").inc()
        self.queue_error = reason

    def stream_opened(self) -> None:
        """A stream was opened."""
        self._streams.inc()
        if self._streamed:
            self._reconnects.inc()
        self.stream = self._streamed = True
        self._open.set(1)

    def stream_closed(self) -> None:
        """The stream has ended."""
        self.stream = False
        self._open.set(0)

    def read(self, events: Sequence[bytes], now: float) -> None:
        """Events were read."""
        self._received.inc(len(events))
        self._received_bytes.inc(sum(map(len, events)))
        self._last.set(now)
        self.last_event = now

    def aside(self, *, kept: bool) -> None:
        """An event was put aside, or could not be put aside."""
        (self._aside if kept else self._lost).inc()

    def gap(self, cause: str) -> None:
        """The relay had not listened."""
        self._gaps.labels(cause).inc()
        self.gaps += 1

    def batch_sent(self, events: int, size: int, duplicates: int) -> None:
        """The API has confirmed so many events."""
        self._batches.labels("taken").inc()
        self._sent.inc(events)
        self._sent_bytes.inc(size)
        self._duplicates.inc(duplicates)
        self.sent += events
        self.last_error = ""
        self._last_sent = time.monotonic()

    def batch_failed(self, reason: str) -> None:
        """A POST failed for that reason."""
        self._batches.labels("failed").inc()
        self.last_error = reason

    def oldest_seconds(self) -> float:
        """How long the oldest event has waited; 0 when none does."""
        oldest = self._spool.oldest()
        return round(max(0.0, time.time() - oldest), 3) if oldest else 0.0

    @property
    def drains(self) -> bool:
        """Whether what waits is being sent."""
        moving = time.monotonic() - self._last_sent < _DRAINS_SECONDS
        return not self.last_error and (moving or self.oldest_seconds() < _DRAINS_SECONDS)

    @property
    def well(self) -> bool:
        """Whether the relay does what it is there for."""
        return self.drains and (self.stream if self._reads else not self.queue_error)

    def health(self) -> dict[str, Any]:
        """What ``/health`` shows."""
        return {
            "stream": self.stream,
            "spooled": self._spool.count,
            "oldest_seconds": self.oldest_seconds(),
            "last_event": iso(self.last_event) if self.last_event else None,
            "gaps": self.gaps,
            "last_error": self.last_error or None,
            "queue_error": self.queue_error or None,
        }

    def line(self) -> str:
        """The state on one line, for a terminal."""
        stream = "listening" if self.stream else "no stream" if self._reads else "asking the queue"
        last = f"{time.time() - self.last_event:.0f} s ago" if self.last_event else "none"
        return (
            f"{stream} · last event: {last} · waiting: {self._spool.count:,} · "
            f"sent: {self.sent:,} · gaps: {self.gaps}"
            + (f" · {self.last_error}" if self.last_error else "")
        )


@contextlib.contextmanager
def serving(status: Status, address: tuple[str, int]) -> Iterator[str]:
    """Serve ``/health`` and ``/metrics``; gives the address. Raises OSError if it is unusable."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        daemon_threads = True

    with Server(address, _handler(status)) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        try:
            host = f"[{address[0]}]" if ":" in address[0] else address[0]
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            server.shutdown()


def _handler(status: Status) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/health":
                    body = json.dumps(status.health()).encode() + b"\n"
                    self._answer(200 if status.well else 503, "application/json", body)
                case "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(status.registry))
                case _:
                    self._answer(404, "text/plain", b"There are /health and /metrics.\n")

        def log_message(self, *args: Any) -> None:
            pass

        def _answer(self, code: int, type_: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", type_)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _counter(registry: CollectorRegistry, name: str, text: str, *labels: str) -> Counter:
    return Counter(f"marathon_relay_{name}", text, labels, registry=registry)


def _gauge(registry: CollectorRegistry, name: str, text: str) -> Gauge:
    return Gauge(f"marathon_relay_{name}", text, registry=registry)
