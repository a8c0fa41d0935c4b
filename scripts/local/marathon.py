"""A simulated Marathon 1.1.1: its subscription API, and its callbacks as it delivers them.

As the real one does: four connections to a host, one request at a time on each; ten seconds that
count from when an event is queued; no second try; and after a failure silence of 2, 4, 8 … seconds
for that URL, in which its events are dropped.
"""

import http.client
import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib import times

_CONNECTIONS = 4
_REQUEST_SECONDS = 10
_HEADERS = {
    "Accept": "application/json",
    "User-Agent": "spray-can/1.3.2",
    "Content-Type": "application/json; charset=UTF-8",
}


@dataclass
class _Subscriber:
    """One callback URL, and the penalty that it has."""

    url: str
    failures: int = 0
    silent_until: float = 0.0


@dataclass
class Counts:
    """What became of the posts: ``failed`` and ``skipped`` bodies are lost, as with Marathon."""

    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    statuses: list[int] = field(default_factory=list)


class SimulatedMarathon:
    """``name``, ``framework_id``: what it tells of itself; without a ``version``, nothing, as the
    oldest. ``callbacks``: whether they are on.
    """

    def __init__(
        self,
        name: str = "marathon",
        version: str = "1.1.1",
        framework_id: str = "4a1f7b0e-0000",
        *,
        callbacks: bool = True,
        credentials: str = "",
    ) -> None:
        self.name = name
        self.version = version
        self.framework_id = framework_id
        self.callbacks = callbacks
        self.credentials = credentials
        self.counts = Counts()
        self.sent: list[bytes] = []
        self._subscribers: dict[str, _Subscriber] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[_Subscriber, bytes, float] | None] = queue.Queue()

    @property
    def urls(self) -> list[str]:
        """The subscribed callback URLs."""
        return list(self._subscribers)

    def publish(self, event: dict[str, Any]) -> None:
        """Send an event to every subscriber that is not being silenced."""
        body = json.dumps(event, separators=(",", ":")).encode()
        now = time.monotonic()
        self.sent.append(body)
        for subscriber in list(self._subscribers.values()):
            if now < subscriber.silent_until:
                self.counts.skipped += 1
            else:
                self._queue.put((subscriber, body, now + _REQUEST_SECONDS))

    def settle(self) -> None:
        """Wait until every post has been answered."""
        self._queue.join()

    def subscribe(self, url: str, client: str) -> dict[str, Any]:
        """What ``POST /v2/eventSubscriptions`` does; the event that it answers with."""
        self._subscribers.setdefault(url, _Subscriber(url))
        return self._announce("subscribe_event", url, client)

    def unsubscribe(self, url: str, client: str) -> dict[str, Any]:
        """What ``DELETE /v2/eventSubscriptions`` does; the event that it answers with."""
        self._subscribers.pop(url, None)
        return self._announce("unsubscribe_event", url, client)

    @contextmanager
    def running(self, port: int = 0) -> Iterator[str]:
        """This Marathon on this machine; its address."""
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        server.daemon_threads = True
        threads = [threading.Thread(target=self._deliver) for _ in range(_CONNECTIONS)]
        threads.append(threading.Thread(target=server.serve_forever, args=(0.05,)))
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            for _ in range(_CONNECTIONS):
                self._queue.put(None)
            server.shutdown()
            server.server_close()
            for thread in threads:
                thread.join()

    def _announce(self, type_: str, url: str, client: str) -> dict[str, Any]:
        event = {
            "clientIp": client,
            "callbackUrl": url,
            "eventType": type_,
            "timestamp": times.iso(times.now()),
        }
        self.publish(event)
        return event

    def _deliver(self) -> None:
        """One connection's work: one request after the other."""
        connections: dict[str, http.client.HTTPConnection] = {}
        while (job := self._queue.get()) is not None:
            subscriber, body, deadline = job
            status = self._post(connections, subscriber.url, body)
            self._count(subscriber, status, late=time.monotonic() > deadline)
            self._queue.task_done()
        for connection in connections.values():
            connection.close()

    def _post(
        self, connections: dict[str, http.client.HTTPConnection], url: str, body: bytes
    ) -> int:
        """Post once; the status, 0 for none."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return 0
        try:
            connection = connections.setdefault(
                parts.netloc, http.client.HTTPConnection(parts.netloc, timeout=_REQUEST_SECONDS)
            )
            connection.request("POST", f"{parts.path}?{parts.query}", body, _HEADERS)
            answer = connection.getresponse()
            answer.read()
        except (OSError, ValueError, http.client.HTTPException):
            if broken := connections.pop(parts.netloc, None):
                broken.close()
            return 0
        return answer.status

    def _count(self, subscriber: _Subscriber, status: int, *, late: bool) -> None:
        with self._lock:
            self.counts.statuses.append(status)
            if 200 <= status < 400 and not late:
                self.counts.delivered += 1
                subscriber.failures, subscriber.silent_until = 0, 0.0
            else:
                self.counts.failed += 1
                subscriber.failures += 1
                subscriber.silent_until = time.monotonic() + 2**subscriber.failures


def _handler(marathon: SimulatedMarathon) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self._refused():
                return
            if self.path == "/v2/info" and marathon.version:
                self._answer(200, _info(marathon))
            elif self._asks_for_subscriptions():
                self._answer(200, {"callbackUrls": marathon.urls})

        def do_POST(self) -> None:
            if not self._refused() and self._asks_for_subscriptions():
                self._answer(200, marathon.subscribe(self._url(), self.client_address[0]))

        def do_DELETE(self) -> None:
            if not self._refused() and self._asks_for_subscriptions():
                self._answer(200, marathon.unsubscribe(self._url(), self.client_address[0]))

        def log_message(self, *args: Any) -> None:
            pass

        def _url(self) -> str:
            return parse_qs(urlsplit(self.path).query)["callbackUrl"][0]

        def _refused(self) -> bool:
            if not marathon.credentials:
                return False
            if self.headers.get("Authorization") == marathon.credentials:
                return False
            self._answer(401, {"message": "Invalid username or password."})
            return True

        def _asks_for_subscriptions(self) -> bool:
            if urlsplit(self.path).path != "/v2/eventSubscriptions":
                self._answer(404, {"message": "not found"})
                return False
            if not marathon.callbacks:
                message = "http event callback system is not running on this Marathon instance. "
                self._answer(
                    400,
                    {
                        "message": message + "Please re-start this instance with "
                        '"--event_subscriber http_callback".'
                    },
                )
                return False
            return True

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    return Handler


def _info(marathon: SimulatedMarathon) -> dict[str, Any]:
    subscriber = {"type": "http_callback", "http_endpoints": None} if marathon.callbacks else None
    return {
        "name": marathon.name,
        "version": marathon.version,
        "frameworkId": marathon.framework_id,
        "event_subscriber": subscriber,
        "elected": True,
    }
