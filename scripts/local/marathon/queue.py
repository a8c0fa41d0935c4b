"""What waits to be launched, as ``GET /v2/queue`` of each version shows it (read at the tags from
v0.7.0 to v1.8.180).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib import times
from local.marathon.versions import Version

# In the order in which Marathon looks at an offer.
_REASONS = (
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "NoCorrespondingReservationFound",
    "AgentMaintenance",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientGpus",
    "InsufficientPorts",
    "DeclinedScarceResources",
)


@dataclass(frozen=True)
class Queued:
    """Instances of an app (or pod) that wait. ``declined``: for which reason how many ``agents``
    were declined. ``delay``: for how many seconds they are held back after failures.
    """

    definition: Mapping[str, Any]
    count: int
    since: datetime = field(default_factory=times.now)
    agents: int = 0
    declined: Mapping[str, int] = field(default_factory=dict)
    delay: int = 0
    pod: bool = False


def shown(queue: Sequence[Queued], version: Version) -> dict[str, Any]:
    """The answer to ``GET /v2/queue``."""
    return {"queue": [_element(each, version) for each in queue]}


def _element(queued: Queued, version: Version) -> dict[str, Any]:
    delay: dict[str, Any] = {"overdue": not queued.delay}
    if version.says_delay:
        delay["timeLeftSeconds"] = queued.delay
    element = {"count": queued.count, "delay": delay}
    element["pod" if queued.pod else "app"] = dict(queued.definition)
    if version.explains_queue:
        element["since"] = times.iso(queued.since)
        element["processedOffersSummary"] = _summary(queued, version)
    return element


def _summary(queued: Queued, version: Version) -> dict[str, Any]:
    unused = sum(queued.declined.values())
    reasons = _funnel(queued, version)
    return {
        "processedOffersCount": 7 * queued.agents,
        "unusedOffersCount": 7 * unused,
        "rejectSummaryLastOffers": reasons,
        "rejectSummaryLaunchAttempt": [
            each | {name: 7 * each[name] for name in ("declined", "processed")} for each in reasons
        ],
    }


def _funnel(queued: Queued, version: Version) -> list[dict[str, Any]]:
    """All reasons: each got what the ones before left."""
    left, found = queued.agents, []
    for reason in _REASONS:
        if reason in version.missing_reasons:
            continue
        declined = queued.declined.get(reason, 0)
        found.append({"reason": reason, "declined": declined, "processed": left})
        left -= declined
    return found
