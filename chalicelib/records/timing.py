"""When people are notified of an incident. All times stand in this one table, under Alertmanager's
names where it has them.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

_minutes = timedelta(minutes=1)
_hours = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Timing:
    """All times are by our clock, from when an event came: clocks differ, and events may be late.

    An app is notified

    - if ``crash_loop`` lives or more ended unasked within ``crash_loop_within``, or ``relapses``
      within ``relapses_within``, but not before ``group_wait`` has passed since the first;
    - if one that ended was not replaced within ``replaced_within``, or a relay has said for so long
      that instances wait for offers;
    - if one is unreachable or fails its checks for ``lasts``.

    A deployment without a reason is notified if nothing replaced it within ``superseded_within``;
    one that stands still after ``stuck``.

    While it goes on it is notified again so long after it was opened: ``repeat_intervals``, and
    then every ``repeat_interval``; at most ``most_within_two_hours`` messages in two hours. It is
    resolved when nothing bad came for ``resolve_after``, or twice the longest pause between its
    failures, up to ``resolve_at_latest``. ``same_incident``: bad again within that time, it is the
    same incident.

    ``group_interval``: where many incidents of a cluster keep coming, they are gathered so long.
    ``look``: from one look of ``watch`` to the next. ``unsure``: so long after a message was about
    to be sent, whoever was about to send it is gone. ``cause_within``: a deployment so long before
    an incident may be its cause.
    """

    group_wait: timedelta = timedelta(seconds=45)
    crash_loop: int = 3
    crash_loop_within: timedelta = 15 * _minutes
    relapses: int = 4
    relapses_within: timedelta = 2 * _hours
    replaced_within: timedelta = 2 * _minutes
    lasts: timedelta = 5 * _minutes
    superseded_within: timedelta = 5 * _minutes
    stuck: timedelta = 15 * _minutes
    repeat_intervals: tuple[timedelta, ...] = (15 * _minutes, 1 * _hours)
    repeat_interval: timedelta = 6 * _hours
    most_within_two_hours: int = 4
    resolve_after: timedelta = 15 * _minutes
    resolve_at_latest: timedelta = 6 * _hours
    same_incident: timedelta = 24 * _hours
    group_interval: timedelta = 5 * _minutes
    look: timedelta = 1 * _minutes
    unsure: timedelta = 2 * _minutes
    cause_within: timedelta = 1 * _hours

    def faster(self, factor: float) -> "Timing":
        """The same with all times so many times shorter, for a demonstration."""
        values: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return Timing(**{name: _shorter(value, factor) for name, value in values.items()})

    def next_repeat(self, opened: datetime, notified: datetime) -> datetime:
        """When an incident that was opened and last notified then is to be notified again."""
        for interval in self.repeat_intervals:
            if opened + interval > notified:
                return opened + interval
        repeats = (notified - opened) // self.repeat_interval + 1
        return opened + repeats * self.repeat_interval


def _shorter(value: Any, factor: float) -> Any:
    if isinstance(value, timedelta):
        return value / factor
    return tuple(each / factor for each in value) if isinstance(value, tuple) else value


TIMING = Timing()

TOGETHER = 5
"""More than so many incidents of a cluster at one look are one message."""
