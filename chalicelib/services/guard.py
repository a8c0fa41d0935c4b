"""The guard in front of the table, for callers that must answer in time."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from chalicelib.services.table import TableError
from chalicelib.workers import Late, Workers

_T = TypeVar("_T")

_LATE = "Late"
_CIRCUIT_OPEN = "CircuitOpen"
# The SDK's name for a connection that broke before it brought an answer.
_BROKEN = "ConnectionClosedError"


class TableGuard:
    """Protects the request path from a slow table: with a time limit for each piece of work, and a
    circuit breaker that stops calls to the table for a while after a failure.
    """

    OPEN_SECONDS = 3.0

    def __init__(self) -> None:
        self._workers = Workers(threads=8)
        self._open_until = 0.0

    def call(self, work: Callable[[], _T], seconds: float) -> _T:
        """Returns the result of the work. Raises TableError (at once while the circuit is open),
        and whatever else the work raises.
        """
        if self._is_open():
            raise TableError(_CIRCUIT_OPEN)
        try:
            return self._workers.run(functools.partial(_again, work), seconds)
        except Late:
            raise self._noticed(TableError(_LATE)) from None
        except TableError as error:
            raise self._noticed(error) from error

    def call_all(self, works: Sequence[Callable[[], _T]], seconds: float) -> list[_T | TableError]:
        """Does many pieces of work, several at once: the result of each, or its TableError."""
        if self._is_open():
            return [TableError(_CIRCUIT_OPEN)] * len(works)
        results: list[_T | TableError] = []
        for result in self._workers.run_all(
            [functools.partial(_again, work) for work in works], seconds
        ):
            if isinstance(result, Late):
                results.append(self._noticed(TableError(_LATE)))
            elif isinstance(result, TableError):
                results.append(self._noticed(result))
            elif isinstance(result, Exception):
                raise result
            else:
                results.append(result)
        return results

    def close(self) -> None:
        """Call the table again from now on."""
        self._open_until = 0.0

    def _is_open(self) -> bool:
        return time.monotonic() < self._open_until

    def _noticed(self, error: TableError) -> TableError:
        if not error.permanent:
            self._open_until = time.monotonic() + self.OPEN_SECONDS
        return error


def _again(work: Callable[[], _T]) -> _T:
    """Does the work, and once more if its connection was closed: Lambda's freeze breaks those that
    are kept open.
    """
    try:
        return work()
    except TableError as error:
        if error.code != _BROKEN:
            raise
        return work()
