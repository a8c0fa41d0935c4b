"""A deployment as one line of a list: the facts that its events bring, and how it ended. Pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib import times
from chalicelib.marathon import models, plans
from chalicelib.marathon.reading import event
from chalicelib.marathon.severity import cancelled
from chalicelib.marathon.subjects import known
from chalicelib.marathon.titles import ACTIONS
from chalicelib.records.changes import Field, changed_fields
from chalicelib.records.record import Record
from chalicelib.text import clip, plain

State = Literal["running", "succeeded", "failed", "cancelled", "unknown"]
Failure = Literal["cancelled", "explained", "unexplained"]
"""What a ``deployment_failed`` says of itself. Before 1.6.352 it gives no reason."""

REQUESTS = ("api_post_event", "pod_created_event", "pod_updated_event", "pod_deleted_event")
"""The types of the events that ask for a deployment."""

# The request for a deployment, the change of its group and its first step are sent by three threads
# of Marathon, so in any order, but at about the same time.
REQUESTED_WITHIN = timedelta(seconds=10)
# If a deployment replaces another, one begins about when the other ends, in any order.
REPLACED_WITHIN = timedelta(seconds=60)

_MOST_CHANGED = 200
_MOST_APPS = 3
_MOST_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a deployment. ``start``: the time of its first event. ``changed``: what it
    changes, in a few words. ``succeeded``, ``failed``: the times of such an end.
    """

    id: str
    start: datetime
    apps: tuple[str, ...] = ()
    apps_omitted: int = 0
    version: str = ""
    changed: str = ""
    succeeded: datetime | None = None
    failed: datetime | None = None
    failure: Failure | None = None

    @property
    def end(self) -> datetime | None:
        """When it ended, if it did."""
        return max(filter(None, (self.succeeded, self.failed)), default=None)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may have led to a deployment. ``by``: the address that it came from."""

    time: datetime
    by: str
    apps: tuple[str, ...]
    version: str = ""


def ended(*, succeeded: bool, failures: Collection[Failure], replaced: bool) -> State:
    """How a deployment ended. ``replaced``: whether another deployment of its apps began when it
    ended. Marathon 1.5 – 1.6.322 says both of a deployment that was cancelled by force.
    """
    if "cancelled" in failures or (succeeded and failures):
        return "cancelled"
    if succeeded:
        return "succeeded"
    # Without a reason, nearly always another deployment took its place.
    return "cancelled" if replaced and "explained" not in failures else "failed"


def failure(made: models.DeploymentFailed) -> Failure:
    """What a failed deployment says of itself."""
    if cancelled(made):
        return "cancelled"
    return "explained" if known(made.reason) else "unexplained"


def state(facts: Facts, others: Collection[Facts]) -> State:
    """How a deployment is. ``others``: the deployments that may have replaced it."""
    rivals = [each for each in others if each.id != facts.id and _share_apps(each, facts)]
    if facts.end is None:
        # Marathon locks an app while it is being deployed. So if another deployment of it began
        # later, this one has ended, and nobody heard how.
        return "unknown" if any(each.start > facts.start for each in rivals) else "running"
    end = facts.end
    return ended(
        succeeded=facts.succeeded is not None,
        failures=[facts.failure] if facts.failure else [],
        replaced=any(abs(each.start - end) <= REPLACED_WITHIN for each in rivals),
    )


def asked_by(
    facts: Facts, requests: Collection[Request], others: Collection[Facts] = ()
) -> str | None:
    """The address that asked for a deployment: that of the request for its version. Where a version
    is not known, that of a request for its apps shortly before it, unless another deployment of
    them began in between.
    """
    near = [
        each
        for each in requests
        if abs(each.time - facts.start) <= REQUESTED_WITHIN
        and not set(each.apps).isdisjoint(facts.apps)
    ]
    same = [each for each in near if facts.version and each.version == facts.version]
    starts = [each.start for each in others if each.id != facts.id and _share_apps(each, facts)]
    free = (
        each
        for each in near
        if not (facts.version and each.version)
        and not any(each.time < start < facts.start for start in starts)
    )
    return next((each.by for each in (*same, *free)), None)


def facts_of(record: Record) -> Facts:
    """What one event says of its deployment, as if it were the first."""
    made = event(record.body) if record.body else None
    plan = getattr(made, "plan", None)
    time = record.time
    failed = record.type == "deployment_failed"
    return Facts(
        record.deployment or "",
        time,
        apps=record.apps,
        apps_omitted=record.apps_omitted or 0,
        version=clip(known(plan.version) or "") if plan else "",
        changed=_readable(plan) if plan else "",
        succeeded=time if record.type == "deployment_success" else None,
        failed=time if failed else None,
        failure=failure(made) if failed and isinstance(made, models.DeploymentFailed) else None,
    )


def request_of(record: Record) -> Request | None:
    """The request that an event is about; None if it does not say who asked for which app."""
    made = event(record.body) if record.type in REQUESTS and record.body else None
    by = known(made.clientIp) if isinstance(made, models.ApiPostEvent | models.PodEvent) else None
    if not by or not record.touched:
        return None
    version = version_of(made, record.time) or ""
    return Request(record.time, clip(by), tuple(record.touched), clip(version))


def version_of(request: models.Event | None, time: datetime) -> str | None:
    """The version that a request of that time made; None if nobody knows. Marathon shows the
    definition as it came, which may have an old version in it.
    """
    definition = request.appDefinition if isinstance(request, models.ApiPostEvent) else None
    version = (definition or {}).get("version")
    made = times.usable_timestamp(version)
    near = made is not None and abs(made - time) <= REQUESTED_WITHIN
    return version if near and isinstance(version, str) else None


def _share_apps(one: Facts, other: Facts) -> bool:
    return not set(one.apps).isdisjoint(other.apps)


def _readable(plan: models.Plan) -> str:
    try:
        return _changed(plan)
    except RecursionError:  # nested too deep for Python
        return ""


def _changed(plan: models.Plan) -> str:
    """``4.17.2 → 4.18.0``, or, of several apps, ``web: new; api: instances 2 → 6``."""
    apps = plans.touched(plan)
    shown = {app: _change(plan, app) for app in apps[:_MOST_APPS]}
    rest = len(apps) - len(shown)
    words = list(dict.fromkeys(shown.values()))
    if len(words) > 1:
        words = [f"{app.rsplit('/', 1)[-1]}: {change}" for app, change in shown.items()]
        words += [f"and {rest} more"] if rest else []
    return plain("; ".join(words), _MOST_CHANGED)


def _change(plan: models.Plan, app: str) -> str:
    if plan.original is None or plan.target is None:
        return _acted(plan, app)
    before, after = plan.before.get(app), plan.after.get(app)
    if before is None or after is None:
        return "new" if before is None else "deleted"
    fields = changed_fields(before, after)
    known_words = [words for field in fields if (words := _value(field))]
    names = [each.field.partition(".")[0] for each in fields if not _value(each)]
    return ", ".join([*known_words, *_some(list(dict.fromkeys(names)))]) or "restart"


def _acted(plan: models.Plan, app: str) -> str:
    """What a light plan says: only its actions."""
    words = {
        f"{ACTIONS.get(kind, kind)}{_to(action, plan)}": None
        for step in plan.steps or ()
        for action in plans.actions(step)
        if plans.target(action) == app and (kind := plans.kind(action))
    }
    return ", ".join(_some(list(words)))


def _to(action: models.Action, plan: models.Plan) -> str:
    _, after = plans.instances(action, plan)
    return f" to {after}" if after is not None else ""


def _value(field: Field) -> str:
    """An image's tag or a number of instances, before and after; empty for any other field."""
    if field.field in ("instances", "scaling.instances") and field.change == "changed":
        return f"instances {field.before} → {field.after}"
    is_image = field.field.endswith((".image", ".image.id")) and field.change == "changed"
    return _tags(str(field.before), str(field.after)) if is_image else ""


def _tags(before: str, after: str) -> str:
    (name, _, old), (other, _, new) = before.rpartition(":"), after.rpartition(":")
    return f"{old} → {new}" if name and name == other else f"{before} → {after}"


def _some(words: list[str]) -> Iterator[str]:
    yield from words[:_MOST_FIELDS]
    if len(words) > _MOST_FIELDS:
        yield f"{len(words) - _MOST_FIELDS} more"


def values_of(facts: Facts) -> dict[str, Any]:
    """What is kept of the facts beside their key: no empty values."""
    kept = {
        "began": times.iso(facts.start),
        "apps": list(facts.apps),
        "apps_omitted": facts.apps_omitted,
        "version": facts.version,
        "changed": facts.changed,
        "succeeded": times.iso(facts.succeeded) if facts.succeeded else "",
        "failed": times.iso(facts.failed) if facts.failed else "",
        "failure": facts.failure or "",
    }
    return {name: value for name, value in kept.items() if value}
