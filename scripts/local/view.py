"""The live view of ``make run``."""

from collections.abc import Callable

from ops.view import STYLES

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from chalicelib import VERSION, times
from chalicelib.records.record import Record
from chalicelib.text import visible
from local.journal import Journal

# The lines around the rows: the heading, the heading of the rows, the alerts, the hint, and what
# was printed above.
_AROUND = 19
_LEAST_ROWS = 3
_ALERTS = 3


class LiveView:
    """Draws a journal. ``sent``: how many events Marathon has sent, None if that is not known."""

    def __init__(
        self, journal: Journal, marathon: str, api: str, sent: Callable[[], int | None]
    ) -> None:
        self._journal = journal
        self._marathon = marathon
        self._api = api
        self._sent = sent

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = max(_LEAST_ROWS, console.height - _AROUND)
        hint = Text(" ○ stored  ● notified   Ctrl-C ends it.", style="dim", no_wrap=True)
        yield Group(self._head(), self._events(rows), self._alerts(), hint)

    def _head(self) -> Panel:
        sent = self._sent()
        counts = [
            ("sent", "?" if sent is None else str(sent), "cyan"),
            ("stored", str(len(self._journal.records)), "green"),
            ("notified", str(self._journal.notified.total()), "magenta"),
        ]
        path = Text.assemble(
            (self._marathon, "cyan"),
            " → ",
            (self._api, "green"),
            " → table → ",
            ("topic", "magenta"),
            "\n",
            *(
                part
                for name, count, style in counts
                for part in ((count, f"bold {style}"), f" {name}   ")
            ),
            overflow="ellipsis",
            no_wrap=True,
        )
        return Panel(path, title=f"marathon-events {VERSION} on this machine", border_style="dim")

    def _alerts(self) -> Text:
        """The newest alerts, as people get them, and what came to a chat and a pager."""
        lines = self._journal.alerts[-_ALERTS:] or ["none yet"]
        shown = "\n".join(f" ✉ {visible(line)}" for line in lines)
        text = Text(shown, style="bold red" if self._journal.alerts else "dim", no_wrap=True)
        for service, what in list(self._journal.delivered.items()):
            text.append(f"\n → {service}: {visible(what)}", style="not bold magenta")
        return text

    def _events(self, rows: int) -> Table:
        table = Table(box=None, expand=True, pad_edge=True, padding=(0, 1, 0, 0))
        table.add_column("time (UTC)", style="dim", no_wrap=True)
        table.add_column("severity", no_wrap=True)
        table.add_column("what happened", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("", width=1, style="magenta")
        for record in list(self._journal.records.values())[-rows:]:
            style = STYLES.get(record.severity, "")
            table.add_row(
                _time(record),
                Text(record.severity, style=style),
                Text(visible(record.title), style="" if style == "dim" else style),
                "●" if record.id in self._journal.notified else "○",
            )
        return table


def _time(record: Record) -> str:
    """The time of day of an event of today, else its date and time."""
    day, _, time = record.timestamp.partition("T")
    return time.removesuffix("Z") if day == times.iso(times.now())[:10] else f"{day} {time[:5]}"
