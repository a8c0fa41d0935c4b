"""What is read of an incident before people are told of it: no more than a bounded part."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from chalicelib import history, story, times
from chalicelib.marathon.models import StatusUpdateEvent
from chalicelib.marathon.reading import event
from chalicelib.marathon.severity import BAD
from chalicelib.records import alert, items
from chalicelib.records.alert import Facts
from chalicelib.records.deployment import REPLACED_WITHIN
from chalicelib.records.incident import Incident
from chalicelib.records.record import Record
from chalicelib.records.story import Story
from chalicelib.services.store import Store, Window
from chalicelib.text import clip

# How many records are read at most: about one incident, about many, to see whether a state is still
# bad, and to find a deployment.
MOST_ROWS = 10_000
MOST_BAD = 2_000
MOST_STATES = 200
_MOST_APPS = 25
_PAGE = 100

# In a message about an incident of more than a few months only the newest ones count.
_MOST_MONTHS = 3


def of_one(store: Store, incident: Incident, before: timedelta) -> Facts:
    """What a message about one incident says. ``before``: for how long before it a deployment may
    be its cause.
    """
    since = Window(_compact(incident.since))
    timeline = store.timeline(incident.cluster, incident.subject, since)
    rows = list(itertools.islice(timeline, MOST_ROWS + 1))
    return Facts(
        records=rows[:MOST_ROWS],
        complete=len(rows) <= MOST_ROWS,
        words=_last_words(store, rows),
        before=_deployment_before(store, incident, before),
    )


def of_many(store: Store, incidents: Sequence[Incident]) -> list[Record]:
    """The warnings and errors of a cluster while it had those incidents, newest first."""
    window = Window(
        _compact(min(each.since for each in incidents)),
        _compact(max(each.last for each in incidents)),
    )
    months = _months(window)
    rows = (
        record
        for month in months
        for record in store.bad(incidents[0].cluster, month, window, MOST_BAD)
    )
    return list(itertools.islice(rows, MOST_BAD))


def is_still_bad(store: Store, incident: Incident) -> bool:
    """Whether an incident is a state, such as a lost connection, that nothing has ended yet."""
    window = Window(_compact(incident.since))
    rows = store.timeline(incident.cluster, incident.subject, window, _PAGE)
    return alert.stands(list(itertools.islice(rows, MOST_STATES)))


def is_replaced(store: Store, told: Story) -> bool:
    """Whether another deployment has touched one of its apps since about its end."""
    if told.ended_at is None:
        return False
    since = times.compact(times.from_iso(told.ended_at) - REPLACED_WITHIN)
    subjects = [each for app in told.apps[:_MOST_APPS] for each in history.subjects_of_path(app)]
    rows = history.of_subjects(store, told.cluster, subjects, Window(since), _PAGE)
    return any(
        each.deployment not in (None, told.id) for each in itertools.islice(rows, MOST_STATES)
    )


def newest_came(store: Store, cluster: str, now: datetime) -> str | None:
    """When the newest event of a cluster came; None if none ever did. One read where events have
    come today.
    """
    for day in (now.date(), now.date() - timedelta(days=1)):
        rows = itertools.islice(store.feed(cluster, day.isoformat(), page=_PAGE), _PAGE)
        if came := max((each.received_at for each in rows), default=None):
            return came
    newest = history.newest_received(store, cluster)
    return newest.received_at if newest else None


def _last_words(store: Store, rows: Sequence[Record]) -> str:
    """What Mesos said of the task that ended badly last; empty if it said nothing."""
    bad = (r for r in rows if r.type == "status_update_event" and r.severity in BAD)
    newest = next(bad, None)
    if newest is None:
        return ""
    key = items.timeline_key(newest.cluster, newest.subject)
    try:
        whole = store.at(key, newest.id)
    except LookupError:  # a part of its body is gone
        return ""
    made = event(whole.body) if whole else None
    return made.message or "" if isinstance(made, StatusUpdateEvent) else ""


def _deployment_before(store: Store, incident: Incident, before: timedelta) -> Story | None:
    """The deployment that touched the app last before its incident began."""
    if not incident.path:
        return None
    since = times.compact(times.from_iso(incident.since) - before)
    window = Window(since, _compact(incident.since))
    rows = store.timeline(incident.cluster, clip(f"app:{incident.path}"), window, _PAGE)
    near: Iterator[str | None] = (each.deployment for each in itertools.islice(rows, MOST_STATES))
    id_ = next(filter(None, near), None)
    return story.tell(store, incident.cluster, id_) if id_ else None


def _months(window: Window) -> list[str]:
    first, last = items.month_of(window.since), items.month_of(window.until)
    year, month = (int(part) for part in last.split("-"))
    back = (divmod(year * 12 + month - 1 - n, 12) for n in range(_MOST_MONTHS))
    return [name for y, m in back if (name := f"{y:04d}-{m + 1:02d}") >= first]


def _compact(time: str) -> str:
    return times.compact(times.from_iso(time))
