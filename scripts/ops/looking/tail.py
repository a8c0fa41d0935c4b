"""Records as they come."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.records.record import Record
from chalicelib.services.store import Store, Window
from chalicelib.services.tokens import CLOCK_SKEW

_POLL_SECONDS = 1.0

# Events carry the time at which Marathon made them, and may come late: through the spill queue, or
# from a Marathon whose clock is off. So each query goes this far back. A wide query, at intervals
# of 20 times its own duration, reads the days around today and the newest other days.
_LATE = timedelta(minutes=15)
_OTHER_DAYS = 3
_WIDE_INTERVAL = 20


def as_they_come(store: Store, wanted: Wanted, since: datetime | None = None) -> Iterator[Record]:
    """The records that arrive from now on, for ever; those of one look in the order of ids.
    ``since``: those come first that are as new, in the order of time.
    """
    # This machine's clock and Lambda's differ. So old records are recognized by their ids, not by
    # their time.
    seen = {record.id for record in _wide_look(store, wanted)}
    started = times.iso(times.now() - CLOCK_SKEW)
    recent = replace(wanted, window=Window.between(since)) if since else None
    before = sorted(history.newest_first(store, recent), key=_id) if recent else []
    seen.update(record.id for record in before)
    return itertools.chain(before, _arriving(store, wanted, seen, started))


def _arriving(store: Store, wanted: Wanted, seen: set[str], started: str) -> Iterator[Record]:
    look_wide_at = 0.0
    while True:
        looked_at = time.monotonic()
        if looked_at >= look_wide_at:
            found = list(_wide_look(store, wanted))
            look_wide_at = time.monotonic() + _WIDE_INTERVAL * (time.monotonic() - looked_at)
        else:
            recent = Window.between(times.now() - _LATE)
            found = list(history.newest_first(store, replace(wanted, window=recent)))
        new = [each for each in found if each.received_at >= started and each.id not in seen]
        seen.update(record.id for record in new)
        yield from sorted(new, key=_id)
        time.sleep(_POLL_SECONDS)


def _wide_look(store: Store, wanted: Wanted) -> Iterator[Record]:
    if wanted.subjects:
        return history.newest_first(store, wanted)
    feeds = (
        store.feed(cluster, day)
        for cluster in wanted.clusters
        for day in _newest_days(store, cluster)
    )
    return filter(wanted.matches, itertools.chain.from_iterable(feeds))


def _id(record: Record) -> str:
    return record.id


def _newest_days(store: Store, cluster: str) -> list[str]:
    around = history.around_today()
    others = [day for day in store.days(cluster) if day not in around]
    return [*around, *others[:_OTHER_DAYS]]
