"""Threads for calls that may hang.

The SDK's timeouts apply to each single read, and none applies to a DNS look-up. A service that
sends one byte now and then keeps a call open for ever. So a caller that must answer in time lets a
thread make the call. If the thread is late, the caller goes on without it.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")

# At most so many threads may hang. Then no more are started until one of them ends.
_MOST_LEFT_BEHIND = 64


class Late(Exception):
    """The work was not done in time. It may still go on."""


class Workers:
    """A pool of threads with a limit for each piece of work. Threads are made when needed and
    reused.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._idle: list[_Worker] = []
        self._left_behind = 0
        self._lock = threading.Lock()

    def run(self, call: Callable[[], _T], seconds: float) -> _T:
        """Returns the result of a call. Raises Late, and what the call raises."""
        worker = self._worker()
        worker.calls.put(call)
        try:
            result, error = worker.outcomes.get(timeout=max(0.0, seconds))
        except Empty:
            self._leave(worker)
            raise Late from None
        self._idle.append(worker)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # it is what the call returned

    def run_all(self, calls: Sequence[Callable[[], _T]], seconds: float) -> list[_T | Exception]:
        """Make the calls, as many at once as there are threads. Gives what each returned or raised,
        in order, and Late for those that were not done in time.
        """
        deadline = time.monotonic() + seconds
        outcomes: list[Any] = [Late()] * len(calls)
        waiting = iter(enumerate(calls))

        def work() -> None:
            while time.monotonic() < deadline:
                with self._lock:
                    n, call = next(waiting, (-1, None))
                if call is None:
                    return
                try:
                    outcomes[n] = call()
                except Exception as error:
                    outcomes[n] = error

        workers: list[_Worker] = []
        with contextlib.suppress(Late):
            for _ in calls[: self._threads]:
                workers.append(self._worker())
        for worker in workers:
            worker.calls.put(work)
        for worker in workers:
            try:
                worker.outcomes.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                self._leave(worker)
            else:
                self._idle.append(worker)
        return list(outcomes)  # a later result changes nothing

    def _worker(self) -> "_Worker":
        try:
            return self._idle.pop()
        except IndexError:
            if self._left_behind > _MOST_LEFT_BEHIND:
                raise Late from None
            return _Worker()

    def _leave(self, worker: "_Worker") -> None:
        with self._lock:
            self._left_behind += 1
        worker.calls.put(self._back)

    def _back(self) -> None:
        with self._lock:
            self._left_behind -= 1
        raise SystemExit  # of this thread alone


class _Worker:
    """One thread, which makes the given calls one after the other. ``outcomes``: what each call
    returned, and what it raised.
    """

    def __init__(self) -> None:
        self.calls: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self.outcomes: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            call = self.calls.get()
            try:
                self.outcomes.put((call(), None))
            except SystemExit:
                return
            except BaseException as error:  # it is raised again where the caller waits
                self.outcomes.put((None, error))
