"""Work that goes on in the background."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IDLE_SECONDS = 0.02
_LONGEST_IDLE_SECONDS = 0.2


@contextmanager
def background(step: Callable[[], bool]) -> Iterator[None]:
    """Do a step again and again in a thread. After one that found nothing to do, wait a little; the
    longer nothing is to do, the longer.
    """
    stop = threading.Event()

    def work() -> None:
        idle = _IDLE_SECONDS
        while not stop.is_set():
            if step():
                idle = _IDLE_SECONDS
            else:
                stop.wait(idle)
                idle = min(2 * idle, _LONGEST_IDLE_SECONDS)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
