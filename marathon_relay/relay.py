"""The relay: reads Marathon's event stream, and posts its events to the listener.

The steps are: read, spool, send, forget. Each event is in the spool before anything else happens to
it, and leaves it when the API has confirmed it. Four threads work and never wait for one another:
one reads, one sends, one reports gaps, one asks what waits to be launched. The main thread watches
them.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from marathon_relay import VERSION
from marathon_relay.aside import send_aside
from marathon_relay.asking import Asker
from marathon_relay.gaps import GapReporter
from marathon_relay.log import Log
from marathon_relay.reader import Reader
from marathon_relay.sender import Sender
from marathon_relay.settings import Settings, SettingsError, read
from marathon_relay.spool import Spool, SpoolError
from marathon_relay.status import Status, serving
from marathon_relay.systemd import notify

_LAST_SECONDS = 5.0  # to send the waiting events, when the relay has to stop
_TICK_SECONDS = 1.0

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the relay until SIGTERM or Ctrl-C. Returns its exit status."""
    try:
        settings = read(argv, os.environ)
    except SettingsError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    if settings.send_aside:
        try:
            return send_aside(settings, Log(sys.stderr, as_json=settings.json_log))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with contextlib.closing(Spool(settings.spool, settings.spool_limit)) as spool:
            return _run(settings, spool, stop)
    except SpoolError as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED


def _run(settings: Settings, spool: Spool, stop: threading.Event) -> int:
    status = Status(spool, reads=settings.stream)
    log = Log(sys.stderr, as_json=settings.json_log, progress=status.line)
    with contextlib.ExitStack() as stack:
        stack.callback(log.end_progress)
        if settings.listen:
            try:
                address = stack.enter_context(serving(status, settings.listen))
            except OSError as error:
                where = ":".join(map(str, settings.listen))
                print(f"Error: RELAY_LISTEN (--listen) {where}: {error.strerror}.", file=sys.stderr)  # noqa: T201
                return EXIT_FAILED
            log.write("serving", address=address)
        return _Work(settings, spool, status, log, stop).run()


class _Work:
    """The threads of a relay."""

    def __init__(
        self, settings: Settings, spool: Spool, status: Status, log: Log, stop: threading.Event
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._log = log
        self._stop = stop
        self._failure = ""
        arrived = threading.Event()
        self._sender = Sender(settings, spool, status, log, arrived)
        self._reader = Reader(settings, spool, status, log, arrived)
        self._gap_reporter = GapReporter(settings, spool, log, self._reader.gap_found, arrived)
        self._asker = Asker(settings, spool, status, log, arrived)

    def run(self) -> int:
        """Work until it has to stop. Returns the exit status."""
        settings, log = self._settings, self._log
        log.write(
            "started",
            relay=settings.name,
            version=VERSION,
            spool=settings.spool,
            spooled=self._spool.count,
        )
        if settings.open_file:
            log.write("file_open", file=settings.open_file)
        sending = self._start(self._sender.run)
        if settings.stream:
            self._start(self._reader.run)
            self._start(self._gap_reporter.run)
        if settings.queue_seconds:
            self._start(self._asker.run)
        notify("READY=1")
        while not self._stop.wait(_TICK_SECONDS):
            notify("WATCHDOG=1")
            log.show_progress()
        return self._finish(sending)

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, args=(work,), daemon=True)
        thread.start()
        return thread

    def _guarded(self, work: Callable[[], None]) -> None:
        """If one of its parts has died, a relay only seems to work. So it exits, to be started
        again.
        """
        try:
            work()
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            self._stop.set()

    def _finish(self, sending: threading.Thread) -> int:
        notify("STOPPING=1")
        self._reader.stop()
        self._asker.stop()
        if self._failure:
            self._log.write("failed", reason=self._failure)
            return EXIT_FAILED
        self._log.write("stopping", seconds=_LAST_SECONDS)
        self._sender.finish()
        sending.join(_LAST_SECONDS)
        self._log.write("stopped", spooled=self._spool.count)
        return 0
