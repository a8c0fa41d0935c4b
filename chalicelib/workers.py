"""Threads for calls that may hang.

The SDK's timeouts hold for each read, and none holds for a look-up of a name. A service that sends
a byte now and then keeps a call going for ever. So whoever must answer in time lets a thread make
the call, and leaves it behind when it is late.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

_T = TypeVar("_T")

# So many threads may hang; then those that are left must do.
_MOST_LEFT_BEHIND = 64


class Late(Exception):
    """The work was not done in time. It may still go on."""


class Workers:
    """So many threads, made as they are needed; new ones for those that were left behind."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)
        self._left_behind = 0

    def run(self, call: Callable[[], _T], seconds: float) -> _T:
        """What a call returns. Raises Late, and what the call raises."""
        future = self._pool.submit(call)
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # it is the call's own
                raise
            self._leave([future])
            raise Late from None

    def run_all(self, calls: Sequence[Callable[[], _T]], seconds: float) -> list[_T | Exception]:
        """Make the calls, as many at once as there are threads: what each returned or raised, in
        order; Late for those that were not done in time.
        """
        futures = [self._pool.submit(call) for call in calls]
        _, late = wait(futures, seconds)
        if late:
            self._leave(late)
        return [_outcome(future) for future in futures]

    def _leave(self, late: "Sequence[Future[Any]] | set[Future[Any]]") -> None:
        """Go on with new threads; those that hang end when their calls do."""
        self._left_behind += sum(not future.cancel() for future in late)
        for future in late:
            future.add_done_callback(self._back)
        if self._left_behind <= _MOST_LEFT_BEHIND:
            self._pool = ThreadPoolExecutor(self._threads)

    def _back(self, future: "Future[Any]") -> None:
        if not future.cancelled():
            self._left_behind -= 1


def _outcome(future: "Future[Any]") -> Any:
    if not future.done() or future.cancelled():
        return Late()
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error
