"""Relays in processes of their own, as operators run them, and what stands around them."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import web
from tests.support.endpoint import TOKEN, Endpoint
from tests.support.relay_process import RelayProcess
from tests.support.web import Handler, listening

_PATIENCE_SECONDS = 60.0


def eventually(condition: Callable[[], object], what: str = "") -> None:
    """Wait until it is so."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < until, f"it never came: {what or condition}"
        time.sleep(0.01)


def peak_kilobytes(pid: int | str) -> int:
    """The most memory that a process had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


class Relay:
    """One relay process. ``lines``: what it has logged."""

    def __init__(self, process: RelayProcess) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self.plain: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines of that name."""
        return [line for line in self.lines if line["event"] == event]

    def wait_for(self, event: str, times: int = 1) -> dict[str, Any]:
        """The line of that name, once it has been logged so often."""
        eventually(lambda: len(self.told(event)) >= times, f"{event} in {self.lines}")
        return self.told(event)[times - 1]

    def health(self) -> tuple[int, dict[str, Any]]:
        """The status and the JSON of /health."""
        answer = self._get("/health")
        return answer.status, answer.json

    def metrics(self) -> dict[str, float]:
        """What /metrics shows, by name and labels."""
        shown = self._get("/metrics").text.splitlines()
        pairs = [line.rsplit(" ", 1) for line in shown if not line.startswith("#")]
        return {name.removeprefix("marathon_relay_"): float(value) for name, value in pairs}

    def _get(self, path: str) -> web.Reply:
        return web.get(self.wait_for("serving")["address"], path)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit status."""
        self.process.send_signal(by)
        return self.ended()

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(_PATIENCE_SECONDS)
        self._reading.join()
        self.process.stderr.close()
        return status

    def _read(self) -> None:
        for line in self.process.stderr:
            if line.startswith("{"):
                self.lines.append(json.loads(line))
            else:
                self.plain.append(line)


@contextmanager
def relaying(
    marathon: str, endpoint: Endpoint, spool: Path, *options: str, **variables: str
) -> Iterator[Relay]:
    """A relay between the two, with time-outs that suit a test."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RELAY_", "MARATHON_", "COV_", "COVERAGE_"))
    }
    environment |= {
        "RELAY_MARATHON": marathon,
        "RELAY_URL": endpoint.url,
        "RELAY_TOKEN": TOKEN,
        "RELAY_SPOOL": str(spool),
        "RELAY_NAME": "r1",
        "RELAY_LISTEN": "127.0.0.1:0",
        "RELAY_LOG": "json",
        "RELAY_RETRY_MAX": "0.1",
    }
    process = RelayProcess(options, environment | variables)
    relay = Relay(process)
    try:
        yield relay
    finally:
        process.kill()
        relay.ended()


class Wire:
    """A proxy before a Marathon; ``swallow`` lets its connections live and brings nothing more."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._swallowing = threading.Event()
        self._sockets: list[socket.socket] = []

    def swallow(self) -> None:
        self._swallowing.set()

    def carry(self) -> None:
        """New connections work again."""
        self._swallowing = threading.Event()

    @contextmanager
    def running(self) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.getsockname()[1]}"
            finally:
                server.shutdown(socket.SHUT_RDWR)
        for each in self._sockets:
            each.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
                self._sockets.append(client)
                there = socket.create_connection(self._target)
            except OSError:
                return
            self._sockets.append(there)
            for pair in ((client, there), (there, client)):
                pump = (*pair, self._swallowing)
                threading.Thread(target=self._pump, args=pump, daemon=True).start()

    def _pump(self, source: socket.socket, to: socket.socket, stopped: threading.Event) -> None:
        try:
            while data := source.recv(65536):
                if not stopped.is_set():
                    to.sendall(data)
            to.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


@contextmanager
def scripted(*pieces: bytes, encoding: str = "identity") -> Iterator[str]:
    """Something like a Marathon, of no version, whose stream is made of these pieces, and goes on
    with heartbeats. ``encoding``: in which it says that they are.
    """
    done = threading.Event()

    class Scripted(Handler):
        def do_GET(self) -> None:
            if not self.path.startswith("/v2/events"):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream;charset=utf-8")
            self.send_header("Content-Encoding", encoding)
            self.end_headers()
            with contextlib.suppress(OSError):
                for piece in pieces:
                    self.wfile.write(piece)
                    done.wait(0.01)
                while not done.wait(0.1):
                    self.wfile.write(b"\r\n")

    with listening(Scripted) as address:
        try:
            yield f"http://{address}"
        finally:
            done.set()
