"""A stub of the API that keeps the contract of POST /events, and can be made to break it."""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.web import Handler, listening

TOKEN = "t" * 43
MOST_LINES = 500
MOST_BYTES = 5 * 1024 * 1024
_OTHERS = ("relay_gap", "relay_waiting", "event_stream_attached", "event_stream_detached")


class Endpoint:
    """``records``: what is stored, each once, in the order in which it came; ``events``: those of
    Marathon among them, but for those of the streams themselves; ``received``: how often each line
    came. ``fault``: how it answers instead, until ``heal``.
    """

    def __init__(self) -> None:
        self.url = ""
        self.records: dict[bytes, None] = {}
        self.events: list[bytes] = []
        self._others: list[dict[str, Any]] = []
        self.received: Counter[bytes] = Counter()
        self.batches: list[int] = []
        self.refused = 0  # requests that were answered by the fault
        self.malformed: set[bytes] = set()  # lines that it answers 400 for
        self.most_bytes = MOST_BYTES
        self.proxy_bytes = 10**9  # a proxy on the way takes no more
        self.fault = ""
        self._changed = threading.Condition()

    @property
    def gaps(self) -> list[dict[str, Any]]:
        """The gaps that were told."""
        return self.of_type("relay_gap")

    def of_type(self, type_: str) -> list[dict[str, Any]]:
        """What is stored of a type of the streams, or of the relay."""
        return [event for event in list(self._others) if event["eventType"] == type_]

    def heal(self) -> None:
        """Answer as the contract says from now on; what hangs is let go."""
        with self._changed:
            self.fault = ""
            self._changed.notify_all()

    def hang(self) -> None:
        """What a request does that gets no answer: it waits for ``heal``."""
        with self._changed:
            self._changed.wait_for(lambda: self.fault != "hang", 60)

    def store(self, lines: list[bytes]) -> list[dict[str, str]]:
        """Keep the lines, and say of each what became of it."""
        with self._changed:
            answer = []
            for line in lines:
                known = line in self.records
                if not known:
                    self._keep(line)
                self.received[line] += 1
                id_ = hashlib.sha256(line).hexdigest()[:16]
                answer.append({"id": id_, "stored": "duplicate" if known else "new"})
            self.batches.append(len(lines))
            return answer

    def _keep(self, line: bytes) -> None:
        self.records[line] = None
        event = json.loads(line.decode(errors="replace"))
        if event.get("eventType") in _OTHERS:
            self._others.append(event)
        else:
            self.events.append(line)


@contextmanager
def serving(endpoint: Endpoint, port: int = 0) -> Iterator[Endpoint]:
    """The endpoint on this machine."""
    with listening(_handler(endpoint), port) as address:
        endpoint.url = f"http://{address}"
        try:
            yield endpoint
        finally:
            endpoint.heal()


def _handler(endpoint: Endpoint) -> type[Handler]:
    class Taking(Handler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.body()
            if endpoint.fault == "hang":
                endpoint.refused += 1
                endpoint.hang()
                self.close_connection = True
                return
            if endpoint.fault:
                endpoint.refused += 1
                status, text = _FAULTS[endpoint.fault]
                self.answer(status, text)
                return
            self._take(body)

        def _take(self, body: bytes) -> None:
            lines = body.removesuffix(b"\n").split(b"\n")
            if self.headers["Authorization"] != f"Bearer {TOKEN}" or self.path != "/events":
                self.answer(403, b"{}")
            elif self.headers["Content-Type"] != "application/x-ndjson" or len(lines) > MOST_LINES:
                self.answer(400, b'{"error": {"code": "too_many_lines", "message": "at most 500"}}')
            elif len(body) > endpoint.proxy_bytes:
                self.answer(*_FAULTS["a proxy's 413"])
            elif len(body) > endpoint.most_bytes:
                self.answer(413, b'{"message": "Request Too Long"}')
            elif endpoint.malformed.intersection(lines):
                self.answer(413, b'{"error": {"code": "too_large", "message": "no event"}}')
            else:
                told = {"events": endpoint.store(lines)}
                self.answer(200, json.dumps(told).encode())

    return Taking


_FAULTS = {
    "unavailable": (503, b'{"error": {"code": "unavailable", "message": "later"}}'),
    "forbidden": (403, b'{"error": {"code": "token", "message": "revoked"}}'),
    "html": (200, b"<html>Welcome to the wireless network</html>"),
    "half": (200, b'{"events": [{"id": "'),
    "too few": (200, b'{"events": []}'),
    "moved": (302, b""),
    "a proxy's 400": (400, b'{"error": {"code": "BadRequest", "message": "Bad Request"}}'),
    "a proxy's 413": (413, b"<html>Request Entity Too Large</html>"),
}
