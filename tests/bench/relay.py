"""What the relay carries: events a second of its own CPU, and the memory that it takes, while the
endpoint answers and while it does not.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ops import ROOT
from ops.cli import Failure

from tests.bench import bodies
from tests.bench.figures import Figure
from tests.support.endpoint import TOKEN, Endpoint, serving

_EVENTS = 100_000
_HALF = _EVENTS // 2
_SECTION = f"One relay, {_EVENTS:,} small events"
_SECONDS = 120
_TICKS = os.sysconf("SC_CLK_TCK")


def relay() -> Iterator[Figure]:
    """Half of the events while the endpoint answers at once, half while it does not answer."""
    endpoint = Endpoint()
    with (
        tempfile.TemporaryDirectory(prefix="marathon-events-bench-") as where,
        serving(endpoint),
        _source() as source,
        _running(Path(where), source.url, endpoint.url) as process,
    ):
        source.send(0, 1000)  # it is warm
        _wait(lambda: len(endpoint.records) >= 1000)
        begun, small = _cpu_seconds(process), _megabytes(process)
        source.send(1000, _HALF)
        _wait(lambda: len(endpoint.records) >= _HALF)
        carried = (_HALF - 1000) / (_cpu_seconds(process) - begun)
        answering = _megabytes(process)
        endpoint.fault = "unavailable"
        source.send(_HALF, _EVENTS)
        spooled = Path(where) / "spool"
        _wait(lambda: _spooled(spooled) >= _HALF * 300)
        away = _megabytes(process)
    yield Figure(_SECTION, "a second of CPU: 1,000 events / carried", 1000 / carried, budget=1)
    yield Figure(_SECTION, "events a second of its CPU", carried, "")
    yield Figure(_SECTION, "memory, MB: after 1,000", small, "")
    yield Figure(_SECTION, "after 50,000 more", answering, "", budget=100)
    yield Figure(_SECTION, "after 50,000 that the endpoint did not take", away, "", budget=100)


class _Source:
    """An event stream that sends as fast as it is read."""

    def __init__(self, server: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"
        self._server = server
        self._ready = threading.Event()
        self._stream: socket.socket | None = None
        threading.Thread(target=self._serve, daemon=True).start()

    def send(self, begin: int, end: int) -> None:
        """Send the events of those numbers, and return at once."""
        self._ready.wait(30)
        threading.Thread(target=self._send, args=(begin, end), daemon=True).start()

    def _send(self, begin: int, end: int) -> None:
        assert self._stream
        event = json.loads(bodies.small())
        with contextlib.suppress(OSError):
            for n in range(begin, end):
                data = json.dumps(event | {"ports": [n]}, separators=(",", ":"))
                text = f"event: {event['eventType']}\r\ndata: {data}\r\n\r\n"
                self._stream.sendall(text.encode())

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        asked = connection.recv(65536)
        if asked.startswith(b"GET /v2/events"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            self._stream = connection
            self._ready.set()
            return
        info = json.dumps({"name": "bench", "version": "1.8.180", "frameworkId": "f"}).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(info)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + info)
        connection.close()


@contextlib.contextmanager
def _source() -> Iterator[_Source]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield _Source(server)


@contextlib.contextmanager
def _running(where: Path, marathon: str, api: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, str(ROOT / "scripts" / "relay.py"), "--marathon", marathon]
    options = ["--url", api, "--spool", str(where / "spool"), "--retry-max", "1"]
    process = subprocess.Popen(
        [*command, *options], env=os.environ | {"RELAY_TOKEN": TOKEN}, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failure("The relay did not carry the events in time: not measured.")
        time.sleep(0.02)


def _cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _megabytes(process: "subprocess.Popen[bytes]") -> float:
    """What it has in memory now."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def _spooled(folder: Path) -> int:
    """The bytes in the spool's files."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
