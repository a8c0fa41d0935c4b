"""An incident: what is wrong with one subject, from its first bad event until it is resolved, and
what people were told of it. Pure: ``services/incidents`` keeps it.
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

# So many of the times at which people were told are kept: more never count.
_MOST_KEPT = 12
_TWO_HOURS = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Incident:
    """``alerts`` writes the first five: ``since``, the time of the first bad event since it was
    last resolved; ``last``, when the newest was heard; ``severity``, empty while nothing is known
    to be bad; ``title``, that of the newest.

    ``watch`` writes the others: ``state``, what people were told last, empty if nothing yet;
    ``opened_at``, when they were told first, the beginning of the schedule; ``notified``, when
    lately, of that it is bad or over; ``openings``, how often it was opened; ``resolved_at``, when
    it was last resolved. ``due``, when ``watch`` looks again if nothing bad comes before;
    ``judged``, the ``last`` that it has seen. ``sending``: a message was about to be sent then, and
    nobody has noted that it was. ``silenced_until``: until then people are not told. ``count``,
    ``cause``, ``apps``, ``deployment``, ``by``, ``group``: for readers. ``version``: of these.
    """

    cluster: str
    subject: str
    since: datetime
    last: datetime
    severity: str = ""
    title: str = ""
    state: State | None = None
    opened_at: datetime | None = None
    notified: tuple[datetime, ...] = ()
    openings: int = 0
    resolved_at: datetime | None = None
    due: datetime | None = None
    judged: datetime | None = None
    sending: datetime | None = None
    silenced_until: datetime | None = None
    count: int = 0
    cause: str = ""
    apps: tuple[str, ...] = ()
    deployment: str = ""
    by: str = ""
    group: str = ""
    no_events: bool = False
    version: int = 0

    @property
    def deployment_id(self) -> str:
        """The id of the deployment that it is about; empty if it is about something else."""
        id_ = self.subject.removeprefix("deployment:")
        return "" if id_ == self.subject else id_

    @property
    def path(self) -> str:
        """The path of the app or pod that it is about; empty if there is none."""
        kind, _, path = self.subject.partition(":")
        return path if kind in ("app", "pod") else ""

    @property
    def is_open(self) -> bool:
        """Whether people were told of it and not yet of its end."""
        return self.state in ("opened", "ongoing")

    @property
    def is_news(self) -> bool:
        """Whether something bad came that ``watch`` has not seen."""
        return self.judged is None or self.last > self.judged

    @property
    def is_shown(self) -> bool:
        """Whether readers see it: not what may be nothing, and not what is over."""
        return bool(self.severity) and self.state != "resolved"

    def may_open(self, now: datetime, timing: Timing) -> bool:
        """Whether people may be told that it is bad: on the schedule of its first opening, and not
        too often.
        """
        if self.opened_at is None or not self.notified:
            return True
        bad = self.notified[-1]
        lately = sum(now - each < _TWO_HOURS for each in self.notified)
        room = lately <= timing.most_within_two_hours - 2  # its end is told, too
        return room and now >= timing.next_repeat(self.opened_at, bad)

    def told(self, state: State, now: datetime) -> "Incident":
        """It, once people have been told so."""
        opens = state == "opened"
        return replace(
            self,
            state=state,
            opened_at=self.opened_at or now,
            notified=(*self.notified, now)[-_MOST_KEPT:],
            openings=self.openings + opens,
            resolved_at=now if state == "resolved" else self.resolved_at,
            silenced_until=None,
        )

    def summary(self) -> dict[str, Any]:
        """What readers are shown of it."""
        shown: dict[str, Any] = {
            "subject": self.subject,
            "since": times.iso(self.since),
            "severity": self.severity,
            "title": self.title,
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


_RANKS: list[str] = ["", *SEVERITIES]


def worst(severities: Iterable[str]) -> str:
    """The worst of some severities; empty if there is none."""
    return max(severities, key=_RANKS.index, default="")


def no_events(cluster: str, since: datetime, now: datetime) -> Incident:
    """That nothing comes from a cluster."""
    return Incident(
        cluster,
        MARATHON,
        since,
        now,
        "error",
        "No event comes from Marathon any more",
        no_events=True,
    )
