"""How many events there were of what, as bars."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from rich.text import Text

from chalicelib import times
from chalicelib.records.record import Record
from chalicelib.text import visible

BY = ("type", "severity", "app", "host", "status", "cluster", "day", "hour")

_STEPS = {"day": (timedelta(days=1), "%Y-%m-%d"), "hour": (timedelta(hours=1), "%Y-%m-%d %H:00")}
# A longer gap is left out.
_MOST_EMPTY = 400
_MOST_BAR = 40
_NONE = "–"


def count(records: Iterable[Record], by: str, zone: tzinfo = UTC) -> list[tuple[str, int]]:
    """How many records have each value: the most frequent first; or in the order of time, then with
    the days or hours in between that have none.
    """
    if by in _STEPS:
        return _counted_by_time(records, by, zone)
    return Counter(value for record in records for value in _values(record, by)).most_common()


def _counted_by_time(records: Iterable[Record], by: str, zone: tzinfo) -> list[tuple[str, int]]:
    step, form = _STEPS[by]
    counts = Counter(_start(record.timestamp, by, zone) for record in records)
    rows: list[tuple[str, int]] = []
    before = None
    for start in sorted(counts):
        if before and (start - before) // step <= _MOST_EMPTY:
            while (before := before + step) < start:
                rows.append((f"{before:{form}}", 0))
        rows.append((f"{start:{form}}", counts[start]))
        before = start
    return rows


def _start(time: str, by: str, zone: tzinfo) -> datetime:
    """The beginning of the day or hour of a time, by the clock of that zone."""
    local = times.from_iso(time).astimezone(zone).replace(tzinfo=None)
    start = local.replace(minute=0, second=0, microsecond=0)
    return start.replace(hour=0) if by == "day" else start


def as_json(value: str, number: int, by: str) -> str:
    """One line of JSON."""
    return json.dumps({by: None if value == _NONE else value, "events": number})


def bars(counts: list[tuple[str, int]], width: int) -> list[Text]:
    """A line for each value, with a bar. ``width``: of the terminal; 0 if there is none."""
    if not counts:
        return []
    most = max(number for _, number in counts)
    names = max(len(visible(value)) for value, _ in counts)
    room = min(_MOST_BAR, width - names - len(str(most)) - 4) if width else _MOST_BAR
    return [
        Text.assemble(
            f"{visible(value):<{names}}  {number:>{len(str(most))}}  ",
            ("█" * max(number > 0, round(number / most * max(1, room))), "cyan"),
        )
        for value, number in counts
    ]


def _values(record: Record, by: str) -> list[str]:
    if by == "app":
        return record.touched or [_NONE]
    return [getattr(record, by) or _NONE]
