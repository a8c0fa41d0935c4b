"""Threads for calls that may hang.

The SDK's timeouts hold for each read, and none holds for a look-up of a name. A service that sends
a byte now and then keeps a call going for ever. So whoever must answer in time lets a thread make
the call, and leaves it behind when it is late.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

_T = TypeVar("_T")


class Late(Exception):
    """The work was not done in time. It may still go on."""


class Workers:
    """So many threads, made as they are needed. Those that hang are missing until they end."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads)

    def run(self, calls: Sequence[Callable[[], _T]], seconds: float) -> list[_T]:
        """Make the calls, as many at once as there are threads; what they return, in order. Raises
        Late, or the first error of a call.
        """
        futures = [self._pool.submit(call) for call in calls]
        done, waiting = wait(futures, seconds, FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
        for future in done:
            if error := future.exception():
                raise error
        if waiting:
            raise Late
        return [future.result() for future in futures]
