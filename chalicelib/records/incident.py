"""An incident: warnings and errors of one subject that have not yet ended, and what people were
told of them. Pure: ``services/incidents`` keeps it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.marathon.severity import SEVERITIES


@dataclass(frozen=True, slots=True)
class Incident:
    """``since``, ``last``: the times of the first and of the newest bad event, by Marathon's clock.
    ``title``: that of the newest. All other times are by our clock: ``opened``, when the first of
    them came, and ``heard``, when the newest came.

    ``told_since``, ``told_last``: nothing bad that happened between these needs telling any more,
    also of earlier incidents of this subject. ``told_at``: when people were last told of this
    incident. ``tellings``: how often. ``ended``: when it ended; empty while it is open. ``unsure``:
    the last message was about to be sent, and nobody has noted that it was. ``silence``: it is no
    event, but that none comes.
    """

    cluster: str
    subject: str
    since: str
    last: str
    severity: str
    title: str
    opened: str = ""
    heard: str = ""
    told_since: str = ""
    told_last: str = ""
    told_at: str = ""
    tellings: int = 0
    ended: str = ""
    unsure: bool = False
    silence: bool = False

    @property
    def deployment(self) -> str:
        """The id of the deployment that it is about; empty if it is about something else."""
        id_ = self.subject.removeprefix("deployment:")
        return "" if id_ == self.subject else id_

    @property
    def path(self) -> str:
        """The path of the app, pod or group that it is about; empty if there is none."""
        kind, _, path = self.subject.partition(":")
        return path if kind in ("app", "pod", "group") else ""

    @property
    def has_news(self) -> bool:
        """Whether something bad has happened that people need not know yet."""
        return not self.told_last or self.last > self.told_last or self.since < self.told_since

    def is_settled(self, time: str) -> bool:
        """Whether something bad that happened at that time needs no telling any more."""
        return bool(self.told_last) and self.told_since <= time <= self.told_last

    def moved(self, time: str, severity: str, title: str, now: str) -> "Incident":
        """The incident with one more bad event. Only the earlier ``since``, the later ``last`` and
        the worse severity count, so events may come in any order, and twice.
        """
        if self.is_settled(time):
            return self
        if self.ended and not self.unsure:
            return Incident(
                self.cluster,
                self.subject,
                since=time,
                last=time,
                severity=severity,
                title=title,
                opened=now,
                heard=now,
                told_since=self.told_since,
                told_last=self.told_last,
            )
        since, last = min(self.since, time), max(self.last, time)
        worse = worst((self.severity, severity))
        if (since, last, worse, self.ended) == (self.since, self.last, self.severity, ""):
            return self
        # If its end may not have been told, it goes on as if it had not ended.
        return replace(
            self,
            since=since,
            last=last,
            severity=worse,
            title=title if last == time else self.title,
            heard=now,
            ended="",
        )

    def told(self, now: str, *, over: bool = False) -> "Incident":
        """The incident once people have been told of all of it. ``over``: and that it ended."""
        return replace(
            self,
            told_since=min(self.told_since or self.since, self.since),
            told_last=max(self.told_last, self.last),
            told_at=now,
            tellings=self.tellings + 1,
            ended=now if over else self.ended,
        )

    def summary(self) -> dict[str, str]:
        """What readers are shown of it."""
        return {
            "subject": self.subject,
            "since": self.since,
            "severity": self.severity,
            "title": self.title,
        }


_RANKS: list[str] = [*SEVERITIES]


def worst(severities: Iterable[str]) -> str:
    """The worst of some severities."""
    return max(severities, key=_RANKS.index)


def from_values(values: dict[str, Any]) -> Incident:
    """The incident made from an item's plain values."""
    cluster, _, subject = values["sk"].partition("|")
    silence = subject == SILENCE
    known = {name: values[name] for name in KEPT if name in values}
    return Incident(cluster, "marathon" if silence else subject, silence=silence, **known)


SILENCE = "silence"
"""What stands in the key for the subject, if nothing comes from the cluster."""

KEPT = (
    "since",
    "last",
    "severity",
    "title",
    "opened",
    "heard",
    "told_since",
    "told_last",
    "told_at",
    "tellings",
    "ended",
    "unsure",
)
"""The attributes of its item, beside the key."""
