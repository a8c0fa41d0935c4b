"""Ctrl-C for a program that make started."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def foreground() -> Iterator[None]:
    """Let Ctrl-C reach this process alone, not make too: where it ends well by Ctrl-C, make would
    call that an error.
    """
    if not sys.stdin.isatty() or os.getpgrp() == os.getpid():
        yield
        return
    terminal = sys.stdin.fileno()
    before = os.tcgetpgrp(terminal)
    # A background process is stopped when it changes the foreground process group. And nothing
    # would continue this process after Ctrl-Z, since the shell waits for make.
    for harmless in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(harmless, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, before)
