"""When people are told of an incident. All times stand in this one table."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from chalicelib import times
from chalicelib.records.incident import Incident

_minutes = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Patience:
    """All times are by our clock, from when an event came: clocks differ, and events may be late.

    Each incident:

    - ``gather``: so long after it began it is told, so that ten tasks that fail together are one
      message.
    - ``warnings``: an incident of warnings alone is told only if it lasts so long.
    - ``again``: while it goes on it is told again so long after it began, and then every
      ``later``, if there is something new.
    - ``over``: it is over when nothing bad came for so long.

    A deployment that was cancelled is told if nothing replaced it within ``replaced``.

    ``look``: the time from one look to the next. If many incidents begin or end, the others that
    will be due at the next look are waited for, once.

    ``unsure``: so long after a message was about to be sent, whoever was about to send it is gone.
    ``before``: a deployment that ended so long before an incident may be its cause.
    ``remembered``: so long an ended incident is kept, since its events may come again. The table's
    stream keeps them for a day.
    """

    gather: timedelta = timedelta(seconds=45)
    warnings: timedelta = 5 * _minutes
    again: tuple[timedelta, ...] = (15 * _minutes, 60 * _minutes)
    later: timedelta = 360 * _minutes
    over: timedelta = 15 * _minutes
    replaced: timedelta = 5 * _minutes
    look: timedelta = 1 * _minutes
    unsure: timedelta = 2 * _minutes
    before: timedelta = 60 * _minutes
    remembered: timedelta = timedelta(days=2)

    def faster(self, factor: float) -> "Patience":
        """The same with all times so many times shorter, for a demonstration."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        times_ = values.pop("again")
        shorter = {name: value / factor for name, value in values.items()}
        return Patience(**shorter, again=tuple(each / factor for each in times_))

    def begins(self, incident: Incident) -> datetime:
        """When an incident that people do not know is to be told, if it is to be told at all."""
        wait = self.gather if incident.severity == "error" else self.warnings
        return _time(incident.opened) + wait

    def goes_on(self, incident: Incident) -> datetime:
        """When an incident that people know is to be told again, if there is something new."""
        told = _time(incident.told_at)
        if incident.tellings > len(self.again):
            return told + self.later
        return max(_time(incident.opened) + self.again[incident.tellings - 1], told + self.again[0])

    def ends(self, incident: Incident) -> datetime:
        """When an incident is over, if nothing bad comes until then."""
        return _time(incident.heard) + self.over

    def lasts(self, incident: Incident) -> bool:
        """Whether bad events came for long enough that warnings alone matter."""
        return _time(incident.last) - _time(incident.since) >= self.warnings


PATIENCE = Patience()

TOGETHER = 5
"""If more than so many incidents of a cluster are to be told at one look, they are one message."""


def _time(text: str) -> datetime:
    return times.from_iso(text)
