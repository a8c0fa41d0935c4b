"""An incident: what is wrong with one subject, from its first bad event until it is resolved, and
how people were notified of it. Pure: ``services/incidents`` keeps it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib import times
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records.timing import Timing

State = Literal["opened", "ongoing", "resolved"]

NO_EVENTS = "no-events"
"""What stands in the key for the subject, if nothing comes from the cluster."""

# How many times of messages are kept: more never count.
_MOST_KEPT = 12
_TWO_HOURS = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Incident:
    """``alerts`` writes the first ones. ``since``: the time of the first bad event since it was
    last resolved; ``last``: when the newest was heard; ``noted``: how often something bad was
    noted, also late or twice; ``severity``: empty while nothing is known to be bad; ``title``: that
    of the newest.

    ``watch`` writes the others. ``state``: that of the last message, None before the first.
    ``opened_at``: when the first was sent, the beginning of the schedule; ``notified``: when some
    were sent lately; ``bad_at``: when the last was sent that it is bad; ``openings``: how often it
    was opened; ``resolved_at``: when it was last resolved. ``due``: when ``watch`` looks again if
    nothing bad comes before; ``judged``: the ``noted`` that it has seen. ``sending``: a message was
    about to be sent then, and nobody has noted that it was. ``silenced_until``: until then people
    are not notified. ``headline``: of the last message; it, ``count``, ``cause``, ``apps``,
    ``deployment``, ``by`` and ``group`` are for readers. ``stands_still``: it is about a deployment
    that does. ``newest``: the id of the newest record that was judged, while something is bad.
    ``storm``: when it was opened, if that message was about others, too. ``worst_notified``: the
    worst severity of the messages since it was opened. ``version``: of these.
    """

    cluster: str
    subject: str
    since: datetime | None
    last: datetime
    severity: str = ""
    title: str = ""
    state: State | None = None
    opened_at: datetime | None = None
    notified: tuple[datetime, ...] = ()
    bad_at: datetime | None = None
    openings: int = 0
    resolved_at: datetime | None = None
    due: datetime | None = None
    judged: int | None = None
    sending: datetime | None = None
    silenced_until: datetime | None = None
    headline: str = ""
    count: int = 0
    cause: str = ""
    apps: tuple[str, ...] = ()
    deployment: str = ""
    by: str = ""
    group: str = ""
    stands_still: bool = False
    newest: str = ""
    storm: datetime | None = None
    worst_notified: str = ""
    no_events: bool = False
    noted: int = 0
    version: int = 0

    @property
    def deployment_id(self) -> str:
        """The id of the deployment that it is about; empty if it is about something else."""
        id_ = self.subject.removeprefix("deployment:")
        return "" if id_ == self.subject else id_

    @property
    def path(self) -> str:
        """The path of the app or pod that it is about; empty if there is none."""
        return path_of(self.subject)

    @property
    def touched(self) -> tuple[str, ...]:
        """The paths of all apps and pods that it touches, as far as they are known."""
        return self.apps or ((self.path,) if self.path else ())

    @property
    def notified_as(self) -> str:
        """What it is to who hears of it, from its opening to its end: itself, or a storm."""
        if self.storm:
            return storm_name(self.storm)
        return NO_EVENTS if self.no_events else self.subject

    @property
    def began(self) -> datetime:
        """When it began, as far as is known."""
        return self.since or self.last

    @property
    def is_open(self) -> bool:
        """Whether people were notified of it and not yet of its end."""
        return self.state in ("opened", "ongoing")

    @property
    def is_news(self) -> bool:
        """Whether something bad came that ``watch`` has not seen."""
        return self.judged is None or self.noted > self.judged

    @property
    def is_shown(self) -> bool:
        """Whether readers see it: not what may be nothing, and not what is over."""
        return bool(self.severity) and self.state != "resolved"

    def may_open(self, now: datetime, timing: Timing) -> bool:
        """Whether people may be notified that it is bad: on the schedule of its first opening, and
        not too often.
        """
        if self.opened_at is None or self.bad_at is None:
            return True
        lately = sum(now - each < _TWO_HOURS for each in self.notified)
        room = lately <= timing.most_within_two_hours - 2  # its end takes one, too
        return room and now >= timing.next_repeat(self.opened_at, self.bad_at)

    def remembered(self, timing: Timing) -> "Incident":
        """It, without what was before if that is too long ago to be the same incident."""
        if self.is_open or not self.resolved_at or not self.since:
            return self
        if self.since - self.resolved_at < timing.same_incident:
            return self
        return replace(self, opened_at=None, notified=(), bad_at=None, openings=0, resolved_at=None)

    def after_notifying(self, state: State, now: datetime) -> "Incident":
        """The incident, once people have been notified."""
        over = state == "resolved"
        before = "" if state == "opened" else self.worst_notified
        return replace(
            self.over(now) if over else self,
            state=state,
            worst_notified=worst((self.severity, before)),
            opened_at=self.opened_at or now,
            notified=(*self.notified, now)[-_MOST_KEPT:],
            bad_at=self.bad_at if over else now,
            openings=self.openings + (state == "opened"),
            judged=self.noted,
            silenced_until=None,
        )

    def over(self, now: datetime) -> "Incident":
        """The incident, once it is over, notified or not. What is bad later begins anew."""
        return replace(
            self,
            state="resolved",
            since=None,
            resolved_at=now,
            judged=self.noted,
            due=None,
            silenced_until=None,
            stands_still=False,
            group="",
        )

    def summary(self) -> dict[str, Any]:
        """What readers are shown of it."""
        shown: dict[str, Any] = {
            "subject": self.subject,
            "since": times.iso(self.began),
            "severity": self.severity,
            "title": self.headline or self.title,
            "state": self.state,
            "count": self.count,
            "cause": self.cause,
            "apps": list(self.apps),
            "deployment": self.deployment,
            "by": self.by,
            "group": self.group,
            "silenced_until": times.iso(self.silenced_until) if self.silenced_until else "",
        }
        return {name: value for name, value in shown.items() if value}


def path_of(subject: str) -> str:
    """The path of the app or pod that a subject is; empty if it is another."""
    kind, _, path = subject.partition(":")
    return path if kind in ("app", "pod") else ""


_RANKS: list[str] = ["", *SEVERITIES]


def worst(severities: Iterable[str]) -> str:
    """The worst of some severities; empty if there is none."""
    return max(severities, key=_RANKS.index, default="")


def storm_name(opened: datetime) -> str:
    """The name of what many incidents are that were opened with one message."""
    return f"storm {times.iso(opened)}"


def no_events(cluster: str, since: datetime) -> Incident:
    """That nothing has come from a cluster since then."""
    title = "No event comes from Marathon any more"
    return Incident(cluster, MARATHON, since, since, "error", title, no_events=True)


def stands_still(cluster: str, deployment: str, last: datetime) -> Incident:
    """That no step of a deployment began or ended since then."""
    title = "A deployment stands still"
    subject = f"deployment:{deployment}"
    return Incident(cluster, subject, last, last, "warning", title, stands_still=True)
