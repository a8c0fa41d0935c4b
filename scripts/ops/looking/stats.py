"""How many events there were of what, as bars."""

import json
from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from chalicelib.records.record import Record
from chalicelib.text import visible

BY = ("type", "severity", "app", "host", "status", "cluster", "day", "hour")

_MOST_BAR = 40
_NONE = "–"


def count(records: Iterable[Record], by: str) -> list[tuple[str, int]]:
    """How many records have each value: the most frequent first, or in the order of time."""
    counts = Counter(value for record in records for value in _values(record, by))
    if by in ("day", "hour"):
        return sorted(counts.items())
    return counts.most_common()


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
            ("█" * max(1, round(number / most * max(1, room))), "cyan"),
        )
        for value, number in counts
    ]


def _values(record: Record, by: str) -> list[str]:
    if by == "app":
        return record.touched or [_NONE]
    if by == "day":
        return [record.timestamp[:10]]
    if by == "hour":
        return [record.timestamp[:13].replace("T", " ") + ":00"]
    return [getattr(record, by) or _NONE]
