"""Work that goes on in the background."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IDLE_SECONDS = 0.05


@contextmanager
def background(step: Callable[[], bool]) -> Iterator[None]:
    """Do a step again and again in a thread; after one that found nothing to do, wait a little."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            if not step():
                stop.wait(_IDLE_SECONDS)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
