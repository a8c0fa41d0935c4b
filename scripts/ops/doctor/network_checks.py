"""The network path from here to the API: DNS, TCP, TLS and HTTP, each with its own time.

Marathon's hosts may see another network than this machine does; each finding says from where.
"""

import contextlib
import http.client
import json
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ops.doctor.findings import Finding, Level

from chalicelib.times import duration

# Marathon waits this long for a callback's answer (docs/architecture.md).
MARATHON_SECONDS = 10.0
# A burst of more than 40 / seconds events starts to fail: four connections, ten seconds.
_BURST = 40
_SLOW_SECONDS = 1.0
_CONNECT_SECONDS = 5.0

# No token looks like this, so the API refuses it without a look-up in the table. Nothing is stored
# or spilled.
_WRONG_TOKEN = "wrong"  # noqa: S105
# What API Gateway says, with status 403, of a path that no API has.
_NO_SUCH_PATH = b"Missing Authentication Token"
_EVENT = b'{"eventType": "doctor_trial"}'

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes


@dataclass
class _Times:
    """The seconds that each step took."""

    dns: float = 0.0
    tcp: float = 0.0
    tls: float = 0.0
    health: float = 0.0
    refusal: float = 0.0

    def __str__(self) -> str:
        legs = {"DNS": self.dns, "TCP": self.tcp, "TLS": self.tls, "GET /health": self.health}
        legs["POST"] = self.refusal
        return ", ".join(f"{name} {duration(took)}" for name, took in legs.items() if took)


class _Stopped(Exception):
    """The connection fails here. ``finding``: why."""

    def __init__(self, what: str, message: str, remedy: str, level: Level = "error") -> None:
        super().__init__(what)
        self.finding = Finding(level, what, message, remedy)


def check(api: str) -> list[Finding]:
    """Try the whole path once: ``GET /health``, then a POST with a wrong token."""
    times = _Times()
    try:
        with _connected(api, times) as connection:
            _check_health(api, connection, times)
            return _check_refusal(api, connection, times)
    except _Stopped as stopped:
        return [stopped.finding]


@contextlib.contextmanager
def _connected(api: str, times: _Times) -> Iterator[http.client.HTTPConnection]:
    parts = urlsplit(api)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    address, times.dns = _timed(lambda: _look_up(host, parts.port or (443 if secure else 80)))
    raw, times.tcp = _timed(lambda: _connect(api, address))
    with contextlib.closing(raw):
        sock: socket.socket = raw
        if secure:
            sock, times.tls = _timed(lambda: _greet(api, raw, host))
        with contextlib.closing(sock):
            sock.settimeout(MARATHON_SECONDS)
            made = http.client.HTTPSConnection if secure else http.client.HTTPConnection
            # If the API closes the connection, the client opens a new one by itself.
            connection = made(parts.netloc.rpartition("@")[2], timeout=MARATHON_SECONDS)
            connection.sock = sock
            with contextlib.closing(connection):
                yield connection


def _look_up(host: str, port: int) -> tuple[str, int]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _Stopped(
            "api-dns",
            f"The API's name {host} is not known to this machine's DNS.",
            "Look at --url and at this machine's DNS; an API that was deployed anew has another "
            "name, so Marathon must be registered again." + _proxy(),
        ) from None
    return str(found[0][4][0]), port


def _connect(api: str, address: tuple[str, int]) -> socket.socket:
    host, port = address
    try:
        made = socket.create_connection(address, timeout=_CONNECT_SECONDS)
    except OSError as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error.strerror)
        raise _Stopped(
            "api-tcp",
            f"No connection to {api} can be made from here ({host} port {port}: {why}).",
            "Look at the address, the firewall and the routes, here and on Marathon's hosts."
            + _proxy(),
        ) from None
    # Head and body go out in two writes: with Nagle's algorithm that would measure 40 ms more.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _greet(api: str, raw: socket.socket, host: str) -> socket.socket:
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except OSError as error:
        reason = getattr(error, "verify_message", "") or getattr(error, "reason", "")
        raise _Stopped(
            "api-tls",
            f"TLS with {api} fails from here: {reason or 'the connection broke'}.",
            "Look at what stands between here and the API (a proxy that shows a certificate of its "
            "own?), and whether the Java of Marathon's hosts trusts that certificate.",
        ) from None


def _check_health(api: str, connection: http.client.HTTPConnection, times: _Times) -> None:
    answer, times.health = _timed(lambda: _ask(api, connection, "GET", "/health"))
    if answer.status == 403 and _NO_SUCH_PATH not in answer.body:
        raise _Stopped(
            "api-forbidden",
            f"The API at {api} refuses all requests from here (status 403 to GET /health).",
            "If a resource policy or a WAF admits Marathon's addresses alone, run the doctor on "
            "one of its hosts; if not, look at what stands before the API.",
            level="warning",
        )
    if answer.status != 200 or not _is_ours(answer.body):
        raise _Stopped(
            "api-not-ours",
            f"What answers at {api} is not our API (status {answer.status} to GET /health).",
            "Look at the address (its path too: API Gateway's ends in the stage's name); deploy if "
            "the API is gone.",
        )


def _check_refusal(
    api: str, connection: http.client.HTTPConnection, times: _Times
) -> list[Finding]:
    path = f"/callback?token={_WRONG_TOKEN}"
    answer, times.refusal = _timed(lambda: _ask(api, connection, "POST", path))
    if answer.status == 403 and not _is_our_refusal(answer.body):
        raise _Stopped(
            "api-forbidden",
            f"Something before the API at {api} refuses callbacks from here (status 403 to POST "
            "/callback, and the answer is not ours).",
            "If a resource policy or a WAF admits Marathon's addresses alone, run the doctor on "
            "one of its hosts; if not, look at what stands before the API.",
            level="warning",
        )
    if answer.status != 403:
        raise _Stopped(
            "api-wrong-answer",
            f"The API answers status {answer.status} to a POST with a wrong token; 403 is right.",
            "Look at what stands before the API (a proxy, a WAF, a resource policy) and at the log "
            "of the function api; then deploy again.",
        )
    return [_latency(times)]


def _latency(times: _Times) -> Finding:
    burst = f"{_BURST / times.refusal:.2g}"
    burst = f"a burst of more than about {float(burst):,.0f} events would begin to fail"
    if times.refusal >= _SLOW_SECONDS:
        return Finding(
            "warning",
            "api-slow",
            f"The API is slow from here ({times}). Marathon waits ten seconds, and at that speed "
            f"{burst}.",
            "Run the doctor once more (a first answer starts a function); then look at the "
            "function's memory, at its log, and at the network.",
        )
    return Finding(
        "ok",
        "api-reachable",
        f"The API answers from here ({times}) and refuses a wrong token. Marathon waits ten "
        f"seconds; at that speed {burst}.",
    )


def _ask(api: str, connection: http.client.HTTPConnection, method: str, path: str) -> _Answer:
    base, bare = urlsplit(api).path, path.partition("?")[0]
    body = _EVENT if method == "POST" else None
    headers = {"Content-Type": "application/json"} if body else {}
    try:
        connection.request(method, base + path, body, headers)
        answer = connection.getresponse()
        body = answer.read(65_536)
    except TimeoutError:
        raise _Stopped(
            "api-silent",
            f"The API at {api} takes a connection, but gives no answer in ten seconds, which is "
            "all that Marathon waits.",
            "Look at the log of the function api, and at what stands before it.",
        ) from None
    except (OSError, http.client.HTTPException):
        raise _Stopped(
            "api-http",
            f"What takes connections at {api} does not answer in HTTP.",
            "Look at the address: http or https, and the port.",
        ) from None
    if answer.status == 429 or answer.status >= 500:
        raise _Stopped(
            "api-failing",
            f"The API at {api} answers status {answer.status} to {method} {bare}.",
            "Look at the log of the function api, and at the alarms api-errors and api-throttles.",
        )
    return _Answer(answer.status, body)


def _is_ours(body: bytes) -> bool:
    return (_object(body) or {}).get("status") == "ok"


def _is_our_refusal(body: bytes) -> bool:
    """Whether our code refused a wrong token: API Gateway and WAF have other words."""
    error = (_object(body) or {}).get("error")
    return isinstance(error, dict) and error.get("code") == "refused"


def _object(body: bytes) -> dict[str, Any] | None:
    """The object in an answer; None if it is something else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _proxy() -> str:
    """A note on a proxy that the SDK uses here but this check does not."""
    used = [name for name in ("HTTPS_PROXY", "https_proxy") if os.environ.get(name)]
    return f" ({used[0]} is set: this check goes around that proxy.)" if used else ""


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    begun = time.monotonic()
    result = work()
    return result, time.monotonic() - begun
