"""Work that goes on in the background."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_SHORT_SECONDS = 0.02  # what was just written may not be there to read at once
_LONG_SECONDS = 2.0


class _Bell:
    """Wakes all who wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rung = 0

    def ring(self) -> None:
        """Wake them."""
        with self._changed:
            self._rung += 1
            self._changed.notify_all()

    def wait(self, heard: int, seconds: float) -> int:
        """Wait until it has rung more often than ``heard``. Returns how often it has."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung > heard, seconds)
            return self._rung


_bell = _Bell()


def something_changed() -> None:
    """Let all that works in the background look for work at once."""
    _bell.ring()


@contextmanager
def background(step: Callable[[], bool]) -> Iterator[None]:
    """Do a step in a thread again and again, as long as it finds something to do. Then wait until
    something changes; look now and then all the same, for what becomes due by time alone.
    """
    stop = threading.Event()

    def work() -> None:
        heard, idle = 0, _SHORT_SECONDS
        while not stop.is_set():
            if step():
                idle = _SHORT_SECONDS
                continue
            now = _bell.wait(heard, idle)
            idle = _SHORT_SECONDS if now > heard else _LONG_SECONDS
            heard = now

    with _thread(work, stop):
        yield


@contextmanager
def regularly(act: Callable[[], None], seconds: float) -> Iterator[None]:
    """Do something in a thread, with so many seconds between."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(seconds):
            act()

    with _thread(work, stop):
        yield


@contextmanager
def served(server: BaseServer) -> Iterator[None]:
    """Let a server answer in a thread, and close it at the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _thread(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        something_changed()
        thread.join()
