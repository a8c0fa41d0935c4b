"""How a stage and its clusters are now: the newest events, what is running, what is wrong."""

import json
from dataclasses import dataclass
from typing import Any

from ops import view
from ops.doctor.findings import duration
from ops.stage import queues, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

from rich.text import Text

from chalicelib import history, story, times
from chalicelib.records.incident import Incident
from chalicelib.records.record import Record
from chalicelib.records.story import Running
from chalicelib.services import aws
from chalicelib.text import visible


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

    def text(self) -> Text:
        """Some lines for people."""
        text = Text.assemble((visible(self.name), "bold green"), "  ", _age(self.newest))
        for each in self.running:
            text.append("\n  ").append(_progress(each), "cyan")
        for incident in self.incidents:
            text.append("\n  ").append(incident_line(incident))
        if not (self.running or self.incidents):
            text.append("\n  all well: no deployment is running, nothing is wrong", "dim")
        return text


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


def stage_lines(stage: Stage) -> list[tuple[str, str]]:
    """How the stage itself is: sentences, each with a style. Nothing after a destroy."""
    if not stage.topic_arn:
        return [("The stage is destroyed: only its table is left.", "yellow")]
    counts = {
        "spill queue": queues.waiting(stage.spill_queue_url),
        "dead-letter queue": queues.waiting(stage.dead_letter_queue_url),
    }
    lines = [
        (f"{name}: {count or 'empty'}", "yellow" if count else "dim")
        for name, count in counts.items()
    ]
    ringing = alarms(stage.name)
    if ringing is None:
        lines.append(("alarms: CloudWatch does not tell", "dim"))
    elif ringing:
        lines += [(f"alarm {name} rings", "bold red") for name in ringing]
    else:
        lines.append(("alarms: none rings", "dim"))
    return lines


def alarms(stage: str) -> list[str] | None:
    """The names of the stage's alarms that ring; None where CloudWatch does not tell."""
    try:
        names = stacks.alarms(stage)
        found = client("cloudwatch").describe_alarms(AlarmNames=names, StateValue="ALARM")
    except aws.ERRORS:
        return None
    return [each["AlarmName"] for each in found["MetricAlarms"]]


def incident_line(incident: Incident, *, cluster: bool = False) -> Text:
    """An incident in one line."""
    return Text.assemble(
        (f"{incident.severity:<7}", view.STYLES.get(incident.severity, "")),
        f"  since {_moment(incident.since)}  ",
        (f"{visible(incident.cluster)}  " if cluster else "", "green"),
        visible(f"{incident.subject}: {incident.title}"),
    )


def _progress(running: Running) -> str:
    step = f"step {running.step or '?'} of {running.steps}" if running.steps else "begun"
    apps = ", ".join(running.apps[:3]) + (" …" if len(running.apps) > 3 else "")
    since = _moment(running.started_at)
    return visible(f"deployment of {apps or '?'}: {step}, since {since}  {running.id}")


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")


def _age(newest: Record | None) -> tuple[str, str]:
    if newest is None:
        return "no event ever came", "yellow"
    seconds = (times.now() - times.from_iso(newest.received_at)).total_seconds()
    return f"last event {duration(max(0.0, seconds))} ago", "dim"
