"""History: the records of clusters or of subjects, newest first, whatever their day."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.marathon import ids
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.records.record import Record
from chalicelib.services.store import EVERYTHING, Store, Window


@dataclass(frozen=True)
class Wanted:
    """Which records are wanted. ``subjects``: none for whole feeds; ``type``: empty for all;
    ``severity``: this or worse.
    """

    clusters: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    type: str = ""
    severity: str = "info"
    window: Window = EVERYTHING

    def matches(self, record: Record) -> bool:
        """Whether a record's type and severity are wanted."""
        worse = SEVERITIES[SEVERITIES.index(self.severity) :]
        return record.severity in worse and self.type in ("", record.type)


def subjects_of_path(path: str) -> tuple[str, ...]:
    """The possible subjects for a path: it belongs to an app or a pod, and many events don't say
    which.
    """
    return f"app:{ids.path(path)}", f"pod:{ids.path(path)}"


def newest_first(store: Store, wanted: Wanted) -> Iterator[Record]:
    """The wanted records, without their bodies."""
    return filter(wanted.matches, _merged(rows(store, wanted)))


def rows(store: Store, wanted: Wanted) -> list[Iterator[Record]]:
    """The timelines or feeds that contain the wanted records, each newest first."""
    if wanted.subjects:
        return [
            store.timeline(cluster, subject, wanted.window)
            for cluster in wanted.clusters
            for subject in wanted.subjects
        ]
    return [_feed(store, cluster, wanted.window) for cluster in wanted.clusters]


def around_today() -> list[str]:
    """The days that may have records but may not have been noted yet."""
    today = datetime.now(UTC).date()
    return [(today + timedelta(days=n)).isoformat() for n in (1, 0, -1)]


def _merged(found: list[Iterator[Record]]) -> Iterator[Record]:
    if len(found) == 1:
        return found[0]
    return heapq.merge(*found, key=lambda record: record.id, reverse=True)


def _feed(store: Store, cluster: str, window: Window) -> Iterator[Record]:
    for day in _days(store, cluster, window):
        yield from store.feed(cluster, day, window)


def _days(store: Store, cluster: str, window: Window) -> list[str]:
    """The days that have records, newest first. The days around today are always included, since
    fan-out notes the days and may be late.
    """
    days = sorted({*store.days(cluster), *around_today()}, reverse=True)
    if window == EVERYTHING:
        return days
    return [day for day in days if _touches(day, window)]


def _touches(day: str, window: Window) -> bool:
    compact = day.replace("-", "")
    return window.since[:8] <= compact <= window.last[:8]
