"""History: the records of clusters, of subjects, or of what went wrong, newest first, whatever
their day. Nothing here scans: each query reads the rows of one key, and only those.
"""

import heapq
import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chalicelib.marathon import ids
from chalicelib.marathon.severity import BAD, SEVERITIES
from chalicelib.records.record import Record
from chalicelib.services.store import EVERYTHING, Store, Window
from chalicelib.text import clip

# How much one page may read, if little of it matches.
MOST_ROWS = 2_000
MOST_SECONDS = 5.0

# Among so many of the newest is the one that came last: events may come a little out of order.
_LOOKED_AT = 100

# If a filter leaves much out, more rows are read at once than are wanted.
_ROWS_TO_FILTER = 250


@dataclass(frozen=True)
class Wanted:
    """Which records are wanted. Whatever is empty leaves nothing out.

    ``app``: the path of an app or pod, or a beginning of paths that ends in ``/*``. ``severity``:
    this or worse. ``text``: a part of the title, in upper or lower case. ``page``: how many rows to
    read at once; 0 for as many as DynamoDB gives.
    """

    clusters: tuple[str, ...]
    app: str = ""
    subject: str = ""
    type: str = ""
    severity: str = "info"
    text: str = ""
    window: Window = EVERYTHING
    page: int = 0

    def matches(self, record: Record) -> bool:
        """Whether a record of the rows that ``rows`` chose is wanted."""
        return (
            record.severity in SEVERITIES[SEVERITIES.index(self.severity) :]
            and self.type in ("", record.type)
            and self.subject in ("", record.subject)
            and self.text.casefold() in record.title.casefold()
            and (not self.under or any(path.startswith(self.under) for path in record.touched))
        )

    @property
    def leaves_out(self) -> bool:
        """Whether rows may be read that are not wanted."""
        within = self.subject if self.app else ""
        return bool(self.under or within or self.type or self.text or self.severity != "info")

    @property
    def under(self) -> str:
        """With what the paths of the wanted apps begin; empty unless ``app`` ends in ``/*``."""
        return ids.path(self.app)[:-1] if self.app.endswith("/*") else ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects whose timelines have the wanted records; none if only whole feeds do."""
        if self.app and not self.under:
            return subjects_of_path(self.app)
        return (self.subject,) if self.subject else ()


@dataclass(frozen=True)
class Page:
    """A page of records. ``last``: the id to go on before, or None at the end of them all."""

    records: list[Record]
    last: str | None


def subjects_of_path(path: str) -> tuple[str, ...]:
    """The possible subjects for a path: it belongs to an app or a pod, and many events don't say
    which.
    """
    return clip(f"app:{ids.path(path)}"), clip(f"pod:{ids.path(path)}")


def newest_first(store: Store, wanted: Wanted) -> Iterator[Record]:
    """The wanted records, without their bodies."""
    return filter(wanted.matches, _merged(rows(store, wanted)))


def newest_received(store: Store, cluster: str) -> Record | None:
    """The record of a cluster that came last, among its newest; None if none ever came."""
    found = newest_first(store, Wanted((cluster,), page=_LOOKED_AT))
    return max(itertools.islice(found, _LOOKED_AT), key=lambda each: each.received_at, default=None)


def page(store: Store, wanted: Wanted, limit: int) -> Page:
    """The newest wanted records, at most ``limit``: fewer at the end, or where a bound on reading
    is reached.
    """
    size = max(limit + 1, _ROWS_TO_FILTER if wanted.leaves_out else 0)
    end = time.monotonic() + MOST_SECONDS
    found: list[Record] = []
    last = None
    for n, record in enumerate(_merged(rows(store, replace(wanted, page=size)))):
        if len(found) == limit or n == MOST_ROWS or (n and time.monotonic() > end):
            return Page(found, last)
        if wanted.matches(record):
            found.append(record)
        last = record.id
    return Page(found, None)


def rows(store: Store, wanted: Wanted) -> list[Iterator[Record]]:
    """The rows of the table that contain the wanted records, each newest first: the fewest that are
    known to.
    """
    if wanted.subjects:
        return [
            store.timeline(cluster, subject, wanted.window, wanted.page)
            for cluster in wanted.clusters
            for subject in wanted.subjects
        ]
    if wanted.severity in BAD:
        return [_bad(store, cluster, wanted) for cluster in wanted.clusters]
    return [_feed(store, cluster, wanted) for cluster in wanted.clusters]


def of_subjects(
    store: Store, cluster: str, subjects: Iterable[str], window: Window, page: int = 0
) -> Iterator[Record]:
    """The records of several subjects of a cluster together."""
    return _merged([store.timeline(cluster, each, window, page) for each in subjects])


def around_today() -> list[str]:
    """The days that may have records but may not have been noted yet."""
    today = datetime.now(UTC).date()
    return [(today + timedelta(days=n)).isoformat() for n in (1, 0, -1)]


def _merged(found: list[Iterator[Record]]) -> Iterator[Record]:
    if len(found) == 1:
        return found[0]
    return heapq.merge(*found, key=lambda record: record.id, reverse=True)


def _feed(store: Store, cluster: str, wanted: Wanted) -> Iterator[Record]:
    for day in _days(store, cluster, wanted.window):
        yield from store.feed(cluster, day, wanted.window, wanted.page)


def _bad(store: Store, cluster: str, wanted: Wanted) -> Iterator[Record]:
    for month, _ in itertools.groupby(_days(store, cluster, wanted.window), lambda day: day[:7]):
        yield from store.bad(cluster, month, wanted.window, wanted.page)


def _days(store: Store, cluster: str, window: Window) -> Iterator[str]:
    """The days that have records, newest first. The days around today are always included, since
    fan-out notes the days and may be late.
    """
    around = [day for day in around_today() if _touches(day, window)]
    both = heapq.merge(store.days(cluster, window), around, reverse=True)
    return (day for day, _ in itertools.groupby(both))


def _touches(day: str, window: Window) -> bool:
    compact = day.replace("-", "")
    return window.since[:8] <= compact <= window.last[:8]
