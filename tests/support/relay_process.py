"""A relay in a process of its own, made from one that has everything imported. So it starts in
milliseconds, and is killed, stopped and signalled as operators' relays are.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import DupFd
from typing import IO, Any

from marathon_relay.relay import main

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


class RelayProcess:
    """``stderr``: what it writes there."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self.stderr: IO[str] = os.fdopen(reading, encoding="utf-8")
        arguments = (list(argv), dict(environment), DupFd(writing))
        self._process = _CONTEXT.Process(target=_run, args=arguments)
        self._process.start()
        os.close(writing)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> int:
        """Its exit status, or the number of the signal that ended it as a negative one."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, "it did not end"
        return self._process.exitcode


def _run(argv: list[str], environment: dict[str, str], stderr: Any) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.stderr = os.fdopen(stderr.detach(), "w", encoding="utf-8")
    status = main(argv)
    sys.stderr.flush()
    os._exit(status)
