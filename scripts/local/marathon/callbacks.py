"""Callbacks, as HttpEventActor delivers them (read at v1.4.13).

Four connections to a host, one request at a time on each; ten seconds, counted from when an event
is queued; no retry. After a failure Marathon sends nothing to that exact URL for 2, 4, 8 … seconds,
and drops its events.
"""

import http.client
import queue
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from local.marathon.versions import Version

_CONNECTIONS = 4
_REQUEST_SECONDS = 10


@dataclass
class Penalty:
    """How many posts to a URL failed since the last success, and until when none is made."""

    failures: int = 0
    silent_until: float = 0.0


@dataclass
class Counts:
    """The results of the posts: ``failed`` and ``skipped`` bodies are lost, as with Marathon."""

    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    statuses: list[int] = field(default_factory=list)


class Callbacks:
    """The subscribed URLs, and what is posted to them."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self.counts = Counts()
        self.events = 0
        self.urls: dict[str, None] = {}
        self.penalties: dict[str, Penalty] = {}
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[str, bytes, float] | None] = queue.Queue()
        self._threads: list[threading.Thread] = []

    def publish(self, body: bytes) -> None:
        """Post it to every URL that is not being silenced. The penalties of URLs that are not
        subscribed at this moment are forgotten.
        """
        now = time.monotonic()
        with self._lock:
            self.events += 1
            silent = {url for url, each in self.penalties.items() if now < each.silent_until}
            for url in self.urls:
                if url in silent:
                    self.counts.skipped += 1
                else:
                    self._queue.put((url, body, now + _REQUEST_SECONDS))
            self.penalties = {url: each for url, each in self.penalties.items() if url in self.urls}

    def forget_penalties(self) -> None:
        """A new leader knows no penalties."""
        with self._lock:
            self.penalties = {}

    def settle(self) -> None:
        """Wait until every post has been answered."""
        self._queue.join()

    def start(self) -> None:
        """Begin to post."""
        self._threads = [threading.Thread(target=self._deliver) for _ in range(_CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, once everything in the queue was posted."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _deliver(self) -> None:
        """One connection's work: one request after the other."""
        connections: dict[str, http.client.HTTPConnection] = {}
        while (job := self._queue.get()) is not None:
            url, body, deadline = job
            status = self._post(connections, url, body)
            self._count(url, status, late=time.monotonic() > deadline)
            self._queue.task_done()
        self._queue.task_done()
        for connection in connections.values():
            connection.close()

    def _post(
        self, connections: dict[str, http.client.HTTPConnection], url: str, body: bytes
    ) -> int:
        """Post once. Returns the status, 0 for none."""
        headers = {
            "Accept": "application/json",
            "User-Agent": "spray-can/1.3.2",
            "Content-Type": self._version.content_type,
        }
        try:
            parts = urlsplit(url)
        except ValueError:
            return 0
        try:
            connection = connections.setdefault(
                parts.netloc, http.client.HTTPConnection(parts.netloc, timeout=_REQUEST_SECONDS)
            )
            connection.request("POST", f"{parts.path}?{parts.query}", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, ValueError, http.client.HTTPException):
            if broken := connections.pop(parts.netloc, None):
                broken.close()
            return 0
        return answer.status

    def _count(self, url: str, status: int, *, late: bool) -> None:
        with self._lock:
            self.counts.statuses.append(status)
            if 200 <= status < 400 and not late:
                self.counts.delivered += 1
                self.penalties.pop(url, None)
                return
            self.counts.failed += 1
            if self._version.has_penalties:
                penalty = self.penalties.setdefault(url, Penalty())
                penalty.failures += 1
                penalty.silent_until = time.monotonic() + 2**penalty.failures
