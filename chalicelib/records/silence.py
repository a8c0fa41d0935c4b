"""A silence: a time in which people get no alerts of some incidents. Alertmanager's word and
meaning: what matches is not notified, and everything is still seen. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import times
from chalicelib.marathon.severity import SEVERITIES

_ALL_BELOW = "/*"


@dataclass(frozen=True, slots=True)
class Silence:
    """``clusters``, ``apps``: which; none for all. An app is a path, or all below: ``/shop/*``.
    ``severity``: this or worse; empty for all. ``by``: who made it. It ends at ``until``.
    """

    id: str
    since: datetime
    until: datetime
    comment: str
    by: str = ""
    clusters: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    severity: str = ""

    def is_active(self, now: datetime) -> bool:
        """Whether it lasts."""
        return self.since <= now < self.until

    def matches(self, cluster: str, severity: str, apps: Sequence[str]) -> bool:
        """Whether it covers an incident about those apps: about all of them."""
        if self.clusters and cluster not in self.clusters:
            return False
        if self.severity and SEVERITIES.index(severity) < SEVERITIES.index(self.severity):
            return False
        return not self.apps or (bool(apps) and all(map(self._covers, apps)))

    def _covers(self, app: str) -> bool:
        return any(
            app.startswith(each[:-1]) if each.endswith(_ALL_BELOW) else app == each
            for each in self.apps
        )

    def summary(self) -> dict[str, Any]:
        """What readers are shown of it."""
        filters = {
            "cluster": list(self.clusters),
            "app": list(self.apps),
            "severity": self.severity,
        }
        return {
            "id": self.id,
            "filters": {name: value for name, value in filters.items() if value},
            "since": times.iso(self.since),
            "until": times.iso(self.until),
            "comment": self.comment,
            "by": self.by,
        }
