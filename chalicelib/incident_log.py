"""When incidents were opened and resolved, from the alerts that were sent."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.records import words
from chalicelib.records.incident import path_of
from chalicelib.services.alerts_sent import AlertSent, AlertsSent
from chalicelib.services.store import Window

# How many alerts are read at most: a busy night has dozens.
MOST_ALERTS = 2_000
_PAGE = 250


@dataclass(frozen=True, slots=True)
class PastIncident:
    """``title``: of the last message about it. ``count``: how many instances failed. ``group``:
    what it was notified with. ``resolved_at``: None while it is open.
    """

    subject: str
    severity: str
    title: str
    opened_at: datetime
    apps: tuple[str, ...]
    count: int = 0
    group: str = ""
    resolved_at: datetime | None = None

    @property
    def path(self) -> str:
        """The path of the app or pod that it is about; empty if there is none."""
        return path_of(self.subject)


def past(sent: AlertsSent, cluster: str, window: Window) -> list[PastIncident]:
    """The incidents of a cluster in that time, the newest first. Raises TableError."""
    found = itertools.islice(sent.newest_first(cluster, window, _PAGE), MOST_ALERTS)
    return sorted(_incidents(reversed(list(found))), key=lambda each: each.opened_at, reverse=True)


def _incidents(alerts: Iterable[AlertSent]) -> list[PastIncident]:
    """The incidents that some alerts, oldest first, are about."""
    ended: list[PastIncident] = []
    open_: dict[str, PastIncident] = {}
    for alert in alerts:
        for subject, count in alert.counts.items():
            known = open_.pop(subject, None)
            if known is None and alert.state == "resolved":
                continue  # it was opened before the time that is asked for
            now = replace(known or _begun(alert, subject), count=count)
            if len(alert.counts) == 1 and not now.group:
                now = replace(now, title=words.headline(alert.cluster, alert.title))
            if alert.state == "resolved":
                ended.append(replace(now, resolved_at=alert.at))
            else:
                open_[subject] = now
    return [*ended, *open_.values()]


def _begun(alert: AlertSent, subject: str) -> PastIncident:
    title = words.headline(alert.cluster, alert.title)
    if len(alert.counts) == 1:
        return PastIncident(subject, alert.severity, title, alert.at, alert.apps)
    path = path_of(subject)
    apps = (path,) if path else ()
    return PastIncident(subject, alert.severity, title, alert.at, apps, group=title)
