"""Judging: whether people should hear of an incident now, and what has to be read to know it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib import evidence, story
from chalicelib.records.alert import Facts
from chalicelib.records.condition import Condition
from chalicelib.records.incident import Incident, State
from chalicelib.records.story import Story
from chalicelib.records.timing import Timing
from chalicelib.services.incidents import Open
from chalicelib.services.store import Store

# Marathon refuses to change an app that is being deployed. Since 1.5 it then reports a failed
# deployment, which never ran. Who asked for it has the answer.
_CONFLICT = "locked by one or more deployments"

# That something is well again comes as no bad event. So what is bad is looked at so often.
_LOOK_AGAIN = timedelta(minutes=5)
# Whether another deployment has mended what a failed one left.
_LOOK_FOR_FOLLOWERS = timedelta(minutes=30)


@dataclass(frozen=True)
class Verdict:
    """``notify``: people should hear of it, in that ``state``. ``wait``: look again when it is
    ``due``, or when something bad comes. ``drop``: it is nothing, or over and nobody was notified.
    ``newest``: the newest record that was judged, while something is bad.
    """

    action: Literal["notify", "wait", "drop"]
    state: State = "opened"
    severity: str = "error"
    facts: Facts | None = None
    due: datetime | None = None
    newest: str = ""


_DROP = Verdict("drop")


class Judge:
    """Judges the incidents of one stage, at one moment."""

    def __init__(self, store: Store, open_: Open, now: datetime, timing: Timing) -> None:
        self._store = store
        self._open = open_
        self._now = now
        self._timing = timing

    def judge(self, incident: Incident) -> Verdict:
        """Whether people should hear of it now. Raises TableError, and whatever goes wrong while
        hostile records are read.
        """
        if incident.no_events:
            return self._no_events(incident)
        if incident.deployment_id:
            return self._deployment(incident)
        if incident.path or incident.subject == "marathon":
            return self._lives(incident)
        return _DROP

    def _lives(self, incident: Incident) -> Verdict:
        newest = evidence.newest(self._store, incident)
        if self._is_unchanged(incident, newest):
            due = min(self._now + _LOOK_AGAIN, self._repeat(incident))
            return Verdict("wait", due=due, newest=newest)
        found, rows = evidence.of_subject(self._store, incident, self._now, self._timing)
        newest = newest if found.ongoing else ""

        def notify(state: State) -> Verdict:
            facts = evidence.facts(self._store, incident, found, rows, self._now, self._timing)
            severity = incident.severity if state == "resolved" else found.severity
            due = self._next(incident, found) if state != "resolved" else None
            return Verdict("notify", state, severity or "error", facts, due, newest)

        if incident.sending and incident.state:
            return notify(incident.state)
        if incident.is_open:
            if found.resolves and found.resolves <= self._now:
                return notify("resolved")
            if found.still and self._repeat(incident) <= self._now:
                return notify("ongoing")
            return Verdict("wait", due=self._next(incident, found), newest=newest)
        if found.matters:
            if incident.may_open(self._now, self._timing):
                return notify("opened")
            return Verdict("wait", due=self._now + _LOOK_AGAIN)
        return Verdict("wait", due=found.next) if found.next else _DROP

    def _is_unchanged(self, incident: Incident, newest: str) -> bool:
        """Whether what was bad still is: nothing has come of it, and nobody need be notified."""
        return (
            incident.is_open
            and not (incident.sending or incident.is_news)
            and newest == incident.newest != ""
            and self._now < self._repeat(incident)
            and self._now - incident.last < self._timing.resolve_at_latest
        )

    def _repeat(self, incident: Incident) -> datetime:
        """When an incident that people know is to be notified again, if it goes on."""
        bad_at = incident.bad_at or self._now
        return self._timing.next_repeat(incident.opened_at or bad_at, bad_at)

    def _next(self, incident: Incident, found: Condition) -> datetime:
        times = [found.resolves, self._repeat(incident) if incident.is_open else None]
        times.append(self._now + _LOOK_AGAIN if found.ongoing else None)
        soon = self._now + self._timing.resolve_after
        return min((each for each in times if each and each > self._now), default=soon)

    def _deployment(self, incident: Incident) -> Verdict:
        deployment = story.of_deployment(self._store, incident.cluster, incident.deployment_id)
        if deployment is None:
            return _DROP
        if incident.sending and incident.state:
            still = deployment.state == "running" and incident.state != "resolved"
            return self._of(incident, deployment, incident.state, stands_still=still)
        if deployment.state == "running":
            return self._running(incident, deployment)
        if incident.is_open:
            return self._ended(incident, deployment)
        return self._failed(incident, deployment)

    def _of(
        self, incident: Incident, deployment: Story, state: State, *, stands_still: bool = False
    ) -> Verdict:
        facts = evidence.of_deployment(
            self._store, incident, deployment, self._now, self._timing, stands_still=stands_still
        )
        severity = "warning" if stands_still or deployment.state == "cancelled" else "error"
        due: datetime | None = self._now + (_LOOK_AGAIN if stands_still else _LOOK_FOR_FOLLOWERS)
        if state == "resolved":
            severity, due = incident.severity or severity, None
        return Verdict("notify", state, severity, facts, due)

    def _running(self, incident: Incident, deployment: Story) -> Verdict:
        """A deployment that may stand still."""
        heard = self._open.last_heard(incident.cluster, incident.deployment_id)
        moved = heard or incident.last
        stuck = bool(self._timing.stuck) and self._now - moved >= self._timing.stuck
        if incident.is_open:
            if not stuck:
                return self._of(incident, deployment, "resolved")
            if self._repeat(incident) <= self._now:
                return self._of(incident, deployment, "ongoing", stands_still=True)
            return Verdict("wait", due=min(self._repeat(incident), self._now + _LOOK_AGAIN))
        if not stuck:
            return Verdict("wait", due=moved + self._timing.stuck) if self._timing.stuck else _DROP
        if self._is_notified_by_app(incident, deployment) or not incident.may_open(
            self._now, self._timing
        ):
            return Verdict("wait", due=self._now + self._timing.resolve_after)
        return self._of(incident, deployment, "opened", stands_still=True)

    def _is_notified_by_app(self, incident: Incident, deployment: Story) -> bool:
        """Whether an app of the deployment has an incident: its message names both."""
        apps = set(deployment.apps)
        return any(
            each.is_open and each.cluster == incident.cluster and each.path in apps
            for each in self._open.incidents
        )

    def _ended(self, incident: Incident, deployment: Story) -> Verdict:
        """A deployment of which people know that it stood still, or that it failed."""
        if incident.stands_still:
            return self._of(incident, deployment, "resolved")
        if deployment.state in ("succeeded", "unknown"):
            return self._of(incident, deployment, "resolved")
        for id_ in evidence.followers(self._store, deployment, self._now)[:5]:
            other = story.of_deployment(self._store, incident.cluster, id_)
            if other and other.state == "succeeded":
                return self._over(incident, deployment, "A later deployment has succeeded.")
        if self._now - incident.last >= self._timing.same_incident:
            return self._over(
                incident, deployment, "No later one has succeeded, but it is long ago."
            )
        return Verdict("wait", due=self._now + _LOOK_FOR_FOLLOWERS)

    def _over(self, incident: Incident, deployment: Story, why: str) -> Verdict:
        verdict = self._of(incident, deployment, "resolved")
        return replace(verdict, facts=verdict.facts and replace(verdict.facts, over=why))

    def _failed(self, incident: Incident, deployment: Story) -> Verdict:
        """Without a reason (before 1.6.352) it was nearly always cancelled; and one that was
        cancelled matters only if nothing took its place.
        """
        never_ran = all(each.started_at is None for each in deployment.steps)
        if deployment.state in ("succeeded", "unknown") or _CONFLICT in (deployment.reason or ""):
            return _DROP
        if never_ran and not deployment.reason:
            return _DROP
        if deployment.state == "failed" and deployment.reason:
            return self._of(incident, deployment, "opened")
        superseded = incident.last + self._timing.superseded_within
        if evidence.followers(self._store, deployment, self._now):
            return _DROP
        if self._now < superseded:
            return Verdict("wait", due=superseded)
        return self._of(incident, deployment, "opened")

    def _no_events(self, incident: Incident) -> Verdict:
        came = evidence.newest_came(self._store, incident.cluster, self._now)
        since = incident.began
        if came is None:
            return _DROP
        if came > since and not incident.sending:
            over = Facts(since=since, last=came)
            return Verdict("notify", "resolved", facts=over) if incident.is_open else _DROP
        facts = Facts(since=since, last=self._now)
        due = self._now + self._timing.look
        if incident.sending and incident.state:
            return Verdict("notify", incident.state, facts=facts, due=due)
        if not incident.is_open:
            return Verdict("notify", "opened", facts=facts, due=due)
        if self._repeat(incident) <= self._now:
            return Verdict("notify", "ongoing", facts=facts, due=due)
        return Verdict("wait", due=due)
