"""What happened: the records of a cluster or a subject, newest first, and those that come."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ops.cli import Failure
from ops.stage import Stage

from chalicelib import times
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.records.items import timeline_of
from chalicelib.records.record import Record
from chalicelib.services.store import EVERYTHING, Store, Window

_POLL_SECONDS = 1.0

# Events carry the time at which Marathon made them, and may come late: through the spill, or from
# a Marathon whose clock is off. tail looks this far back all the time, and now and then through the
# days around today and the newest others, as seldom as it takes long.
_LATE = timedelta(minutes=15)
_OTHER_DAYS = 3
_PATIENCE = 20


@dataclass(frozen=True)
class Wanted:
    """Which records. ``subject``, ``type``: empty for all; ``severity``: this or worse."""

    cluster: str
    subject: str = ""
    type: str = ""
    severity: str = "info"
    window: Window = EVERYTHING

    def matches(self, record: Record) -> bool:
        """Whether a record is wanted, as far as its type and severity go."""
        worse = SEVERITIES[SEVERITIES.index(self.severity) :]
        return record.severity in worse and self.type in ("", record.type)


def only_cluster(stage: Stage, asked: str) -> str:
    """The cluster asked for, or the only one there is. Raises Failure."""
    names = [cluster.name for cluster in stage.clusters.all()]
    if asked and asked not in names:
        known = f"Registered: {', '.join(names)}." if names else "None is registered yet."
        raise Failure(f"Stage {stage.name} has no cluster {asked!r}. {known}")
    if asked:
        return asked
    if not names:
        raise Failure(
            f"No Marathon is registered at stage {stage.name} yet: "
            "run scripts/register.py --marathon URL."
        )
    if len(names) > 1:
        raise Failure(f"There is more than one cluster; add --cluster {'|'.join(names)}.")
    return names[0]


def newest_first(store: Store, wanted: Wanted) -> Iterator[Record]:
    """The records that are wanted, without their bodies."""
    if wanted.subject:
        found = store.timeline(wanted.cluster, wanted.subject, wanted.window)
    else:
        found = _feed(store, wanted)
    return filter(wanted.matches, found)


def keys_oldest_first(store: Store, wanted: Wanted, after: str) -> list[tuple[str, str]]:
    """The keys of the records that are wanted, of those with ids after that one, oldest first."""
    found = newest_first(store, wanted)
    keys = [(timeline_of(each.cluster, each.subject), each.id) for each in found]
    return sorted((key for key in keys if key[1] > after), key=lambda key: key[1])


def as_they_come(store: Store, wanted: Wanted) -> Iterator[Record]:
    """The records that arrive from now on, for ever; those of one look in the order of ids."""
    return _arriving(store, wanted, times.iso(times.now()))


def _arriving(store: Store, wanted: Wanted, started: str) -> Iterator[Record]:
    seen: set[str] = set()
    look_wide_at = 0.0
    while True:
        looked_at = time.monotonic()
        if looked_at >= look_wide_at:
            found = list(_wide_look(store, wanted))
            look_wide_at = time.monotonic() + _PATIENCE * (time.monotonic() - looked_at)
        else:
            recent = Window(times.compact(times.now() - _LATE))
            found = list(newest_first(store, replace(wanted, window=recent)))
        new = [each for each in found if each.received_at >= started and each.id not in seen]
        seen.update(record.id for record in new)
        yield from sorted(new, key=lambda record: record.id)
        time.sleep(_POLL_SECONDS)


def _wide_look(store: Store, wanted: Wanted) -> Iterator[Record]:
    if wanted.subject:
        return newest_first(store, wanted)
    around = _around_today()
    others = [day for day in store.days(wanted.cluster) if day not in around][:_OTHER_DAYS]
    found = itertools.chain.from_iterable(
        store.feed(wanted.cluster, day) for day in (*around, *others)
    )
    return filter(wanted.matches, found)


def _feed(store: Store, wanted: Wanted) -> Iterator[Record]:
    for day in _days(store, wanted):
        yield from store.feed(wanted.cluster, day, wanted.window)


def _days(store: Store, wanted: Wanted) -> list[str]:
    """The days that have records, newest first. Those around today are looked at even if fan-out,
    which notes the days, has fallen behind.
    """
    days = sorted({*store.days(wanted.cluster), *_around_today()}, reverse=True)
    window = wanted.window
    if window == EVERYTHING:
        return days
    return [day for day in days if _touches(day, window)]


def _touches(day: str, window: Window) -> bool:
    compact = day.replace("-", "")
    return window.since[:8] <= compact <= window.last[:8]


def _around_today() -> list[str]:
    today = datetime.now(UTC).date()
    return [(today + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]
