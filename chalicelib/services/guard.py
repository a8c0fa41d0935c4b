"""The guard before the table, for who must answer in time."""

import time
from collections.abc import Callable
from typing import TypeVar

from chalicelib.services.table import TableError
from chalicelib.workers import Late, Workers

_T = TypeVar("_T")


class TableGuard:
    """Stands before the table on the request path: a time limit for each piece of work, and a
    circuit breaker that leaves the table alone for a while after a failure.
    """

    OPEN_SECONDS = 3.0

    def __init__(self, threads: int = 8) -> None:
        self._workers = Workers(threads)
        self._open_until = 0.0

    def call(self, work: Callable[[], _T], seconds: float) -> _T:
        """What the work returns. Raises TableError, at once while the circuit is open, and whatever
        else the work raises.
        """
        if time.monotonic() < self._open_until:
            raise TableError("CircuitOpen")
        try:
            return self._workers.run([work], seconds)[0]
        except Late:
            self._open()
            raise TableError("Late") from None
        except TableError as error:
            if not error.permanent:
                self._open()
            raise

    def close(self) -> None:
        """Ask the table again, from now on."""
        self._open_until = 0.0

    def _open(self) -> None:
        self._open_until = time.monotonic() + self.OPEN_SECONDS
