"""Records on a terminal. Their text may be hostile: control characters are made visible, and have
no effect.
"""

import json

from rich.text import Text

from chalicelib.records.record import Record
from chalicelib.records.summary import Summary
from chalicelib.text import visible, visible_json

STYLES = {"info": "dim", "notice": "cyan", "warning": "yellow", "error": "bold red"}


def line(record: Record | Summary, *, cluster: bool = False, width: int = 0) -> Text:
    """A record in one line: when (in UTC), how bad, what, and the id for asking for more.
    ``cluster``: with its name. ``width``: of the terminal; if the id would not fit on the line, it
    gets a line of its own.
    """
    style = STYLES.get(record.severity, "")
    text = Text.assemble(
        (record.timestamp.replace("T", " "), "dim"),
        "  ",
        (f"{record.severity:<7}", style),
        "  ",
        (f"{record.cluster}  " if cluster else "", "green"),
        (visible(record.title), "" if style == "dim" else style),
    )
    fits = not width or text.cell_len + len(record.id) + 2 <= width
    return text.append("  " if fits else "\n    ").append(record.id, "dim")


def summary_json(record: Record) -> str:
    """A record's summary as one line of JSON."""
    return visible_json(json.dumps(record.summary(), ensure_ascii=False))


def whole_json(record: Record) -> str:
    """A record's summary and the event itself, letter for letter, as JSON."""
    return f'{summary_json(record)[:-1]}, "event": {visible_json(record.event_json())}}}'


def details(record: Record) -> Text:
    """All that is known of a record, for reading."""
    text = Text()
    for name, value in record.summary().items():
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        text.append(f"{name:>15}  ", style="dim").append(f"{visible(shown)}\n")
    return text.append("\n").append(_pretty(record))


def _pretty(record: Record) -> str:
    if not record.is_json:
        return visible(record.body.decode(errors="replace"))
    try:
        return visible_json(json.dumps(json.loads(record.body), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):  # more than Python reads, though it is JSON
        return visible_json(record.body.decode())
