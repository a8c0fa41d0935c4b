"""The story of a deployment on a terminal."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace

from ops import view
from ops.cli import Failure
from ops.looking import finding, rows
from ops.stage.resources import Stage
from ops.view import Screen

from rich.text import Text

from chalicelib import history, story, times
from chalicelib.history import Wanted
from chalicelib.marathon.titles import ACTIONS
from chalicelib.records.changes import Field
from chalicelib.records.story import Action, Step, Story
from chalicelib.records.summary import Summary
from chalicelib.text import listed, visible, visible_json

_SHOWN = 5
_INDENT = 2

_SIGNS = {"succeeded": "✓", "failed": "✗", "running": "▸", "waiting": "·", "unknown": "?"}
STYLES = {
    "succeeded": "green",
    "failed": "bold red",
    "cancelled": "yellow",
    "running": "cyan",
    "unknown": "yellow",
}
"""How the state of a deployment looks."""


def find(stage: Stage, clusters: tuple[str, ...], beginning: str) -> Story:
    """The story of the deployment whose id begins with this text. Raises Failure."""
    every = (story.of_deployment(stage.store, name, beginning) for name in clusters)
    if exact := next(filter(None, every), None):
        return exact
    found = {
        (record.cluster, record.deployment)
        for name in clusters
        for record in itertools.islice(
            history.newest_first(stage.store, Wanted((name,))), finding.NEWEST
        )
        if record.deployment and record.deployment.startswith(beginning)
    }
    if len(found) > 1:
        ids = listed([id_ for _, id_ in sorted(found)], _SHOWN)
        raise Failure(f"{len(found)} deployments have ids that begin with {beginning!r}: {ids}.")
    for cluster, id_ in found:
        if made := story.of_deployment(stage.store, cluster, id_):
            return made
    raise Failure(
        f"No deployment among the newest {finding.NEWEST:,} events of {', '.join(clusters)} has an "
        f"id that begins with {beginning!r}. For an older one, give the whole id."
    )


def as_json(deployment: Story) -> str:
    """A story as one line of JSON."""
    return visible_json(json.dumps(deployment.model_dump(by_alias=True, exclude_none=True)))


def text(deployment: Story, where: Screen) -> Text:
    """A story for reading."""
    made = Text.assemble(
        f"Deployment {visible(deployment.id)} in cluster {deployment.cluster}: ",
        (deployment.state, STYLES[deployment.state]),
        "\n",
        *(f"  {visible(app)}\n" for app in deployment.apps),
        (f"  {_when(deployment, where)}\n", "dim"),
    )
    for each in deployment.waiting or ():
        made.append(f"  {visible(each)}\n", "yellow")
    if deployment.reason:
        made.append(f"  {visible(deployment.reason)}\n", "yellow")
    _part(made, "Steps", [_step(each) for each in deployment.steps])
    _part(
        made,
        "What changed",
        [
            Text(f"{visible(change.app)}  {_field(field)}")
            for change in deployment.changes
            for field in change.fields
        ],
    )
    failed = {each.id for each in deployment.failures}
    _part(made, "What failed", _events(deployment.failures, where))
    others = [each for each in deployment.events if each.id not in failed]
    _part(made, "Other events" if failed else "Events", _events(others, where))
    made.rstrip()
    return made


def _events(summaries: Sequence[Summary], where: Screen) -> list[Text]:
    if not where.width:
        return [view.line(each, where) for each in summaries]
    return list(rows.collapsed(summaries, replace(where, width=where.width - _INDENT)))


def _part(made: Text, heading: str, lines: list[Text]) -> None:
    if lines:
        made.append(f"\n{heading}\n", "bold")
    for each in lines:
        made.append(" " * _INDENT).append(each).append("\n")


def _when(deployment: Story, where: Screen) -> str:
    begin = where.exact(times.iso(deployment.started_at)) if deployment.started_at else "?"
    end = f" – {where.exact(times.iso(deployment.ended_at))}" if deployment.ended_at else ""
    took = f" ({times.duration(deployment.seconds)})" if deployment.seconds is not None else ""
    who = f", by {visible(deployment.started_by)}" if deployment.started_by else ""
    return f"{begin}{end}{took}{who}"


def _step(step: Step) -> Text:
    style = STYLES.get(step.state, "dim")
    took = f" in {times.duration(step.seconds)}" if step.seconds is not None else ""
    return Text.assemble(
        (f"{_SIGNS[step.state]} {step.number}", style),
        f"  {visible(', '.join(map(_action, step.actions)))}",
        (f"  {step.state}{took}", "dim"),
    )


def _action(action: Action) -> str:
    return f"{ACTIONS.get(action.action, action.action)} {action.app or '?'}{_scale(action)}"


def _scale(action: Action) -> str:
    if action.to is not None and action.to == action.from_:
        return f" ({action.to} instance{'' if action.to == 1 else 's'})"
    before = f" from {action.from_}" if action.from_ is not None else ""
    return before + (f" to {action.to}" if action.to is not None else "")


def _field(field: Field) -> str:
    if field.before is None and field.after is None:
        return visible(f"{field.field} {field.change}")
    before, after = (
        "–" if value is None else json.dumps(value, ensure_ascii=False)
        for value in (field.before, field.after)
    )
    return visible(f"{field.field}: {before} → {after}")
