"""When incidents were opened and resolved, from the alerts that were sent."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.records import words
from chalicelib.services.alerts_sent import AlertSent, AlertsSent
from chalicelib.services.store import Window

# How many alerts are read at most: a busy night has dozens.
MOST_ALERTS = 2_000
_PAGE = 250


@dataclass(frozen=True, slots=True)
class PastIncident:
    """One incident, or several that were told together. ``counts``: how often each of its apps
    failed. ``resolved_at``: None while it is open.
    """

    subject: str
    severity: str
    title: str
    opened_at: datetime
    apps: tuple[str, ...]
    counts: Mapping[str, int]
    resolved_at: datetime | None = None


def past(sent: AlertsSent, cluster: str, window: Window) -> list[PastIncident]:
    """The incidents of a cluster in that time, the newest first. Raises TableError."""
    found = itertools.islice(sent.newest_first(cluster, window, _PAGE), MOST_ALERTS)
    return sorted(_incidents(reversed(list(found))), key=lambda each: each.opened_at, reverse=True)


def _incidents(alerts: Iterable[AlertSent]) -> list[PastIncident]:
    """The incidents that some alerts, oldest first, tell of."""
    ended: list[PastIncident] = []
    open_: list[PastIncident] = []
    for each in alerts:
        same = [one for one in open_ if _is_same(one, each)]
        if not same and each.state != "resolved":
            open_.append(_begun(each))
            continue
        others = [one for one in open_ if one not in same]
        known = [replace(one, counts={**one.counts, **each.counts}) for one in same]
        if each.state == "resolved":
            ended += [replace(one, resolved_at=each.at) for one in known]
            open_ = others
        else:
            open_ = [*others, *known]
    return [*ended, *open_]


def _begun(alert: AlertSent) -> PastIncident:
    title = words.headline(alert.cluster, alert.title)
    return PastIncident(alert.subject, alert.severity, title, alert.at, alert.apps, alert.counts)


def _is_same(incident: PastIncident, alert: AlertSent) -> bool:
    """Whether an alert is about an incident; of several that were told together, about the most."""
    if incident.subject != alert.subject:
        return False
    if not incident.apps or not alert.apps or alert.subject != "marathon":
        return True
    return len(set(incident.apps) & set(alert.apps)) * 2 >= min(len(incident.apps), len(alert.apps))
