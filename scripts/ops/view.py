"""Records on a terminal."""

import json

from rich.text import Text

from chalicelib.records.record import Record

STYLES = {"info": "dim", "notice": "cyan", "warning": "yellow", "error": "bold red"}


def line(record: Record) -> Text:
    """A record in one line: when, how bad, what, and the id to ask for more by."""
    when = record.timestamp.replace("T", " ").removesuffix("Z")
    style = STYLES.get(record.severity, "")
    return Text.assemble(
        (when, "dim"),
        "  ",
        (f"{record.severity:<7}", style),
        "  ",
        (record.title, "" if style == "dim" else style),
        ("  " + record.id, "dim"),
    )


def summary_json(record: Record) -> str:
    """A record's summary as one line of JSON."""
    return json.dumps(record.summary(), ensure_ascii=False)


def whole_json(record: Record) -> str:
    """A record's summary and the event itself, letter for letter, as JSON."""
    return f'{summary_json(record)[:-1]}, "event": {record.event_json()}}}'


def details(record: Record) -> Text:
    """All that is known of a record, for reading."""
    text = Text()
    for name, value in record.summary().items():
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        text.append(f"{name:>15}  ", style="dim").append(f"{shown}\n")
    return text.append("\n").append(_pretty(record))


def _pretty(record: Record) -> str:
    if not record.is_json:
        return record.body.decode(errors="replace")
    try:
        return json.dumps(json.loads(record.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # more than Python reads, though it is JSON
        return record.body.decode()
