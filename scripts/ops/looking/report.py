"""What happened to a cluster in some hours: for the meeting of the morning, on one screen. It costs
a few queries, however many events there were.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ops import view
from ops.looking import deployments as listing
from ops.looking import overview
from ops.stage.resources import Stage
from ops.view import Screen

from rich.text import Text

from chalicelib import history, incident_log, times
from chalicelib.deployments import Deployment, Wanted
from chalicelib.incident_log import PastIncident
from chalicelib.records.incident import Incident
from chalicelib.records.record import Record
from chalicelib.services.store import Window
from chalicelib.text import visible

# So much of each is read, and so much of each is shown, where there is room: the rest is counted.
_MOST_DEPLOYMENTS = 1_000
_MOST_GAPS = 100
_MOST_SHOWN = 20
_SHOWN = 5
_MOST_FAILING = 5
_INDENT = 4
_LEAST_CAUSE = 16  # in less room it says nothing
_OUTCOMES = ("failed", "cancelled", "succeeded", "running", "unknown")


@dataclass(frozen=True)
class Report:
    """``incidents``: those open now; ``resolved``: those that ended."""

    cluster: str
    since: datetime
    incidents: list[Incident]
    resolved: list[PastIncident]
    deployments: list[Deployment]
    gaps: list[Record]

    @property
    def failures(self) -> list[tuple[str, int]]:
        """The apps that failed most, and how often."""
        counts: Counter[str] = Counter()
        found = [(each.path, each.count) for each in self.incidents]
        found += [(each.path, each.count) for each in self.resolved]
        for app, count in found:
            if app and count:
                counts[app] += count
        return counts.most_common(_MOST_FAILING)

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
                "incidents": [each.summary() for each in self.incidents],
                "resolved": [
                    {
                        "subject": each.subject,
                        "title": each.title,
                        "opened_at": _iso(each.opened_at),
                        "resolved_at": _iso(each.resolved_at),
                        "count": each.count,
                    }
                    for each in self.resolved
                ],
                "outcomes": self.outcomes,
                "deployments": [each.model_dump(exclude_none=True) for each in self.deployments],
                "failed_most": [{"app": app, "count": count} for app, count in self.failures],
                "gaps": [each.summary() for each in self.gaps],
            }
        )

    def text(self, where: Screen, rows: int = 0) -> Text:
        """Some lines for people: as many as fit a screen of so many rows, where there is one."""
        made = Text.assemble(
            (visible(self.cluster), "bold green"),
            f"  since {where.minute(times.iso(self.since))} {where.zone_at(times.iso(self.since))}",
        )
        shown = range(_MOST_SHOWN, 0, -1) if rows else ()
        fitting = (some for some in shown if len(list(self._lines(where, some))) < rows)
        for line in self._lines(where, next(fitting, 0 if rows else _SHOWN)):
            made.append("\n").append(_on_one_line(Text("  ").append(line), where))
        return made

    def _lines(self, where: Screen, shown: int) -> Iterator[Text]:
        """``shown``: how many lines of each part."""
        open_ = [_incident(each, where) for each in overview.together(self.incidents)]
        resolved = [_past(each, where) for each in _together(self.resolved)]
        yield from _part("open incidents", open_, "bold red", shown)
        yield from _part("resolved incidents", resolved, "", shown)
        outcomes = ", ".join(f"{count} {state}" for state, count in self.outcomes.items())
        yield Text(f"deployments: {outcomes or 'none'}")
        failed = [each for each in self.deployments if each.state == "failed"]
        yield from _some([listing.line(each, where) for each in failed], shown)
        if self.failures:
            most = ", ".join(f"{app} {count}×" for app, count in self.failures)
            yield Text(visible(f"failed most: {most}"))
        gaps = [
            Text(f"{where.minute(each.timestamp)}  {visible(each.title)}") for each in self.gaps
        ]
        yield from _part("gaps of a relay", gaps, "yellow", shown)
        if not (self.incidents or self.resolved or failed or self.gaps):
            yield Text("nothing went wrong", "dim")


def of(stage: Stage, cluster: str, since: datetime, app: str = "") -> Report:
    """The report of a cluster. ``app``: of one app, or of all below a path (``/prod/*``)."""
    wanted = Wanted(cluster, app=app, since=since)
    gaps = history.Wanted(
        (cluster,), subject="marathon", type="relay_gap", window=Window.between(since)
    )
    past = incident_log.past(stage.alerts_sent, cluster, Window.between(since))
    found = [each for each in stage.incidents.all() if each.cluster == cluster]
    return Report(
        cluster,
        since,
        [each for each in found if not app or any(map(wanted.touches, each.touched))],
        [
            each
            for each in past
            if each.resolved_at and (not app or any(map(wanted.touches, each.apps)))
        ],
        list(itertools.islice(listing.newest_first(stage, wanted), _MOST_DEPLOYMENTS)),
        list(itertools.islice(history.newest_first(stage.store, gaps), _MOST_GAPS)),
    )


def _incident(found: list[Incident], where: Screen) -> Text:
    since = min(each.began for each in found)
    what, cause = overview.said_of(found)
    line = f"{where.minute(times.iso(since))}  {what}"
    room = where.width - _INDENT - len(line) - 2
    if not cause or (where.width and room < _LEAST_CAUSE):
        return Text(line)
    return Text(f"{line}; {view.fitted(cause, room) if where.width else cause}")


def _together(incidents: list[PastIncident]) -> list[list[PastIncident]]:
    """Incidents, those that people were told of together in one list."""
    return overview.grouped(incidents, lambda each: (each.group or each.subject, each.opened_at))


def _past(found: list[PastIncident], where: Screen) -> Text:
    begin, end = _iso(found[0].opened_at), max(_iso(each.resolved_at) for each in found)
    return Text(visible(f"{where.minute(begin)} – {where.clock(end)[:5]}  {found[0].title}"))


def _iso(time: datetime | None) -> str:
    return times.iso(time) if time else ""


def _part(heading: str, lines: list[Text], style: str, shown: int) -> Iterator[Text]:
    if lines:
        yield Text(f"{heading}: {len(lines)}", style)
        yield from _some(lines, shown)


def _some(lines: list[Text], shown: int) -> Iterator[Text]:
    for each in lines[:shown]:
        yield Text("  ").append(each)
    if len(lines) > shown > 0:
        yield Text(f"  and {len(lines) - shown} more", "dim")


def _on_one_line(line: Text, where: Screen) -> Text:
    """A line in the width of a terminal; it loses its end."""
    if where.width:
        line.truncate(where.width, overflow="ellipsis")
    return line
