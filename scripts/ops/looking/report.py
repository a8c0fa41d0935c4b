"""What happened to a cluster in some hours: for the meeting of the morning, on one screen. It costs
a few queries, however many events there were.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ops.looking import deployments as listing
from ops.stage.resources import Stage

from rich.text import Text

from chalicelib import history, incident_log, times
from chalicelib.deployments import Deployment, Wanted
from chalicelib.incident_log import PastIncident
from chalicelib.records.record import Record
from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.store import Window
from chalicelib.text import visible

# So much of each is read, and so much of each is shown: the rest is counted.
_MOST_DEPLOYMENTS = 1_000
_MOST_GAPS = 100
_SHOWN = 5
_OUTCOMES = ("failed", "cancelled", "succeeded", "running", "unknown")


@dataclass(frozen=True)
class Report:
    """``incidents``: those open now, as readers see them; ``resolved``: those that ended."""

    cluster: str
    since: datetime
    incidents: list[dict[str, Any]]
    resolved: list[PastIncident]
    deployments: list[Deployment]
    gaps: list[Record]

    @property
    def failures(self) -> list[tuple[str, int]]:
        """The apps that failed most, and how often."""
        counts: Counter[str] = Counter()
        for each in self.incidents:
            for app in _apps(each):
                counts[app] += each.get("count", 1)
        return counts.most_common(_SHOWN)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many deployments ended in each way."""
        counts: Counter[str] = Counter(each.state for each in self.deployments)
        return {each: counts[each] for each in _OUTCOMES if counts[each]}

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {
                "cluster": self.cluster,
                "since": times.iso(self.since),
                "incidents": self.incidents,
                "resolved": [
                    {
                        "subject": each.subject,
                        "title": each.title,
                        "opened_at": _iso(each.opened_at),
                        "resolved_at": _iso(each.resolved_at),
                    }
                    for each in self.resolved
                ],
                "outcomes": self.outcomes,
                "deployments": [each.model_dump(exclude_none=True) for each in self.deployments],
                "failed_most": [{"app": app, "count": count} for app, count in self.failures],
                "gaps": [each.summary() for each in self.gaps],
            }
        )

    def text(self) -> Text:
        """Some lines for people."""
        made = Text.assemble(
            (visible(self.cluster), "bold green"),
            f"  since {times.iso(self.since)[:16].replace('T', ' ')} UTC",
        )
        for line in self._lines():
            made.append("\n  ").append(line)
        return made

    def _lines(self) -> Iterator[Text]:
        yield from _part("open incidents", [_incident(each) for each in self.incidents], "bold red")
        yield from _part("resolved incidents", [_past(each) for each in self.resolved], "")
        outcomes = ", ".join(f"{count} {state}" for state, count in self.outcomes.items())
        yield Text(f"deployments: {outcomes or 'none'}")
        failed = [each for each in self.deployments if each.state == "failed"]
        yield from _some([listing.line(each) for each in failed])
        if self.failures:
            most = ", ".join(f"{app} {count}×" for app, count in self.failures)
            yield Text(visible(f"failed most: {most}"))
        yield from _part(
            "gaps of a relay", [Text(visible(each.title)) for each in self.gaps], "yellow"
        )
        if not (self.incidents or self.resolved or failed or self.gaps):
            yield Text("nothing went wrong", "dim")


def of(stage: Stage, cluster: str, since: datetime, app: str = "") -> Report:
    """The report of a cluster. ``app``: of one app, or of all below a path (``/prod/*``)."""
    wanted = Wanted(cluster, app=app, since=since)
    gaps = history.Wanted(
        (cluster,), subject="marathon", type="relay_gap", window=Window.between(since)
    )
    sent = AlertsSent(stage.table)
    past = incident_log.past(sent, cluster, Window.between(since))
    found = [each.summary() for each in stage.incidents.all() if each.cluster == cluster]
    return Report(
        cluster,
        since,
        [each for each in found if not app or any(wanted.touches(path) for path in _apps(each))],
        [
            each
            for each in past
            if each.resolved_at and (not app or any(map(wanted.touches, each.apps)))
        ],
        list(itertools.islice(listing.newest_first(stage, wanted), _MOST_DEPLOYMENTS)),
        list(itertools.islice(history.newest_first(stage.store, gaps), _MOST_GAPS)),
    )


def _apps(incident: dict[str, Any]) -> list[str]:
    kind, _, path = incident["subject"].partition(":")
    return incident.get("apps") or ([path] if kind in ("app", "pod") else [])


def _incident(incident: dict[str, Any]) -> Text:
    what = incident.get("cause") or incident["title"]
    often = f" ({incident['count']} times)" if incident.get("count", 0) > 1 else ""
    since = incident["since"][:16].replace("T", " ")
    return Text(visible(f"{incident['subject']}: {what}{often}, since {since}"))


def _past(incident: PastIncident) -> Text:
    begin, end = _iso(incident.opened_at), _iso(incident.resolved_at)
    return Text(visible(f"{begin[:16].replace('T', ' ')} – {end[11:16]}  {incident.title}"))


def _iso(time: datetime | None) -> str:
    return times.iso(time) if time else ""


def _part(heading: str, lines: list[Text], style: str) -> Iterator[Text]:
    if lines:
        yield Text(f"{heading}: {len(lines)}", style)
        yield from _some(lines)


def _some(lines: list[Text]) -> Iterator[Text]:
    for each in lines[:_SHOWN]:
        yield Text("  ").append(each)
    if len(lines) > _SHOWN:
        yield Text(f"  and {len(lines) - _SHOWN} more", "dim")
