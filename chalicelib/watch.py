"""Watch: tell people of incidents, once, in words, and of their end.

It looks each minute, at the open incidents alone, and knows from them which are to be told. Only of
those it reads more. ``telling`` sees to it that each message is sent once.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from chalicelib import evidence, log, story, times
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records import alert
from chalicelib.records.alert import Sender, State
from chalicelib.records.incident import Incident
from chalicelib.records.patience import PATIENCE, TOGETHER
from chalicelib.services.aws import ServiceError
from chalicelib.services.clusters import Clusters
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Store
from chalicelib.telling import Compose, NotTold, Telling

# Marathon refuses to change an app that is being deployed. Since 1.5 it then tells of a failed
# deployment, which never ran. Who asked for it has the answer.
_CONFLICT = "locked by one or more deployments"

Verdict = Literal["tell", "wait", "drop"]


@dataclass(frozen=True, slots=True)
class _Next:
    """What is to be told next of an incident, and when. ``again``: it may have been told before.
    ``once``: a deployment, which ends with the one message that tells of it.
    """

    state: State
    at: datetime
    again: bool = False
    once: bool = False

    @property
    def kind(self) -> tuple[str, bool, bool]:
        """What is told together."""
        return self.state, self.again, self.once


class Watch:
    """Tells people of the incidents of one stage. ``page``: gives the page's address. ``silence``:
    for how long nothing may come from a cluster; 0 if that is no incident. ``now``: the clock that
    it goes by.
    """

    def __init__(
        self,
        store: Store,
        incidents: Incidents,
        clusters: Clusters,
        telling: Telling,
        stage: str,
        page: Callable[[], str],
        silence: timedelta = timedelta(0),
        now: Callable[[], datetime] = times.now,
    ) -> None:
        self._store = store
        self._incidents = incidents
        self._clusters = clusters
        self._telling = telling
        self._stage = stage
        self._page = page
        self.silence = silence
        self.now = now
        self.patience = PATIENCE

    def run(self) -> None:
        """Look once. Raises NotTold, but only after all else was told."""
        now = self.now()
        known = self._incidents.known()
        told = failed = 0
        for what, tell in self._messages(known, now):
            try:
                told += tell()
            except Exception as error:  # What is wrong with one must not keep the others silent.
                failed += 1
                reason = error.code if isinstance(error, ServiceError) else repr(error)
                log.error("not told", what=what, reason=reason)
        if told:
            log.metrics({"Told": told})
        if failed:
            raise NotTold(f"{failed} messages were not sent; the log says why")

    def _messages(
        self, known: list[Incident], now: datetime
    ) -> Iterator[tuple[str, Callable[[], bool]]]:
        """What is to be told now, each with whom it is about."""
        if self.silence or any(each.silence and not each.ended for each in known):
            silent = {each.cluster: each for each in known if each.silence}
            for name in {*silent, *(each.name for each in self._clusters.all())}:
                yield name, partial(self._look_for_silence, name, silent.get(name), now)
        events = (each for each in known if not each.silence)
        for cluster, incidents in itertools.groupby(events, key=lambda each: each.cluster):
            for row, next_ in self._due(list(incidents), now):
                yield cluster, partial(self._tell, row, next_, now)

    def _due(
        self, incidents: list[Incident], now: datetime
    ) -> Iterator[tuple[list[Incident], _Next]]:
        """The incidents of a cluster that are to be told now: each row in one message."""
        wanted = [(each, next_) for each in incidents if (next_ := self._next(each, now))]
        for kind in dict.fromkeys(next_.kind for _, next_ in wanted):
            same = [(each, next_) for each, next_ in wanted if next_.kind == kind]
            due = [(each, next_) for each, next_ in same if next_.at <= now]
            soon = sum(now < next_.at <= now + self.patience.look for _, next_ in same)
            if not due or (soon and len(due) + soon > TOGETHER and self._may_wait(due, now)):
                continue
            due = [(each, next_) for each, next_ in due if self._matters(each, now)]
            if len(due) > TOGETHER:
                yield [each for each, _ in due], due[0][1]
            else:
                yield from (([each], next_) for each, next_ in due)

    def _may_wait(self, due: list[tuple[Incident, _Next]], now: datetime) -> bool:
        """Many begin or end at about the same time: wait once, to tell of all of them together."""
        return now - min(next_.at for _, next_ in due) < self.patience.look

    def _next(self, incident: Incident, now: datetime) -> _Next | None:
        told = times.from_iso(incident.told_at) if incident.told_at else now
        if incident.unsure and (incident.ended or incident.deployment):
            state: State = "began" if incident.deployment else "over"
            once = bool(incident.deployment)
            return _Next(state, told + self.patience.unsure, again=True, once=once)
        if incident.ended:
            return None
        if incident.deployment:
            return _Next("began", now, once=True)
        ends = self.patience.ends(incident)
        if now + self.patience.look >= ends:
            return _Next("over", ends)
        if not incident.tellings:
            return _Next("began", self.patience.begins(incident))
        return _Next("goes_on", self.patience.goes_on(incident)) if incident.has_news else None

    def _matters(self, incident: Incident, now: datetime) -> bool:
        """Whether people should hear of an incident. If they never will, it ends in silence."""
        verdict = "tell" if incident.unsure else self._verdict(incident, now)
        if verdict == "drop":
            self._incidents.settle(incident, times.iso(now))
        return verdict == "tell"

    def _verdict(self, incident: Incident, now: datetime) -> Verdict:
        quiet: Verdict = "drop" if now >= self.patience.ends(incident) else "wait"
        if incident.deployment:
            return self._on_deployment(incident, now, quiet)
        serious = incident.tellings or incident.severity == "error" or self.patience.lasts(incident)
        return "tell" if serious or evidence.is_still_bad(self._store, incident) else quiet

    def _on_deployment(self, incident: Incident, now: datetime, quiet: Verdict) -> Verdict:
        """A deployment is told of once. Without a reason (before 1.6.352) it was nearly always
        cancelled; and one that was cancelled matters only if nothing took its place.
        """
        told = story.tell(self._store, incident.cluster, incident.deployment)
        if incident.told_last or told is None or told.state == "succeeded":
            return "drop"
        if told.state in ("running", "unknown"):
            return quiet
        never_ran = all(each.started_at is None for each in told.steps)
        if _CONFLICT in (told.reason or "") or (never_ran and not told.reason):
            return "drop"
        if told.state == "failed" and told.reason:
            return "tell"
        if now < times.from_iso(incident.opened) + self.patience.replaced:
            return "wait"
        return "drop" if evidence.is_replaced(self._store, told) else "tell"

    def _tell(self, row: list[Incident], next_: _Next, now: datetime) -> bool:
        compose = self._read_for(row, next_.state)
        if next_.again:
            return self._tell_again(row, compose, now)
        over = next_.state == "over" or next_.once
        return self._telling.tell(row, compose, now, over=over, last=over)

    def _tell_again(self, row: list[Incident], compose: Compose, now: datetime) -> bool:
        return self._telling.tell(
            row, lambda claimed: alert.once_more(compose(claimed)), now, last=True
        )

    def _read_for(self, row: list[Incident], state: State) -> Compose:
        """Read what a message tells. Returns what composes it."""
        sender = self._sender()
        first = row[0]
        if len(row) > 1:
            bad = evidence.of_many(self._store, row)
            return lambda claimed: alert.of_many(state, claimed, bad, sender)
        if first.deployment and (told := story.tell(self._store, first.cluster, first.deployment)):
            return lambda claimed: alert.of_deployment(claimed[0], told, sender)
        facts = evidence.of_one(self._store, first, self.patience.before)
        return lambda claimed: alert.of_one(state, claimed[0], facts, sender)

    def _look_for_silence(self, cluster: str, incident: Incident | None, now: datetime) -> bool:
        """Tell that nothing comes from a cluster any more, or that something comes again."""
        came = evidence.newest_came(self._store, cluster, now)
        known = incident if incident and not incident.ended else None
        if not self.silence or came is None:
            if known:
                self._incidents.settle(known, times.iso(now))
            return False
        if incident and incident.unsure and (incident.ended or came <= incident.since):
            due = times.from_iso(incident.told_at) + self.patience.unsure <= now
            return due and self._tell_again([incident], self._of_silence(incident, now), now)
        if known and came > known.since and not known.tellings:
            self._incidents.settle(known, times.iso(now))
            return False
        if known and (came > known.since or not known.tellings):
            return self._tell_silence(known, now, over=came > known.since)
        if known or times.from_iso(came) + self.silence > now:
            return False
        begun = _silence(cluster, came, times.iso(now))
        self._incidents.open(begun)
        return self._tell_silence(begun, now, over=False)

    def _tell_silence(self, incident: Incident, now: datetime, *, over: bool) -> bool:
        compose = self._of_silence(replace(incident, ended=times.iso(now) if over else ""), now)
        return self._telling.tell([incident], compose, now, over=over, last=True)

    def _sender(self) -> Sender:
        return Sender(self._stage, self._page(), self.patience)

    def _of_silence(self, incident: Incident, now: datetime) -> Compose:
        sender = self._sender()
        return lambda _: alert.of_silence(incident, times.iso(now), sender)


def _silence(cluster: str, since: str, now: str) -> Incident:
    title = "No event comes from Marathon any more"
    return Incident(
        cluster, MARATHON, since, since, "error", title, opened=now, heard=now, silence=True
    )
