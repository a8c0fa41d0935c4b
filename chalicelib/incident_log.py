"""When incidents were opened and resolved, from the alerts that were sent."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.services.alerts_sent import AlertSent, AlertsSent
from chalicelib.services.store import Window

# How many alerts are read at most: a busy night has dozens.
MOST_ALERTS = 2_000
_PAGE = 250


@dataclass(frozen=True, slots=True)
class PastIncident:
    """One incident, or several that were told together. ``resolved_at``: None while it is open."""

    subject: str
    severity: str
    title: str
    opened_at: datetime
    apps: tuple[str, ...]
    resolved_at: datetime | None = None


def past(sent: AlertsSent, cluster: str, window: Window) -> list[PastIncident]:
    """The incidents of a cluster in that time, the newest first. Raises TableError."""
    found = itertools.islice(sent.newest_first(cluster, window, _PAGE), MOST_ALERTS)
    return sorted(_incidents(reversed(list(found))), key=lambda each: each.opened_at, reverse=True)


def _incidents(alerts: Iterable[AlertSent]) -> list[PastIncident]:
    """The incidents that some alerts, oldest first, tell of. Each is over when all is that its
    alert named.
    """
    ended: list[PastIncident] = []
    open_: list[tuple[set[str], PastIncident]] = []
    for each in alerts:
        names = set(each.incidents)
        if each.state == "resolved":
            left = [(known - names, one) for known, one in open_]
            ended += [replace(one, resolved_at=each.at) for known, one in left if not known]
            open_ = [(known, one) for known, one in left if known]
        elif new := names.difference(*(known for known, _ in open_)):
            told = PastIncident(each.subject, each.severity, each.title, each.at, each.apps)
            open_.append((new, told))
    return [*ended, *(one for _, one in open_)]
