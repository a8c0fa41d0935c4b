"""The live view of ``make run``."""

from collections.abc import Callable

from ops.view import STYLES

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.journal import Journal

_ROWS = 22


class LiveView:
    """Draws a journal. ``sent``: how many events Marathon has sent, None if it can't tell."""

    def __init__(
        self, journal: Journal, marathon: str, api: str, sent: Callable[[], int | None]
    ) -> None:
        self._journal = journal
        self._marathon = marathon
        self._api = api
        self._sent = sent

    def __rich__(self) -> RenderableType:
        return Group(self._head(), self._events(), Text(" Ctrl-C ends it.", style="dim"))

    def _head(self) -> Panel:
        sent = self._sent()
        counts = [
            ("sent", "?" if sent is None else str(sent), "cyan"),
            ("stored", str(len(self._journal.records)), "green"),
            ("notified", str(self._journal.notified.total()), "magenta"),
        ]
        path = Text.assemble(
            (self._marathon, "cyan"),
            "  →  ",
            (f"{self._api}/callback", "green"),
            "  →  table  →  stream  →  ",
            ("topic", "magenta"),
            "\n",
            *(
                part
                for name, count, style in counts
                for part in ((count, f"bold {style}"), f" {name}   ")
            ),
        )
        return Panel(path, title="marathon-events on this machine", border_style="dim")

    def _events(self) -> Table:
        table = Table(box=None, expand=True, pad_edge=True)
        table.add_column("event's time", style="dim", no_wrap=True)
        table.add_column("severity", no_wrap=True)
        table.add_column("what happened", ratio=1, no_wrap=True, overflow="ellipsis")
        table.add_column("stored", justify="center", style="green")
        table.add_column("notified", justify="center", style="magenta")
        for record in list(self._journal.records.values())[-_ROWS:]:
            style = STYLES.get(record.severity, "")
            table.add_row(
                record.timestamp.replace("T", " ").removesuffix("Z"),
                Text(record.severity, style=style),
                Text(record.title, style="" if style == "dim" else style),
                "●",
                "●" if record.id in self._journal.notified else "",
            )
        return table
