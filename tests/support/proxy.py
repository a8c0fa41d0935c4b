"""A proxy between the functions and AWS that misbehaves: over real sockets, since the SDK takes
more for an answer than one would think.
"""

import contextlib
import http.client
import itertools
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.support.haste import slowly
from tests.support.web import Handler, listening

PAGE = b"<html><body><h1>Log in &amp; go on</h1></body></html>"


class Exchange:
    """One call on its way: what was asked, and how to answer it."""

    def __init__(
        self,
        handler: BaseHTTPRequestHandler,
        upstream: str,
        body: bytes,
        faulty: Callable[[str], bool],
    ) -> None:
        self._handler = handler
        self._faulty = faulty
        self._upstream = upstream
        self.body = body
        target = handler.headers.get("X-Amz-Target", "")
        action = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
        self.operation = target.rpartition(".")[2] or action

    def ask(self) -> tuple[int, dict[str, str], bytes]:
        """What AWS answers."""
        connection = http.client.HTTPConnection(urlsplit(self._upstream).netloc, timeout=30)
        with contextlib.closing(connection):
            headers = dict(self._handler.headers.items())
            headers.pop("Connection", None)
            connection.request(self._handler.command, self._handler.path, self.body, headers)
            answer = connection.getresponse()
            kept = ("Content-Type", "x-amzn-RequestId")
            return (
                answer.status,
                {name: answer.headers[name] for name in kept if name in answer.headers},
                answer.read(),
            )

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Answer the caller."""
        with contextlib.suppress(OSError):
            self._head(status, len(body), headers or {"Content-Type": "text/html"})
            self._handler.wfile.write(body)

    def drip(self, seconds: float) -> None:
        """Answer with AWS's words, a byte at a time, until the caller goes."""
        status, headers, body = self.ask()
        with contextlib.suppress(OSError):
            self._head(status, len(body) + 10_000, headers)
            for byte in itertools.chain(body, itertools.repeat(32, 10_000)):
                self._handler.wfile.write(bytes([byte]))
                self._handler.wfile.flush()
                slowly(seconds)
                if not self._faulty(self.operation):
                    break
        self._handler.close_connection = True

    def hang_up(self) -> None:
        """Close the connection without a word."""
        self._handler.close_connection = True

    def pass_on(self) -> None:
        """Answer as AWS does."""
        status, headers, body = self.ask()
        self.answer(status, body, headers)

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.send_header("Content-Length", str(length))
        self._handler.end_headers()


Fault = Callable[[Exchange], None]


class Proxy:
    """Passes calls on, but for those of an operation that has a fault."""

    def __init__(self) -> None:
        self.faults: dict[str, Fault] = {}
        self.calls: list[str] = []

    @contextlib.contextmanager
    def fault(self, operation: str, fault: Fault) -> Iterator[None]:
        """Let an operation (``PutItem``) meet a fault."""
        self.faults[operation] = fault
        try:
            yield
        finally:
            del self.faults[operation]

    def handle(self, exchange: Exchange) -> None:
        """Answer one call."""
        self.calls.append(exchange.operation)
        self.faults.get(exchange.operation, Exchange.pass_on)(exchange)


@contextlib.contextmanager
def running(upstream: str) -> Iterator[tuple[Proxy, str]]:
    """A proxy before an AWS; its address."""
    proxy = Proxy()

    class Between(Handler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            proxy.handle(Exchange(self, upstream, self.body(), proxy.faults.__contains__))

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

    with listening(Between) as address:
        try:
            yield proxy, f"http://{address}"
        finally:
            proxy.faults.clear()


def instead(status: int, body: bytes) -> Fault:
    """Something else in the place of AWS's answer; AWS never hears of the call."""
    return lambda exchange: exchange.answer(status, body)


def cut(exchange: Exchange) -> None:
    """Half of what AWS answers, passed off as whole."""
    status, headers, body = exchange.ask()
    exchange.answer(status, body[: len(body) // 2], headers)


def dripping(exchange: Exchange) -> None:
    """A byte each 0.3 s: no read ever times out."""
    exchange.drip(0.3)


def hanging_up(times: int, *, after_work: bool = False) -> Fault:
    """The connection breaks so many times: before AWS hears of the call, or after it did it."""
    left = iter(range(times))

    def fault(exchange: Exchange) -> None:
        if next(left, None) is None:
            exchange.pass_on()
            return
        if after_work:
            exchange.ask()
        exchange.hang_up()

    return fault


def slow(seconds: float) -> Fault:
    """AWS's answer, but late."""

    def fault(exchange: Exchange) -> None:
        slowly(seconds)
        exchange.pass_on()

    return fault


def failing(*pattern: bool) -> Fault:
    """Calls fail (503) as the pattern says, over and over."""
    turns = itertools.cycle(pattern)

    def fault(exchange: Exchange) -> None:
        if next(turns):
            exchange.answer(503, b"")
        else:
            exchange.pass_on()

    return fault
