"""What ``make run`` shows while it runs: on a terminal a live view, else a line for each event. The
first alert is shown whole, as people get it; of those after it the title.
"""

import contextlib
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator

from ops.view import line

from rich.console import Console
from rich.live import Live
from rich.text import Text

from chalicelib.text import visible
from local.journal import Journal
from local.view import LiveView

_REDRAW_SECONDS = 1.0

Pause = Callable[[float], None]


class ReaderLeft(Exception):
    """Nobody reads stdout any more."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """``head`` and the like have read enough: that is no failure."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
        raise ReaderLeft


# The functions print their log, as they do in Lambda; what is for people goes to the real stdout.
console = _Console(highlight=False, soft_wrap=True, file=sys.stdout)


def alert(subject: str) -> Text:
    """An alert in one line."""
    return Text(f"✉ {visible(subject)}", style="bold")


def arrival(service: str, what: str) -> Text:
    """What a chat or pager got, in one line."""
    return Text(f"→ {service}: {visible(what)}", style="magenta")


@contextlib.contextmanager
def showing(
    journal: Journal, marathon: str, api: str, sent: Callable[[], int | None]
) -> Iterator[Pause]:
    """Show what comes. Gives what to wait with: it raises ReaderLeft when nobody reads it any more.
    ``sent``: how many events Marathon has sent, None if that is not known.
    """
    coming: queue.SimpleQueue[Text] = queue.SimpleQueue()
    journal.on_alert = _whole_once(coming.put, titles=not console.is_terminal)
    if not console.is_terminal:
        journal.on_notified = lambda record: coming.put(line(record))
        journal.on_delivered = lambda service, what: coming.put(arrival(service, what))
        yield _pausing(journal, coming, console.file.flush)
        return
    view = LiveView(journal, marathon, api, sent)
    # Otherwise it would draw the functions' log, which belongs elsewhere, into the view.
    with Live(view, console=console, auto_refresh=False, redirect_stdout=False) as live:
        yield _pausing(journal, coming, live.refresh)


def _whole_once(put: Callable[[Text], None], *, titles: bool) -> Callable[[str, str], None]:
    """What to do with an alert: the first is shown whole; the others if ``titles``."""
    first = True

    def say(subject: str, text: str) -> None:
        nonlocal first
        if first or titles:
            put(alert(subject))
        if first:
            put(Text("\n".join(f"  │ {visible(each)}" for each in text.splitlines())))
        first = False

    return say


def _pausing(
    journal: Journal, coming: "queue.SimpleQueue[Text]", draw: Callable[[], None]
) -> Pause:
    def pause(seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            journal.wait_for_change(min(left, _REDRAW_SECONDS))
            while not coming.empty():
                console.print(coming.get())
            draw()
            if not left:
                return

    return pause
