"""Lives: the instances of an app or pod as their events show them. Pure.

One failure is two or three events, a kill that was asked for may end in "failed", and a health
result can come after the end of its task. So whatever counts or judges goes by lives: how many
failed, what is still bad, what has recovered. The same lives come from the events in any order,
doubled, and with either of two companions (the task's event, the instance's) left out.

The scheduler is treated alike: while it is connected to Mesos it lives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple

from chalicelib.marathon import ids
from chalicelib.marathon.plans import ENDS
from chalicelib.marathon.severity import BAD
from chalicelib.records.record import Record

_LAUNCHING = {"TASK_STAGING", "TASK_STARTING", "Provisioned", "Staging", "Starting"}
_RUNNING = {"TASK_RUNNING", "Running"}
_KILLING = {"TASK_KILLING", "Killing"}
_MISSING = {"TASK_UNREACHABLE", "Unreachable", "UnreachableInactive"}
_KILLED = {"TASK_KILLED", "Killed"}
_FINISHED = {"TASK_FINISHED", "Finished"}
_FAILED = {"TASK_FAILED", "Failed"}
_BY_OPERATOR = {"TASK_GONE_BY_OPERATOR"}
# Mesos lost sight of it. Before 1.4 that is also what Marathon says of an agent that comes back.
_LOST = {"TASK_LOST", "TASK_UNKNOWN", "TASK_GONE", "TASK_DROPPED", "Gone", "Unknown", "Dropped"}
_ENDS = _KILLED | _FINISHED | _FAILED | _BY_OPERATOR | _LOST | {"TASK_ERROR", "Error"}

_TASK_EVENTS = ("status_update_event", "instance_changed_event")
_CHECK_EVENTS = ("failed_health_check_event",)
_HEALTH_EVENTS = ("health_status_changed_event", "instance_health_changed_event")
_HEALTH_KILLS = ("unhealthy_task_kill_event", "unhealthy_instance_kill_event")
_DELETED = "app_terminated_event"
_DISCONNECTED = "scheduler_disconnected_event"
_CONNECTED = ("scheduler_registered_event", "scheduler_reregistered_event")

# What a process that is asked to end says at its end: signal 15, as status or in words; or
# signal 9, which also ends what takes too much memory.
_TERMINATED = ("status 143", "signal terminated")
_KILLED_BY_SIGNAL = ("status 137", "signal killed")

# An instance with a reservation comes back under its id, but not at once; what comes sooner is the
# companion of an earlier event.
_BACK_AFTER = timedelta(seconds=1)
# Events of kills that a deployment asked for may come a little after its end.
_ASKED_UNTIL = timedelta(minutes=1)
# Marathon kills what does not run in time (``task_launch_timeout``, 5 minutes by default). Somebody
# who kills a task by hand seldom waits that long.
_LAUNCH_TIMEOUT = timedelta(minutes=2)


Way = Literal["failed", "finished", "unhealthy", "never ran", "lost", "error", "disconnected"]


class Span(NamedTuple):
    """From when to when a deployment ran; ``end`` is None while it may run. ``heard``: when its
    newest event was.
    """

    id: str
    begin: datetime
    end: datetime | None
    succeeded: bool
    heard: datetime


@dataclass(frozen=True, slots=True)
class Life:
    """One instance. Each field is the record that showed it, None if none did.

    ``first``: its first sign. ``launched``, ``ran``: it was launched, it ran. ``unhealthy``: since
    then it fails its checks. ``check``: the newest failed check. ``killed_for_health``: Marathon
    says that it kills it for that. ``missing``: since then it is unreachable. ``asked``: it was
    asked to end. ``end``: it ended. ``failed``: it ended, or went missing for good, unasked.
    ``recovered``: it was found healthy, or reachable, again.
    """

    first: Record
    launched: Record | None = None
    ran: Record | None = None
    unhealthy: Record | None = None
    check: Record | None = None
    killed_for_health: Record | None = None
    missing: Record | None = None
    asked: Record | None = None
    end: Record | None = None
    failed: bool = False
    recovered: Record | None = None

    @property
    def runs(self) -> bool:
        """Whether it runs, as far as anybody knows."""
        return self.ran is not None and self.end is None and self.missing is None

    @property
    def failure(self) -> Record:
        """The record of the failure of a life that failed."""
        if self.missing and self.end and self.end.status in _KILLED:
            return self.missing
        return self.end or self.first

    @property
    def way(self) -> Way:
        """How a life that failed ended."""
        end = self.end
        if end is None or end.type == _DISCONNECTED:
            return "lost" if end is None else "disconnected"
        if self.missing or end.status in _LOST:
            return "lost"
        if self.killed_for_health or (end.status in _KILLED and self.unhealthy):
            return "unhealthy"
        if end.status in _KILLED:
            return "never ran"
        if end.status in _FINISHED:
            return "finished"
        return "failed" if end.status in _FAILED else "error"

    @property
    def host(self) -> str | None:
        """Where it was."""
        rows = (self.end, self.missing, self.killed_for_health, self.ran, self.launched, self.first)
        return next((each.host for each in rows if each and each.host), None)


@dataclass(frozen=True)
class History:
    """What became of one subject. ``lives``: in the order of their first signs. ``deleted``: the
    app was deleted then. ``defined``: its newest definition, which wants so many instances
    (``wanted``; None if nobody knows). ``waiting``: a relay says that instances wait for offers;
    ``launched``: that they wait no more.
    """

    lives: tuple[Life, ...]
    deployments: tuple[Span, ...] = ()
    deleted: Record | None = None
    defined: Record | None = None
    wanted: int | None = None
    waiting: Record | None = None
    launched: Record | None = None

    @cached_property
    def failures(self) -> tuple[Life, ...]:
        """The lives that failed, in the order of their failures."""
        failed = (each for each in self.lives if each.failed)
        return tuple(sorted(failed, key=lambda each: (each.failure.heard, each.failure.id)))

    @cached_property
    def replaced(self) -> dict[str, datetime]:
        """By the ids of the records of failures: when a life ran in the place of each."""
        return _replaced([each.failure for each in self.failures], self.lives)

    @cached_property
    def missing(self) -> tuple[Life, ...]:
        """The lives that are unreachable, and that no other has replaced."""
        found = self.missing_replaced
        return tuple(e for e in self._away if e.missing and e.missing.id not in found)

    @cached_property
    def missing_replaced(self) -> dict[str, datetime]:
        """By the ids of the records of lives that are unreachable: when another one ran instead."""
        return _replaced([each.missing for each in self._away if each.missing], self.lives)

    @property
    def _away(self) -> list[Life]:
        return [each for each in self.lives if each.missing and not each.end and not each.failed]

    @cached_property
    def unhealthy(self) -> tuple[Life, ...]:
        """The lives that fail their checks."""
        return tuple(
            each
            for each in self.lives
            if each.unhealthy and not each.end and not each.asked and not each.missing
        )

    @cached_property
    def running(self) -> tuple[Life, ...]:
        """The lives that run, the one that has run for the longest time first."""
        found = (each for each in self.lives if each.runs and not each.asked)
        return tuple(sorted(found, key=lambda each: each.ran.heard if each.ran else _NEVER))

    @cached_property
    def stopped(self) -> Record | None:
        """The record that shows that the app is meant not to run; None if it is meant to run."""
        alive = [each for each in self.lives if not each.end and not each.asked]
        newest = max((each.first.time for each in alive), default=_NEVER)
        emptied = self.defined if self.wanted == 0 else None
        signs = [each for each in (self.deleted, emptied) if each and each.time >= newest]
        if signs:
            return signs[-1]
        ended = [each for each in self.lives if each.end or each.asked]
        last = max(
            ended, key=lambda each: (each.end or each.asked or each.first).time, default=None
        )
        if alive or self.wanted or last is None or last.failed:
            return None
        return last.end or last.asked

    def succeeded_since(self, time: datetime) -> bool:
        """Whether a deployment that ended after that time succeeded: then as many run as should."""
        return any(each.succeeded and each.end and each.end > time for each in self.deployments)


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00Z")


def history(records: Iterable[Record], sizes: Mapping[str, int] = MappingProxyType({})) -> History:
    """What the records of one subject show, among them pointers to deployments. ``sizes``: how many
    instances the definitions among them want, by their ids.
    """
    once = {each.id: each for each in records}.values()
    rows = sorted(once, key=lambda each: (each.time, _rank(each), each.id))
    spans = _deployments(rows)
    lives = [_judged(each, spans) for each in _lives(rows)]
    deleted = next((each for each in reversed(rows) if each.type == _DELETED), None)
    if deleted:
        lives = [_ended_with(each, deleted) for each in lives]
    defined = next((each for each in reversed(rows) if each.type == "api_post_event"), None)
    waiting = next((each for each in reversed(rows) if each.type == "relay_waiting"), None)
    return History(
        tuple(lives),
        spans,
        deleted,
        defined,
        sizes.get(defined.id) if defined else None,
        waiting if waiting and waiting.severity in BAD else None,
        waiting if waiting and waiting.severity not in BAD else None,
    )


def key(record: Record) -> str:
    """What the records of one life have in common; empty for a record of no life."""
    if record.type in (_DISCONNECTED, *_CONNECTED):
        return "scheduler"
    if record.type not in (*_TASK_EVENTS, *_CHECK_EVENTS, *_HEALTH_EVENTS, *_HEALTH_KILLS):
        return ""
    id_ = record.instance or record.task
    return ids.life_of(id_) if id_ else ""


def _rank(record: Record) -> int:
    """The order of what happens to one life within a millisecond."""
    status = record.status or ""
    if status in _ENDS or record.type == _DISCONNECTED:
        return 4
    if status in _KILLING or status in _MISSING:
        return 3
    if record.type in (*_CHECK_EVENTS, *_HEALTH_EVENTS, *_HEALTH_KILLS):
        return 2
    return 1 if status in _RUNNING else 0


@dataclass
class _Draft:
    """A life while its records are read in order. ``verdict``: the newest word on the health of the
    whole instance, which counts more than that on one check.
    """

    life: Life
    verdict: bool | None = None
    by_operator: bool = False


def _lives(rows: Sequence[Record]) -> list[_Draft]:
    drafts: list[_Draft] = []
    newest: dict[str, _Draft] = {}
    for row in rows:
        name = key(row)
        if not name:
            continue
        draft = newest.get(name)
        if draft is None or _begins_again(draft.life, row):
            draft = newest[name] = _Draft(Life(row))
            drafts.append(draft)
        _take(draft, row)
    return drafts


def _begins_again(life: Life, row: Record) -> bool:
    """Whether an instance that ended comes back: one with a reservation, or the scheduler."""
    if not life.end:
        return False
    if row.type in _CONNECTED:
        return True
    if row.time - life.end.time < _BACK_AFTER:
        return False
    if row.status in _RUNNING and life.end.status in _LOST:
        return False  # it was not lost after all
    return row.status in _LAUNCHING or row.status in _RUNNING


def _take(draft: _Draft, row: Record) -> None:
    life = draft.life
    if life.end:
        _take_late(draft, row)
    elif row.type in _HEALTH_EVENTS:
        _take_health(draft, row)
    elif row.type in _CHECK_EVENTS:
        failing = draft.verdict is not True and not life.asked
        draft.life = replace(
            life, check=row, unhealthy=life.unhealthy or (row if failing else None)
        )
    elif row.type in _HEALTH_KILLS:
        draft.life = replace(life, killed_for_health=row)
    elif row.type in _CONNECTED or row.status in _RUNNING:
        back = row if life.missing else life.recovered
        draft.life = replace(life, ran=life.ran or row, missing=None, recovered=back)
    elif row.status in _LAUNCHING:
        draft.life = replace(life, launched=life.launched or row)
    elif row.status in _KILLING:
        draft.life = replace(life, asked=life.asked or row)
    elif row.status in _MISSING:
        draft.life = replace(life, missing=life.missing or row)
    elif row.status in _ENDS or row.type == _DISCONNECTED:
        draft.life = replace(life, end=row)
        draft.by_operator = row.status in _BY_OPERATOR


def _take_late(draft: _Draft, row: Record) -> None:
    """What comes about a life after its end is about nothing, but for its end in a companion event,
    and for one that was only lost.
    """
    life = draft.life
    if row.status in _RUNNING and life.end and life.end.status in _LOST:
        draft.life = replace(life, end=None, missing=None, ran=life.ran or row, recovered=row)
    elif row.status in _ENDS and life.end:
        draft.by_operator = draft.by_operator or row.status in _BY_OPERATOR
        if life.end.type != "status_update_event" and row.type == "status_update_event":
            draft.life = replace(life, end=row)  # it has Mesos' words


def _take_health(draft: _Draft, row: Record) -> None:
    life = draft.life
    healthy = {"notice": True, "warning": False}.get(row.severity)
    whole = row.type == "instance_health_changed_event"
    if whole or draft.verdict is None:
        if healthy is True:
            back = row if life.unhealthy else life.recovered
            draft.life = replace(life, unhealthy=None, ran=life.ran or row, recovered=back)
        elif healthy is False and not life.asked:
            draft.life = replace(life, unhealthy=life.unhealthy or row)
    if whole and healthy is not None:
        draft.verdict = healthy


def _judged(draft: _Draft, spans: Sequence[Span]) -> Life:
    life = draft.life
    if life.end is None:
        return life
    if draft.by_operator or _was_asked(life, life.end, spans):
        return replace(life, asked=life.asked or life.end)
    return replace(life, failed=True)


def _was_asked(life: Life, end: Record, spans: Sequence[Span]) -> bool:
    """Whether the end of a life was asked for: by a deployment or a scale-down, an operator, or
    whoever else had it killed; not if it was killed for its health, or since it did not run in
    time.
    """
    if life.killed_for_health:
        return False
    replaced = _is_replaced_by_plan(life, end, spans)
    if end.status in _KILLED or life.asked:
        if life.missing:
            return False  # it was given up
        unwell = life.unhealthy is not None or _never_ran_in_time(life, life.asked or end)
        return replaced or not unwell
    if end.status in _FINISHED:
        return replaced
    said = end.title.lower()
    words = _TERMINATED if life.first is end else (*_TERMINATED, *_KILLED_BY_SIGNAL)
    return replaced and end.status in _FAILED and any(each in said for each in words)


def _never_ran_in_time(life: Life, end: Record) -> bool:
    return (
        life.ran is None
        and life.launched is not None
        and end.time - life.launched.time >= _LAUNCH_TIMEOUT
    )


def _is_replaced_by_plan(life: Life, end: Record, spans: Sequence[Span]) -> bool:
    """Whether a deployment that began after a life did was running at its end."""
    known = life.first if life.first is not end and life.first is not life.asked else None
    return any(
        (known is None or known.time <= each.begin)
        and each.begin <= end.time
        and (each.end is None or end.time <= each.end + _ASKED_UNTIL)
        for each in spans
    )


def _ended_with(life: Life, deleted: Record) -> Life:
    """A life that began before its app was deleted, and of whose end nothing else is known."""
    if life.end or life.first.time > deleted.time:
        return life
    return replace(life, asked=life.asked or deleted, end=deleted)


def _deployments(rows: Sequence[Record]) -> tuple[Span, ...]:
    """Those that touched the subject. One that both failed and succeeded was cancelled."""
    found: dict[str, list[Record]] = {}
    for row in rows:
        if row.deployment:
            found.setdefault(row.deployment, []).append(row)
    return tuple(
        Span(
            id_,
            own[0].time,
            max((each.time for each in own if each.type in ENDS), default=None),
            {each.type for each in own if each.type in ENDS} == {"deployment_success"},
            max(each.heard for each in own),
        )
        for id_, own in found.items()
    )


def _replaced(failures: Sequence[Record], lives: Sequence[Life]) -> dict[str, datetime]:
    """When another life ran in the place of each failure; each life can replace one. The failures
    are in order.
    """
    running = iter(sorted((each.ran.heard, each.ran.id) for each in lives if each.ran))
    found: dict[str, datetime] = {}
    for failure in failures:
        ran = next((heard for heard, _ in running if heard >= failure.heard), None)
        if ran is None:
            break
        found[failure.id] = ran
    return found
