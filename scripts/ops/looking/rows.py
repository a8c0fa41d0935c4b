"""Lists of events on a terminal: a heading for each day, one line an event."""

import itertools
from collections.abc import Iterable, Iterator

from ops import view
from ops.view import Screen

from rich.text import Text

from chalicelib.records.record import Record
from chalicelib.records.summary import Summary


def collapsed(
    records: Iterable[Record | Summary], where: Screen, *, cluster: bool = False
) -> Iterator[Text]:
    """The lines of records in the order of time. Neighbours that say the same are one line, that of
    the last, with their number.
    """
    runs = (list(run) for _, run in itertools.groupby(records, key=lambda each: _said(each, where)))
    return _with_days(((run[-1], len(run)) for run in runs), where, cluster=cluster)


def as_they_come(
    records: Iterable[Record | Summary], where: Screen, *, cluster: bool = False
) -> Iterator[Text]:
    """The lines of records one by one, each at once."""
    return _with_days(((each, 1) for each in records), where, cluster=cluster)


def _with_days(
    counted: Iterable[tuple[Record | Summary, int]], where: Screen, *, cluster: bool
) -> Iterator[Text]:
    day = ""
    for record, count in counted:
        if where.day(record.timestamp) != day:
            day = where.day(record.timestamp)
            yield Text(day, "bold")
        yield view.row(record, where, cluster=cluster, count=count)


def _said(record: Record | Summary, where: Screen) -> tuple[str, ...]:
    day = where.day(record.timestamp)
    return day, record.cluster, record.subject, record.severity, record.title
