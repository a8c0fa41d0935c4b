"""Watch: notify people of incidents, once, in words, and of their end.

It looks each minute, with one query, at all that is open, and knows from it which incidents are
due. Of those it reads more and judges them by lives. What a silence covers is left out, many of one
cluster are one message, and ``sender`` sees to it that each message is sent once.

What goes wrong with one incident never holds up the others.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from chalicelib import evidence, log, times
from chalicelib.evidence import Budget
from chalicelib.judging import Judge, Verdict
from chalicelib.marathon.masking import mask_text
from chalicelib.records import alert
from chalicelib.records.alert import Context, Facts
from chalicelib.records.incident import Incident, State, no_events, stands_still
from chalicelib.records.timing import TIMING, TOGETHER, Timing
from chalicelib.sender import Notice, NotSent, Sender
from chalicelib.services.aws import ServiceError
from chalicelib.services.clusters import Clusters
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Store
from chalicelib.text import shortened

# Lambda gives it a minute. What is left over waits for the next look, the longest waiting first.
_SECONDS = 35.0

_REASON_CHARACTERS = 300

# Of a deployment of thousands of apps, readers are shown so many.
_MOST_APPS_SHOWN = 100


@dataclass
class Watch:
    """Notifies people of the incidents of one stage. ``page``: gives the page's address.
    ``no_events``: for how long nothing may come from a cluster; 0 if that is no incident. ``now``:
    the clock that it goes by.
    """

    store: Store
    incidents: Incidents
    clusters: Clusters
    sender: Sender
    stage: str
    page: Callable[[], str]
    no_events: timedelta = timedelta(0)
    timing: Timing = TIMING
    now: Callable[[], datetime] = times.now

    def run(self) -> None:
        """Look once. Raises NotSent, but only after all else was sent."""
        look = _Look(self)
        look.run()
        if look.sent:
            log.metrics({"Notified": look.sent})
        if look.failed:
            raise NotSent(f"{look.failed} incidents were not judged or notified; the log says why")


class _Look:
    """One look. ``sent``: how many messages; ``failed``: how many incidents could not be judged, or
    notified.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._now = watch.now()
        self._timing = watch.timing
        self._open = watch.incidents.read(self._now)
        self._judge = Judge(watch.store, self._open, self._now, self._timing)
        self.sent = self.failed = 0

    def run(self) -> None:
        self._guard("deployments that stand still", self._open_stuck)
        self._guard("clusters without events", self._open_no_events)
        due: dict[str, list[Incident]] = {}
        for each in sorted(filter(self._is_due, self._open.incidents), key=_waiting_since):
            due.setdefault(each.cluster, []).append(each)
        budget = Budget(_SECONDS)
        for n, (cluster, row) in enumerate(due.items()):
            self._guard(
                cluster, partial(self._of_cluster, cluster, row, budget.share(len(due) - n))
            )

    def _guard(self, what: str, act: Callable[[], None]) -> None:
        """Whatever goes wrong with one thing, the others go on."""
        try:
            act()
        except Exception as error:
            self.failed += 1
            # What goes wrong may be a text of an event, and its error shows it.
            reason = error.code if isinstance(error, ServiceError) else mask_text(repr(error))
            log.error("not notified", what=what, reason=shortened(reason, _REASON_CHARACTERS))

    # What no event reports

    def _open_stuck(self) -> None:
        """Deployments of which nothing was heard for so long that they may stand still."""
        known = {(each.cluster, each.deployment_id): each for each in self._open.incidents}
        for each in self._open.deployments:
            if not self._timing.stuck or self._now - each.last < self._timing.stuck:
                continue
            found = known.get((each.cluster, each.id))
            if found is None:
                self._begin(stands_still(each.cluster, each.id, each.last))
            elif found.state == "resolved" and each.last > found.last:
                moved = replace(found, since=each.last, last=each.last, stands_still=True)
                self._keep(found, replace(moved, judged=None))

    def _open_no_events(self) -> None:
        """Clusters from which nothing has come for too long."""
        if not self._watch.no_events:
            return
        known = {each.cluster: each for each in self._open.incidents if each.no_events}
        for name in (each.name for each in self._watch.clusters.all()):
            found = known.get(name)
            if found and found.state != "resolved":
                continue
            came = evidence.newest_came(self._watch.store, name, self._now)
            if came is None or self._now - came < self._watch.no_events:
                continue
            if found:
                last = max(came, found.last)
                self._keep(found, replace(found, since=came, last=last, judged=None))
            else:
                self._begin(no_events(name, came))

    def _begin(self, incident: Incident) -> None:
        self._watch.incidents.open(incident)
        self._open.incidents.append(incident)

    # Which are due

    def _is_due(self, incident: Incident) -> bool:
        if incident.sending:
            return incident.sending + self._timing.unsure <= self._now
        if incident.silenced_until and not self._silenced_until(incident):
            return True  # its silence has ended
        due = incident.due is not None and incident.due <= self._now
        if incident.is_open:
            return due or self._has_news(incident) or self._has_moved(incident)
        if incident.due and (incident.opened_at or incident.silenced_until):
            return due  # people may not be notified again before
        if incident.no_events and incident.since and incident.state == "resolved":
            return True
        return due or incident.is_news

    def _has_news(self, incident: Incident) -> bool:
        """Whether something bad has come of an incident that may be notified again."""
        if not (incident.is_news and incident.opened_at and incident.bad_at):
            return False
        return self._timing.next_repeat(incident.opened_at, incident.bad_at) <= self._now

    def _has_moved(self, incident: Incident) -> bool:
        """Whether a deployment that stood still moves, or has ended."""
        if not incident.stands_still:
            return False
        last = self._open.last_heard(incident.cluster, incident.deployment_id)
        return last is None or last > incident.last

    # What is notified

    def _of_cluster(self, cluster: str, due: list[Incident], budget: Budget) -> None:
        lately = self._sent_lately(cluster)
        flood = len(lately) >= TOGETHER or max(lately.values(), default=0) > TOGETHER
        if flood and self._now - max(lately) < self._timing.group_interval:
            return  # they keep coming, so they are gathered
        verdicts = Verdicts(flood)
        few = not flood and len(self._of(cluster)) <= TOGETHER
        for each in due:
            if budget.is_spent:
                break
            self._guard(each.subject, partial(self._judge_one, each, verdicts))
            if few:
                self._notify_all(verdicts)
        if verdicts.count > TOGETHER:
            self._add_soon(cluster, verdicts, budget)
        elif self._must_wait(cluster, verdicts):
            return
        self._notify_all(verdicts)

    def _add_soon(self, cluster: str, verdicts: "Verdicts", budget: Budget) -> None:
        """To a message about many, add those that would be due by the next look."""
        next_look = self._now + self._timing.look
        ahead = Judge(self._watch.store, self._open, next_look, self._timing)
        for each in self._soon(cluster):
            if budget.is_spent:
                break
            with suppress(Exception):  # it has its turn at the next look
                verdict = ahead.judge(each)
                if verdict.action == "notify" and verdicts.pending[verdict.state]:
                    self._take(each, verdict, verdicts)

    def _soon(self, cluster: str) -> list[Incident]:
        """The incidents of a cluster that are due until the next look."""
        until = self._now + self._timing.look
        return [each for each in self._of(cluster) if each.due and self._now < each.due <= until]

    def _of(self, cluster: str) -> list[Incident]:
        """The incidents of a cluster that are not over."""
        known = (each for each in self._open.incidents if each.cluster == cluster)
        return [each for each in known if each.state != "resolved" or each.since]

    def _sent_lately(self, cluster: str) -> Counter[datetime]:
        """When messages of a cluster were sent lately, and of how many incidents each was."""
        since = self._now - 2 * self._timing.group_interval
        known = (each for each in self._open.incidents if each.cluster == cluster)
        return Counter(time for each in known for time in each.notified if time > since)

    def _must_wait(self, cluster: str, verdicts: "Verdicts") -> bool:
        """Where many incidents of a cluster come at about the same time, the rest of them is waited
        for, once.
        """
        pending, soon = verdicts.incidents, len(self._soon(cluster))
        if not pending or not soon or len(pending) + soon <= TOGETHER:
            return False
        return self._now - min(map(_waiting_since, pending)) < self._timing.look

    def _judge_one(self, incident: Incident, verdicts: "Verdicts") -> None:
        """Judge an incident, and settle it if nobody is to be notified now."""
        incident = incident.remembered(self._timing)
        verdict = self._judge.judge(incident)
        if verdict.action == "notify":
            self._take(incident, verdict, verdicts)
        elif verdict.action == "wait":
            waits = replace(incident, judged=incident.noted, due=verdict.due, newest=verdict.newest)
            self._keep(incident, waits)
        else:
            self._drop(incident)

    def _take(self, incident: Incident, verdict: Verdict, verdicts: "Verdicts") -> None:
        """Take what is to be notified, unless a silence covers it."""
        if verdict.facts is None:
            raise ValueError("nothing is known")
        shown = _described(incident, verdict, verdict.facts)
        if until := self._silenced_until(shown):
            verdicts.silenced += 1
            # The end of what people know is notified, too, but after the silence.
            waits = replace(shown, judged=shown.noted, due=until, silenced_until=until)
            self._keep(incident, waits)
        else:
            verdicts.pending[verdict.state].append((incident, shown, verdict))

    def _drop(self, incident: Incident) -> None:
        """Notify nobody: it is nothing, or over."""
        if incident.deployment_id:
            self._watch.incidents.drop_deployment(incident.cluster, incident.deployment_id)
        if incident.opened_at:
            self._keep(incident, incident.over(self._now))
        else:
            self._watch.incidents.forget(incident)

    def _silenced_until(self, incident: Incident) -> datetime | None:
        """Until when a silence covers an incident; None if none does."""
        severity = incident.severity or "error"
        active = (
            each.until
            for each in self._open.silences
            if each.is_active(self._now)
            and each.matches(incident.cluster, severity, incident.touched)
        )
        return max(active, default=None)

    def _notify_all(self, verdicts: "Verdicts") -> None:
        """Send what is to be notified: many of one state together."""
        for state, row in verdicts.pending.items():
            together = len(row) > (1 if verdicts.gathered else TOGETHER)
            for part in [row] if together else [[each] for each in row]:
                what = part[0][0].subject if len(part) == 1 else f"{len(part)} incidents"
                self._guard(what, partial(self._notify, state, part, verdicts))
            row.clear()

    def _notify(self, state: State, row: list["Pending"], verdicts: "Verdicts") -> None:
        notices = [self._notice(state, *each) for each in row]
        if state == "opened":
            notices = self._joined(notices)
        if len(notices) > 1:
            group = alert.storm([(each.after, each.facts) for each in notices])
            notices = [replace(each, after=replace(each.after, group=group)) for each in notices]
        watch = self._watch
        gathered = verdicts.gathered and state == "opened"
        storms = self._storms_beside([each.incident for each in notices])
        context = Context(
            watch.stage, watch.page(), self._timing, verdicts.silenced, gathered, storms
        )
        self.sent += watch.sender.notify(state, notices, context, self._now)
        for each in notices:
            self._seen(each.after)

    def _joined(self, notices: list[Notice]) -> list[Notice]:
        """What is opened with others is a storm with them. What is so again by itself goes on with
        its storm, as long as there is one.
        """
        storms = self._storms_beside([each.incident for each in notices])

        def join(each: Notice) -> Notice:
            before = each.after.storm
            alone = before if before in storms else None
            storm = self._now if len(notices) > 1 else alone
            return replace(each, after=replace(each.after, storm=storm))

        return [each if each.again else join(each) for each in notices]

    def _storms_beside(self, incidents: list[Incident]) -> frozenset[datetime]:
        """The storms of which other incidents are open."""
        keys = {_key(each) for each in incidents}
        others = (
            each
            for each in self._open.incidents
            if each.is_open and each.cluster == incidents[0].cluster and _key(each) not in keys
        )
        return frozenset(each.storm for each in others if each.storm)

    def _notice(
        self, state: State, incident: Incident, shown: Incident, verdict: Verdict
    ) -> Notice:
        if verdict.facts is None:
            raise ValueError("nothing is known")
        facts = replace(verdict.facts, was_silenced=incident.silenced_until is not None)
        if incident.sending:
            return Notice(incident, shown, facts, again=True)
        after = shown.after_notifying(state, self._now)
        return Notice(incident, replace(after, due=verdict.due, newest=verdict.newest), facts)

    def _keep(self, before: Incident, after: Incident) -> None:
        written = self._watch.incidents.write(before, after)
        if written:
            self._seen(written)

    def _seen(self, after: Incident) -> None:
        """From now on an incident is as it was written."""
        key = _key(after)
        self._open.incidents[:] = [
            after if _key(each) == key else each for each in self._open.incidents
        ]


Pending = tuple[Incident, Incident, Verdict]
"""An incident as it is in the table, and as it is shown, and why it is to be notified."""


class Verdicts:
    """What is to be notified at one look in one cluster. ``gathered``: incidents keep coming there.
    ``silenced``: how many would be notified if no silence covered them.
    """

    def __init__(self, gathered: bool) -> None:
        self.gathered = gathered
        self.silenced = 0
        self.pending: dict[State, list[Pending]] = {"opened": [], "ongoing": [], "resolved": []}

    @property
    def incidents(self) -> list[Incident]:
        """The incidents of all of them."""
        return [incident for row in self.pending.values() for incident, _, _ in row]

    @property
    def count(self) -> int:
        """How many of one state there are at most."""
        return max(map(len, self.pending.values()))


def _described(incident: Incident, verdict: Verdict, facts: Facts) -> Incident:
    """An incident with what readers are shown of it."""
    before = facts.before or facts.stuck
    return replace(
        incident,
        severity=verdict.severity,
        count=len(facts.failures),
        cause=alert.cause(facts),
        apps=facts.apps[:_MOST_APPS_SHOWN],
        deployment=before.id if before else "",
        by=(before.started_by or "") if before else "",
    )


def _key(incident: Incident) -> tuple[str, str, bool]:
    return incident.cluster, incident.subject, incident.no_events


def _waiting_since(incident: Incident) -> datetime:
    return incident.due or incident.last
