"""The story of a deployment, made of its records. Pure: ``chalicelib/story.py`` reads them.

It survives events that are missing, doubled, or in another order than they were made. A new leader
runs a deployment again from its first step, under the same id. Before 0.10.0 the end names no plan;
light plans (1.5.9+) have no definitions; and a cancelled deployment may leave its step open.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field as ModelField

from chalicelib.marathon import models, plans
from chalicelib.marathon.masking import mask_text
from chalicelib.marathon.models import Definition
from chalicelib.marathon.plans import ENDS
from chalicelib.marathon.reading import event
from chalicelib.marathon.severity import BAD
from chalicelib.marathon.subjects import known
from chalicelib.records.changes import Field, changed_fields
from chalicelib.records.deployment import (
    REPLACED_WITHIN,
    REQUESTED_WITHIN,
    REQUESTS,
    State,
    ended,
    failure,
    version_of,
)
from chalicelib.records.lives import history
from chalicelib.records.record import MAX_APPS, Record
from chalicelib.records.summary import Absent, Answer, Moment, Summary
from chalicelib.text import clip

StepState = Literal["waiting", "running", "succeeded", "failed", "unknown"]

_GROUP_CHANGES = ("group_change_success", "group_change_failed")
READ_WHOLE = (*REQUESTS, *_GROUP_CHANGES)
"""The types of the records around a deployment whose bodies are needed."""

# A plan is the same in all events of its deployment, but some lack it or its definitions. So a few
# of the first and of the last are read for it.
_PLANS_READ = 3

# Tasks may be heard of a little after the end of the deployment that moved them.
_HEARD_AFTER = timedelta(seconds=2)


class Action(Answer):
    """What a step does with one app or pod. ``from``, ``to``: numbers of instances."""

    action: str
    app: str | Absent = None
    from_: int | Absent = ModelField(None, alias="from")
    to: int | Absent = None


class Step(Answer):
    """A step of the plan; its actions run side by side. Times are those of its events."""

    number: int
    actions: list[Action]
    state: StepState
    started_at: Moment | Absent = None
    ended_at: Moment | Absent = None
    seconds: float | Absent = None


class Change(Answer):
    """What a deployment changed in the definition of an app or pod."""

    app: str
    fields: list[Field]


class Story(Answer):
    """What one deployment was. ``started_by``: the address that asked for it. ``reason``: why it
    failed, in Marathon's words. ``changes``: of those apps whose definitions are known before and
    after. ``failures``: the failures of its apps' instances, one record for each. ``events``:
    oldest first. ``waiting``: while it runs, which of its instances wait for offers, and why, as a
    relay says. ``omitted``: how many of the last of each list are left out of too large an answer.
    """

    id: str
    cluster: str
    state: State
    apps: list[str]
    started_at: Moment | Absent = None
    ended_at: Moment | Absent = None
    seconds: float | Absent = None
    started_by: str | Absent = None
    reason: str | Absent = None
    waiting: list[str] | Absent = None
    steps: list[Step]
    changes: list[Change]
    failures: list[Summary]
    events: list[Summary]
    omitted: dict[str, int] | Absent = None


class Running(Answer):
    """A deployment that has not ended: it is at ``step`` of ``steps``. ``apps``: the first of them,
    if there are many. ``stuck_since``: if it stands still, since then no step began or ended.
    """

    id: str
    apps: list[str]
    started_at: Moment
    step: int | Absent = None
    steps: int | Absent = None
    stuck_since: Moment | Absent = None


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """A record whose body could be read, and the event in it."""

    record: Record
    event: models.Event


@dataclass
class Case:
    """All that is known of a deployment. ``own``: its records, with bodies. ``around``: those of
    its apps and their groups at about that time, with the bodies of requests and group changes.
    ``earlier``: definitions before it, by path, if its plan has none. These two are found by means
    of the former, so they are set later; each body is read once.
    """

    cluster: str
    id: str
    own: Sequence[Record]
    around: Sequence[Record] = ()
    earlier: Mapping[str, Definition] | None = None

    @functools.cached_property
    def parsed(self) -> list[ParsedEvent]:
        """Its own events, oldest first, each once, without their plans."""
        return _parsed(self.own, without="plan")

    @functools.cached_property
    def plan(self) -> models.Plan | None:
        """Its plan, with definitions if any of its events has them."""
        whole = sorted((each for each in self.own if each.body), key=lambda each: each.id)
        made = (each.event for each in _parsed([*whole[:_PLANS_READ], *whole[-_PLANS_READ:]]))
        found = [
            each.plan
            for each in made
            if isinstance(each, models.DeploymentStepEvent | models.DeploymentSuccess) and each.plan
        ]
        return max(found, key=lambda plan: (bool(plan.target), bool(plan.steps)), default=None)

    @functools.cached_property
    def version(self) -> str | None:
        """The version of its plan, which requests and group changes of the same have too."""
        return known(self.plan.version) if self.plan else None

    @functools.cached_property
    def apps(self) -> list[str]:
        """The paths of its apps and pods, in the plan's order."""
        named = (app for each in self.parsed for app in each.record.apps)
        # They are stored with its incident, so they must be as they can be stored.
        return list(dict.fromkeys(map(clip, (*plans.touched(self.plan), *named))))

    @functools.cached_property
    def end(self) -> Record | None:
        """The record of its end."""
        ends = (each for each in self.own if each.type in ENDS)
        return max(ends, key=lambda each: each.id, default=None)

    @functools.cached_property
    def begin(self) -> Record | None:
        """Its first record."""
        return min(self.own, key=lambda each: each.id, default=None)

    @functools.cached_property
    def requests(self) -> list[ParsedEvent]:
        """The requests that led to it: those of its version. Where a version is not known, those
        for its apps shortly before it, unless another deployment began in between: a rollback has
        no request, and the one next to it in time is somebody else's.
        """
        found = [each for each in _parsed(self.around) if self._asks_for_it(each)]
        same = [
            each
            for each in found
            if self.version and self.version == version_of(each.event, each.record.time)
        ]
        begin = self.begin.id if self.begin else ""
        return same or [
            each
            for each in found
            if not (self.version and version_of(each.event, each.record.time))
            and not any(each.record.id < other.id < begin for other in self.others)
        ]

    @functools.cached_property
    def others(self) -> list[Record]:
        """The records by which other deployments of its apps began."""
        return [
            each
            for each in self.around
            if each.type == "deployment_info" and each.deployment not in (None, self.id)
        ]

    def is_near(self, time: datetime) -> bool:
        """Whether the event of its request may have come at that time."""
        return self.begin is not None and abs(time - self.begin.time) <= REQUESTED_WITHIN

    def _asks_for_it(self, each: ParsedEvent) -> bool:
        asks = isinstance(each.event, models.ApiPostEvent | models.PodEvent)
        about_it = not set(each.record.touched).isdisjoint(self.apps)
        return asks and about_it and self.is_near(each.record.time)


def build(case: Case) -> Story:
    """The story of a deployment."""
    belonging = {each.id: each for each in (*case.own, *case.around) if _belongs(each, case)}
    events = [belonging[id_] for id_ in sorted(belonging)]
    begin = case.begin.time if case.begin else None
    end = case.end.time if case.end else None
    state = _state(case)
    return Story(
        id=case.id,
        cluster=case.cluster,
        state=state,
        apps=case.apps,
        started_at=begin,
        ended_at=end,
        seconds=_seconds(begin, end),
        started_by=_started_by(case),
        reason=_reason(case),
        waiting=_waiting(case) if state == "running" else None,
        steps=_steps(case, state),
        changes=_changes(case),
        failures=[_summary(each) for each in _failures(case)],
        events=[_summary(each) for each in events],
    )


def running(case: Case) -> Running | None:
    """How far a deployment is; None if it has ended, or if nothing is known of it."""
    if case.end or not case.begin:
        return None
    steps = case.plan.steps if case.plan and case.plan.steps else []
    return Running(
        id=case.id,
        apps=case.apps[:MAX_APPS],
        started_at=case.begin.time,
        step=max(_numbered(case.parsed, steps), default=None),
        steps=len(steps) or None,
    )


def _parsed(records: Iterable[Record], without: str = "") -> list[ParsedEvent]:
    once = {record.id: record for record in records if record.body}
    read = ((once[id_], event(once[id_].body, without=without)) for id_ in sorted(once))
    return [ParsedEvent(record, made) for record, made in read if made]


def _belongs(record: Record, case: Case) -> bool:
    """Whether a record of about that time is a part of the story."""
    if record.deployment is not None:
        return record.deployment == case.id
    if record.type in REQUESTS:
        return any(record.id == each.record.id for each in case.requests)
    if record.type in _GROUP_CHANGES:
        made = event(record.body)
        same = isinstance(made, models.GroupChangeSuccess) and made.version == case.version
        return same and case.version is not None and case.is_near(record.time)
    return _is_during(record, case) and not set(record.touched).isdisjoint(case.apps)


def _state(case: Case) -> State:
    if case.end is None:
        last = max((each.id for each in case.own), default="")
        # Marathon locks an app while it is being deployed. So if another deployment of it began
        # later, this one has ended, and nobody heard how.
        return "unknown" if not last or any(each.id > last for each in case.others) else "running"
    failed = [each.event for each in case.parsed if isinstance(each.event, models.DeploymentFailed)]
    end = case.end.time
    return ended(
        succeeded=any(each.type == "deployment_success" for each in case.own),
        failures=[failure(each) for each in failed],
        replaced=any(abs(each.time - end) <= REPLACED_WITHIN for each in case.others),
    )


def _failures(case: Case) -> list[Record]:
    """The failures of its apps' instances while it ran, one record for each, oldest first."""
    rows: dict[str, list[Record]] = {}
    for each in (*case.own, *case.around):
        for app in each.touched:
            rows.setdefault(app, []).append(each)
    found = {
        life.failure.id: life.failure
        for app in case.apps
        for life in history(rows.get(app, ())).failures
        if _is_during(life.failure, case)
    }
    return [found[id_] for id_ in sorted(found)]


def _waiting(case: Case) -> list[str] | None:
    """The newest words of a relay about its apps that say that instances wait for offers."""
    newest: dict[str, Record] = {}
    for each in sorted(case.around, key=lambda record: record.id):
        if each.type == "relay_waiting":
            newest[each.subject] = each
    return [each.title for each in newest.values() if each.severity in BAD] or None


def _is_during(record: Record, case: Case) -> bool:
    if case.begin and record.time < case.begin.time:
        return False
    return case.end is None or record.time <= case.end.time + _HEARD_AFTER


def _started_by(case: Case) -> str | None:
    addresses = (
        known(each.event.clientIp)
        for each in case.requests
        if isinstance(each.event, models.ApiPostEvent | models.PodEvent)
    )
    return next(filter(None, addresses), None)


def _reason(case: Case) -> str | None:
    failed = (e.event for e in case.parsed if isinstance(e.event, models.DeploymentFailed))
    reason = next(filter(None, (known(each.reason) for each in failed)), None)
    return mask_text(reason) if reason else None


def _steps(case: Case, state: State) -> list[Step]:
    steps = case.plan.steps if case.plan and case.plan.steps else []
    numbered = _numbered(case.parsed, steps)
    begun = max(numbered, default=0)
    return [
        _step(n, step, case.plan, numbered.get(n, []), _presumed(n, begun, state))
        for n, step in enumerate(steps, 1)
    ]


def _numbered(
    parsed: Sequence[ParsedEvent], steps: Sequence[models.Step]
) -> dict[int, list[ParsedEvent]]:
    """The events of each step, by its number. Of steps that are equal, the first that has not yet
    ended is meant.
    """
    found: dict[int, list[ParsedEvent]] = {}
    numbers: dict[str, list[int]] = {}
    for n, step in enumerate(steps, 1):
        numbers.setdefault(repr(step), []).append(n)
    for each in parsed:
        if not isinstance(each.event, models.DeploymentStepEvent):
            continue
        if same := numbers.get(repr(each.event.currentStep)):
            open_ = (n for n in same if not _ended_well(found.get(n, [])))
            found.setdefault(next(open_, same[-1]), []).append(each)
    return found


def _ended_well(parsed: Sequence[ParsedEvent]) -> bool:
    return any(isinstance(each.event, models.DeploymentStepSuccess) for each in parsed)


def _presumed(number: int, begun: int, state: State) -> StepState:
    """The state of a step whose end no event reports: steps run one after the other."""
    if state == "succeeded" or number < begun:
        return "succeeded"
    if number > begun:
        return "waiting"
    return "running" if state == "running" else "failed" if state != "unknown" else "unknown"


def _step(
    number: int,
    step: models.Step,
    plan: models.Plan | None,
    parsed: list[ParsedEvent],
    presumed: StepState,
) -> Step:
    began = [each for each in parsed if isinstance(each.event, models.DeploymentInfo)]
    succeeded = [each for each in parsed if isinstance(each.event, models.DeploymentStepSuccess)]
    failed = [each for each in parsed if isinstance(each.event, models.DeploymentStepFailure)]
    begin = began[0].record.time if began else None
    ends = succeeded or failed
    end = ends[-1].record.time if ends else None
    return Step(
        number=number,
        actions=[_action(action, plan) for action in plans.actions(step)],
        state="succeeded" if succeeded else "failed" if failed else presumed,
        started_at=begin,
        ended_at=end,
        seconds=_seconds(begin, end),
    )


def _action(action: models.Action, plan: models.Plan | None) -> Action:
    before, after = plans.instances(action, plan)
    return Action(action=plans.kind(action), app=plans.target(action), from_=before, to=after)


def _changes(case: Case) -> list[Change]:
    before, after = _sides(case)
    changes = (
        Change(app=app, fields=changed_fields(before[app], after[app]))
        for app in case.apps
        if app in before and app in after
    )
    return [each for each in changes if each.fields]


def _sides(case: Case) -> tuple[Mapping[str, Definition], Mapping[str, Definition]]:
    """The definitions before and after, by path, as far as they are known."""
    plan = case.plan
    if plan and plan.original is not None and plan.target is not None:
        return plan.before, plan.after
    requested = {
        app: each.event.appDefinition
        for each in case.requests
        if isinstance(each.event, models.ApiPostEvent) and each.event.appDefinition
        for app in each.record.touched
    }
    return case.earlier or {}, requested


def _summary(record: Record) -> Summary:
    return Summary.model_validate(record.summary())


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    if begin is None or end is None:
        return None
    seconds = (end - begin).total_seconds()
    return seconds if seconds >= 0 else None
