"""A program on a terminal of its own, of 80 columns and 24 lines, as its user has it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """What a program shows, and how its user answers."""

    def __init__(self, pid: int, master: int) -> None:
        self._pid = pid
        self._master = master
        self._raw = ""

    @property
    def shown(self) -> str:
        """All that was shown, without colours and movements."""
        return _ESCAPES.sub("", self._raw).replace("\r\n", "\n")

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Read until a text is shown; all that was shown. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{text!r} does not come; shown: {self.shown[-2000:]}"
            try:
                self._raw += os.read(self._master, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(f"it ended without {text!r}: {self.shown[-2000:]}") from None
        return self.shown

    def type(self, text: str) -> None:
        """Type a text; ``\\x03`` is Ctrl-C."""
        os.write(self._master, text.encode())

    def end(self, seconds: float = 60) -> int:
        """Wait until the program has ended, reading what it shows; its exit status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self._master], [], [], 0.1)
            with contextlib.suppress(OSError):
                if ready:
                    self._raw += os.read(self._master, 65536).decode(errors="replace")
            done, status = os.waitpid(self._pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"it does not end; shown: {self.shown[-2000:]}")


@contextlib.contextmanager
def running(command: list[str], where: Path) -> Iterator[Terminal]:
    """A command in a terminal."""
    pid, master = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # who runs the tests may ignore it
        os.chdir(where)
        os.execvpe(command[0], command, os.environ | {"TERM": "xterm-256color"})
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield Terminal(pid, master)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(master)
