"""HTTP, asked and answered."""

import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, bytes]
NOBODY = "http://127.0.0.1:9"  # the port of the discard service, which nobody runs


class Handler(BaseHTTPRequestHandler):
    """What answers requests in tests."""

    disable_nagle_algorithm = True

    def body(self) -> bytes:
        """The request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer, unless whoever asked is gone or has read enough."""
        with suppress(OSError):
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def listening(
    handler: type[BaseHTTPRequestHandler], port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve in a thread; gives ``host:port``."""
    with _Server(("127.0.0.1", port), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering_by(answer: Callable[[str], Answer]) -> Iterator[str]:
    """Something that answers each path so; its URL."""

    class Answering(Handler):
        def do_GET(self) -> None:
            self.body()
            self.answer(*answer(self.path))

        do_POST = do_GET

    with listening(Answering) as address:
        yield f"http://{address}"


def answering(status: int, body: bytes) -> AbstractContextManager[str]:
    """Something that gives the same answer to each request; its URL."""
    return answering_by(lambda path: (status, body))


@dataclass(frozen=True)
class Reply:
    """The answer to a request; ``headers`` with small letters in their names."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def get(api: str, path: str, token: str | None = None, **headers: str) -> Reply:
    """Ask an API as a reader."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=60)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, text)


def request(
    api: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any]]:
    """Ask an API; the status and the JSON of its answer."""
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=60)
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if text else {}
