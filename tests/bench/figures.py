"""What was measured, and how it is shown and kept."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import botocore
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """``unit`` ``×`` is a ratio. ``budget``: the most that it may be, or None for a figure that is
    only shown. ``note``: what to know of it. ``at``: the size in bytes of a curve's point.
    """

    section: str
    name: str
    value: float
    unit: str = "×"
    budget: float | None = None
    note: str = ""
    at: int | None = None

    @property
    def missed(self) -> bool:
        """Whether the budget is exceeded."""
        return self.budget is not None and self.value > self.budget


def show(console: Console, figures: Iterable[Figure]) -> None:
    """Print a table, and what there is to know below it."""
    table = Table(show_header=True, header_style="bold", box=None)
    table.add_column("figure")
    for heading in ("measured", "budget", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    section, notes = "", []
    for each in figures:
        if each.section != section:
            section = each.section
            table.add_row(f"[bold]{section}[/bold]")
        budget = "" if each.budget is None else f"≤ {_number(each.budget)}"
        mark = "" if each.budget is None else "[red]MISSED[/red]" if each.missed else "ok"
        value = f"{_number(each.value)} {each.unit}".rstrip()
        table.add_row(f"  {each.name}", value, budget, mark)
        if each.note:
            notes.append(each.note)
    console.print(table)
    for note in notes:
        console.print(f"\n{note}", style="dim")


def keep(path: Path, figures: list[Figure]) -> None:
    """Write them down as JSON."""
    machine = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "botocore": botocore.__version__,
    }
    kept = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "on": machine,
        "missed": [f"{each.section}: {each.name}" for each in figures if each.missed],
        "figures": [asdict(each) for each in figures],
    }
    path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
