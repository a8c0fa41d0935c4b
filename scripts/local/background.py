"""Work that goes on in the background."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_IDLE_SECONDS = 0.02
_LONGEST_IDLE_SECONDS = 0.2


@contextmanager
def background(step: Callable[[], bool], pause: float = _IDLE_SECONDS) -> Iterator[None]:
    """Do a step again and again in a thread. After one that found nothing to do, wait a little; the
    longer nothing is to do, the longer. ``pause``: how many seconds at least.
    """
    stop = threading.Event()

    def work() -> None:
        idle = pause
        while not stop.is_set():
            if step():
                idle = pause
            else:
                stop.wait(idle)
                idle = max(pause, min(2 * idle, _LONGEST_IDLE_SECONDS))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
