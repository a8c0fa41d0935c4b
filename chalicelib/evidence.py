"""What is read of an incident before people are notified: no more than a bounded part."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib import history, story, times
from chalicelib.marathon.models import (
    ApiPostEvent,
    Definition,
    Event,
    RelayWaiting,
    StatusUpdateEvent,
    UnhealthyTaskKillEvent,
)
from chalicelib.marathon.reading import event
from chalicelib.marathon.subjects import known
from chalicelib.marathon.waiting import why
from chalicelib.records import items, lives
from chalicelib.records.alert import Facts
from chalicelib.records.condition import Condition, condition
from chalicelib.records.deployment import REPLACED_WITHIN
from chalicelib.records.deployment import Facts as Deployment
from chalicelib.records.incident import Incident
from chalicelib.records.lives import History
from chalicelib.records.record import Record
from chalicelib.records.story import Story
from chalicelib.records.timing import Timing
from chalicelib.services.store import Store, Window
from chalicelib.text import clip

# How many records are read at most: of one incident, and to find one deployment.
MOST_ROWS = 5_000
MOST_NEAR = 500
_MOST_APPS = 25
_MOST_ROWS_OF_AN_APP = 1_000  # where many apps are read
# So many deployments are read whole, to find all their apps.
_MOST_WHOLE = 10
_PAGE = 500

# Definitions are read for the number of instances that they want; larger ones than this are not.
_DEFINITIONS = ("api_post_event",)
_MOST_DEFINITION_BYTES = 200_000


@dataclass
class Budget:
    """For how long one look may read. What is left over then waits for the next look."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def is_spent(self) -> bool:
        """Whether nothing more should be begun."""
        return self.clock() >= self._end

    def share(self, parts: int) -> "Budget":
        """One of so many equal parts of what is left."""
        return Budget(max(0.0, self._end - self.clock()) / parts, self.clock)


@dataclass(frozen=True)
class Rows:
    """The records of one subject, with the deployments that touched it. ``complete``: False if
    there are even more, earlier.
    """

    history: History
    complete: bool


def read(store: Store, cluster: str, subject: str, since: datetime, most: int = MOST_ROWS) -> Rows:
    """The lives of an app, a pod or the scheduler since then."""
    found: list[Record] = []
    window = Window(times.compact(since))
    for each in _subjects(subject):
        rows = store.timeline(cluster, each, window, _PAGE, bodies=_DEFINITIONS)
        found += itertools.islice(rows, most + 1)
    sizes = {each.id: size for each in found if (size := _size(each)) is not None}
    kept = [replace(each, body=b"") if each.body else each for each in found[:most]]
    return Rows(lives.history(kept, sizes), len(found) <= most)


def _subjects(subject: str) -> tuple[str, ...]:
    """A path is an app's or a pod's, and many events do not say which."""
    kind, _, path = subject.partition(":")
    return history.subjects_of_path(path) if kind in ("app", "pod") else (subject,)


def of_subject(
    store: Store, incident: Incident, now: datetime, timing: Timing
) -> tuple[Condition, Rows]:
    """What is wrong with an app, a pod or the scheduler now."""
    # Rows are found by their own times, and judged by when they came.
    began = min(incident.began, incident.opened_at or incident.last)
    rows = read(
        store,
        incident.cluster,
        incident.subject,
        began - timing.relapses_within - timing.cause_within,
    )
    since = (incident.opened_at or incident.last) - timing.relapses_within
    since = min(since, now - timing.relapses_within)
    return condition(rows.history, since, now, timing, incident.opened_at), rows


def newest(store: Store, incident: Incident) -> str:
    """The id of the newest record of an app, a pod or the scheduler; empty if there is none. It
    costs next to nothing.
    """
    found = (
        next(store.timeline(incident.cluster, each, page=1), None)
        for each in _subjects(incident.subject)
    )
    return max((each.id for each in found if each), default="")


def facts(
    store: Store,
    incident: Incident,
    found: Condition,
    rows: Rows,
    now: datetime,
    timing: Timing,
) -> Facts:
    """What a message about an app, a pod or the scheduler says."""
    over = incident.resolved_at
    failures = tuple(e for e in found.failures if over is None or e.failure.heard > over)
    notified = incident.notified[-1] if incident.notified else None
    starts = [each.failure.time for each in failures]
    starts += [each.missing.time for each in found.unreachable if each.missing]
    starts += [each.unhealthy.time for each in found.unhealthy if each.unhealthy]
    first = min(starts, default=incident.began)
    last = max(starts, default=incident.last)
    shown = [*reversed(failures), *found.unreachable, *found.unhealthy]
    newest = shown[0] if shown else None
    kill = newest.killed_for_health if newest else None
    check = newest.check if newest and (kill or newest.unhealthy) else None
    return Facts(
        since=first,
        last=last,
        condition=found,
        failures=failures,
        complete=rows.complete,
        fresh=sum(1 for e in failures if notified and e.failure.heard > notified),
        message=_message(store, newest.end if newest else None),
        check=check.title if check else "",
        reason=_reason(store, kill),
        before=deployment_before(store, incident, first, timing),
        stuck=_stuck(store, incident, rows.history, now, timing),
        why=_why(store, found.waiting, rows.history),
        host=_host(found, failures),
        apps=(incident.path,) if incident.path else (),
    )


def of_deployment(
    store: Store,
    incident: Incident,
    deployment: Story,
    now: datetime,
    timing: Timing,
    *,
    stands_still: bool,
) -> Facts:
    """What a message about a deployment says, with what the lives of its apps did meanwhile."""
    since = deployment.started_at or incident.began
    apps = deployment.apps[:_MOST_APPS]
    most = MOST_ROWS if len(apps) == 1 else _MOST_ROWS_OF_AN_APP
    found = [read(store, incident.cluster, f"app:{app}", since, most).history for app in apps]
    failures = sorted(
        (life for each in found for life in each.failures if life.failure.time >= since),
        key=lambda life: life.failure.heard,
    )
    waiting = next((each for each in found if each.waiting), None)
    first = next((each for each in found if each.unhealthy or each.running), None)
    shown = first or next(iter(found), None)
    return Facts(
        since=(last_moved(deployment) or since) if stands_still else since,
        last=now if stands_still else deployment.ended_at or incident.last,
        condition=condition(shown, since, now, timing) if shown else None,
        failures=tuple(failures),
        message=_message(store, failures[-1].end if failures else None),
        why=_why(store, waiting.waiting, waiting) if waiting else "",
        story=deployment,
        stands_still=stands_still,
        apps=tuple(deployment.apps),
    )


def last_moved(deployment: Story) -> datetime | None:
    """When a step of a deployment began or ended last."""
    moved = [each for step in deployment.steps for each in (step.started_at, step.ended_at) if each]
    return max(moved, default=deployment.started_at)


def followers(store: Store, deployment: Story, until: datetime) -> list[str]:
    """The ids of the deployments of its apps that began at about its end or later, oldest first."""
    if deployment.ended_at is None:
        return []
    window = Window.between(deployment.ended_at - REPLACED_WITHIN, until)
    found = itertools.islice(store.deployments(deployment.cluster, window, _PAGE), MOST_ROWS)
    later = [each for _, each in found if isinstance(each, Deployment) and each.id != deployment.id]
    apps = set(deployment.apps)
    in_part = [each for each in reversed(later) if apps.isdisjoint(each.apps) and each.apps_omitted]
    read_whole = {each.id for each in in_part[:_MOST_WHOLE] if _touches(store, deployment, each.id)}
    return [
        each.id
        for each in reversed(later)
        if each.id in read_whole or not apps.isdisjoint(each.apps)
    ]


def _touches(store: Store, deployment: Story, other: str) -> bool:
    whole = story.of_deployment(store, deployment.cluster, other)
    return whole is not None and not set(deployment.apps).isdisjoint(whole.apps)


def newest_came(store: Store, cluster: str, now: datetime) -> datetime | None:
    """When the newest event of a cluster came; None if none ever did. One read where events have
    come today.
    """
    for day in (now.date(), now.date() - timedelta(days=1)):
        rows = itertools.islice(store.feed(cluster, day.isoformat(), page=_PAGE), _PAGE)
        if came := max((each.received_at for each in rows), default=None):
            return times.from_iso(came)
    newest = history.newest_received(store, cluster)
    return times.from_iso(newest.received_at) if newest else None


def deployment_before(
    store: Store, incident: Incident, since: datetime, timing: Timing
) -> Story | None:
    """The deployment that touched the app last before its incident began."""
    if not incident.path:
        return None
    window = Window.between(since - timing.cause_within, since)
    rows = store.timeline(incident.cluster, clip(f"app:{incident.path}"), window, _PAGE)
    near = (each.deployment for each in itertools.islice(rows, MOST_NEAR))
    id_ = next(filter(None, near), None)
    return story.of_deployment(store, incident.cluster, id_) if id_ else None


def _stuck(
    store: Store, incident: Incident, found: History, now: datetime, timing: Timing
) -> Story | None:
    """A deployment of the app that stands still."""
    running = [each for each in found.deployments if each.end is None]
    if not running or not timing.stuck:
        return None
    if now - running[-1].heard < timing.stuck:
        return None
    deployment = story.of_deployment(store, incident.cluster, running[-1].id)
    return deployment if deployment and deployment.state == "running" else None


def _size(record: Record) -> int | None:
    if not record.body or len(record.body) > _MOST_DEFINITION_BYTES:
        return None
    made = event(record.body)
    size = (made.appDefinition or {}).get("instances") if isinstance(made, ApiPostEvent) else None
    return size if isinstance(size, int) else None


def _body(store: Store, record: Record | None) -> Event | None:
    """The event of a record that was read without its body."""
    if record is None:
        return None
    try:
        whole = store.at(items.timeline_key(record.cluster, record.subject), record.id)
    except LookupError:  # a part of its body is gone
        return None
    return event(whole.body) if whole else None


def _message(store: Store, end: Record | None) -> str:
    """What Mesos said of a life's end; empty if it said nothing."""
    if end is None or end.type != "status_update_event":
        return ""
    made = _body(store, end)
    return made.message or "" if isinstance(made, StatusUpdateEvent) else ""


def _reason(store: Store, kill: Record | None) -> str:
    made = _body(store, kill)
    reason = made.reason if isinstance(made, UnhealthyTaskKillEvent) else None
    return known(reason) or ""


def _why(store: Store, waiting: Record | None, found: History) -> str:
    """Why nothing launches, as a relay has heard it."""
    made = _body(store, waiting)
    if not isinstance(made, RelayWaiting):
        return ""
    definition: Definition | None = None
    defined = _body(store, found.defined)
    if isinstance(defined, ApiPostEvent):
        definition = defined.appDefinition
    return why(made, definition, len(found.failures))


def _host(found: Condition, failures: tuple[lives.Life, ...]) -> str:
    """The one host of all that is wrong; empty if there are several."""
    shown = [*failures, *found.unreachable, *found.unhealthy]
    hosts = {each.host for each in shown if each.host}
    return hosts.pop() if len(hosts) == 1 else ""
