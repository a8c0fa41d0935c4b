"""How a stage and its clusters are now: the newest events, what is running, what is wrong."""

import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from ops import view
from ops.stage import queues, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.view import Screen

from rich.text import Text

from chalicelib import history, story, times
from chalicelib.records.incident import Incident, worst
from chalicelib.records.record import Record
from chalicelib.records.story import Running
from chalicelib.services import aws
from chalicelib.services.alerts_sent import AlertSent
from chalicelib.text import listed, visible

_T = TypeVar("_T")

_APPS = 3


@dataclass(frozen=True)
class ClusterState:
    """One cluster. ``newest``: the event that came last, if any ever came."""

    name: str
    newest: Record | None
    running: list[Running]
    incidents: list[Incident]

    def as_json(self) -> str:
        """One line of JSON."""
        values: dict[str, Any] = {
            "cluster": self.name,
            "deployments": [each.model_dump(exclude_none=True) for each in self.running],
            "incidents": [each.summary() for each in self.incidents],
        }
        if self.newest:
            values["newest"] = self.newest.timestamp
            values["received_at"] = self.newest.received_at
        return json.dumps(values)

    def text(self, where: Screen) -> Text:
        """Some lines for people."""
        text = Text.assemble((visible(self.name), "bold green"), "  ", _age(self.newest))
        for each in self.running:
            text.append("\n  ").append(_progress(each, where), "cyan")
        for line in incident_lines(self.incidents, where):
            text.append("\n  ").append(line)
        if self.newest and not (self.running or self.incidents):
            text.append("\n  no deployment is running, and no incident is open", "dim")
        return text


@dataclass(frozen=True)
class StageState:
    """The stage itself: how many messages wait on its two queues, and the names of its alarms that
    are in ALARM; None where CloudWatch does not tell.
    """

    stage: str
    spilled: int
    dead_letters: int
    alarms: list[str] | None

    def as_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    def text(self) -> Text:
        """A line each for the queues and for the alarms."""
        made = Text()
        queues = {"spill queue": self.spilled, "dead-letter queue": self.dead_letters}
        for name, count in queues.items():
            made.append(f"{name}: {count or 'empty'}\n", "yellow" if count else "dim")
        if self.alarms is None:
            return made.append("alarms: CloudWatch could not be asked", "dim")
        if not self.alarms:
            return made.append("alarms: none is in ALARM", "dim")
        return made.append(f"in ALARM: {', '.join(self.alarms)}", "bold red")


def clusters(stage: Stage, names: tuple[str, ...]) -> list[ClusterState]:
    """The state of each of these clusters."""
    incidents = stage.incidents.all()
    return [
        ClusterState(
            name,
            history.newest_received(stage.store, name),
            story.running(stage.store, name),
            [each for each in incidents if each.cluster == name],
        )
        for name in names
    ]


def stage_state(stage: Stage) -> StageState | None:
    """How the stage itself is; None after a destroy."""
    if not stage.topic_arn:
        return None
    return StageState(
        stage.name,
        queues.waiting(stage.spill_queue_url),
        queues.waiting(stage.dead_letter_queue_url),
        alarms(stage.name),
    )


def alarms(stage: str) -> list[str] | None:
    """The names of the stage's alarms that are in ALARM; None where CloudWatch does not tell."""
    try:
        names = stacks.alarms(stage)
        found = client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
    except aws.ERRORS:
        return None
    return [each["AlarmName"] for each in found["MetricAlarms"]]


def incident_lines(
    incidents: Iterable[Incident], where: Screen, *, cluster: bool = False
) -> Iterator[Text]:
    """A line for each; one for all that people were told of together."""
    for found in together(incidents):
        first = min(found, key=lambda each: each.began)
        severity = worst(each.severity for each in found)
        yield Text.assemble(
            (f"{severity:<7}", view.STYLES.get(severity, "")),
            f"  since {where.moment(times.iso(first.began))}  ",
            (f"{visible(first.cluster)}  " if cluster else "", "green"),
            "; ".join(filter(None, said_of(found))),
            (f"  {visible(first.deployment_id)}" if first.deployment_id else "", "dim"),
            (_silenced(first, where), "dim"),
        )


def together(incidents: Iterable[Incident]) -> list[list[Incident]]:
    """Incidents, those that people were told of together in one list."""

    def key(each: Incident) -> tuple[str, ...]:
        alone = (each.subject, str(each.no_events))
        return (each.cluster, *((each.group,) if each.group else alone))

    return grouped(incidents, key)


def grouped(found: Iterable[_T], key: Callable[[_T], Hashable]) -> list[list[_T]]:
    """What has the same key in one list, in the order in which the keys come first."""
    groups: dict[Hashable, list[_T]] = {}
    for each in found:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def said_of(found: list[Incident]) -> tuple[str, str]:
    """What is wrong, and the cause, if it is known: as people were told."""
    first = found[0]
    if len(found) > 1:
        apps = [each.path or each.subject for each in found]
        return visible(f"{first.group}: {listed(apps, _APPS)}"), ""
    title: str = first.summary()["title"]
    about = title if first.path in title else f"{first.path}: {title}"
    return visible(about), visible("" if first.cause in about else first.cause)


def alert_line(sent: AlertSent, where: Screen) -> Text:
    """A message that people got, in one line."""
    return Text.assemble(
        f"{where.moment(times.iso(sent.at))}  ",
        f"{sent.state:<8}  ",
        (f"{sent.severity:<7}", view.STYLES.get(sent.severity, "")),
        f"  {visible(sent.title)}",
    )


def _silenced(incident: Incident, where: Screen) -> str:
    if incident.silenced_until is None:
        return ""
    return f"  (silenced until {where.moment(times.iso(incident.silenced_until))})"


def _progress(running: Running, where: Screen) -> str:
    step = f"step {running.step or '?'} of {running.steps}" if running.steps else "begun"
    apps = listed(running.apps, _APPS) or "?"
    since = where.moment(times.iso(running.started_at))
    return visible(f"deployment of {apps}: {step}, since {since}  {running.id}")


def _age(newest: Record | None) -> tuple[str, str]:
    if newest is None:
        return "no event has ever arrived", "yellow"
    seconds = (times.now() - times.from_iso(newest.received_at)).total_seconds()
    return f"last event {times.duration(max(0.0, seconds))} ago", "dim"
