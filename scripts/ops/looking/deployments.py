"""Deployments as a list on a terminal."""

import json
from collections.abc import Iterator
from dataclasses import replace

from ops.looking.stories import STYLES
from ops.stage.resources import Stage
from ops.view import Screen

from rich.text import Text

from chalicelib import deployments
from chalicelib.deployments import Deployment, Wanted
from chalicelib.text import visible
from chalicelib.times import duration

_PAGE = 100
_APPS = 3
_SHORT_ID = 8


def newest_first(stage: Stage, wanted: Wanted) -> Iterator[Deployment]:
    """The wanted deployments of a cluster, newest first. They are read page by page."""
    while True:
        page = deployments.page(stage.store, wanted, _PAGE)
        yield from page.deployments
        if page.last is None:
            return
        wanted = replace(wanted, before=page.last)


def as_json(deployment: Deployment) -> str:
    """A deployment as one line of JSON."""
    return json.dumps(deployment.model_dump(exclude_none=True))


def line(deployment: Deployment, where: Screen, *, cluster: bool = False) -> Text:
    """A deployment in one line: when, how it ended, which apps, what changed, by whom, how long.
    ``cluster``: with its name. Where it is too long for a terminal, the id is cut: commands take
    the beginning of one.
    """
    id_ = visible(deployment.id)
    whole = _line(deployment, where, id_, cluster=cluster)
    if not where.width or whole.cell_len <= where.width:
        return whole
    return _line(deployment, where, id_[:_SHORT_ID], cluster=cluster)


def _line(deployment: Deployment, where: Screen, id_: str, *, cluster: bool) -> Text:
    style = STYLES[deployment.state]
    about = [deployment.changed, deployment.started_by and f"by {deployment.started_by}"]
    return Text.assemble(
        (where.minute(deployment.started_at), "dim"),
        "  ",
        (f"{deployment.state:<9}", style),
        "  ",
        (f"{deployment.cluster}  " if cluster else "", "green"),
        visible(_apps(deployment)),
        *(f"  {visible(words)}" for words in about if words),
        (f"  {_took(deployment)}", "dim"),
        (f"  {id_}", "dim"),
    )


def _apps(deployment: Deployment) -> str:
    apps = deployment.apps
    more = len(apps) - _APPS + (deployment.apps_omitted or 0)
    names = ", ".join(apps[:_APPS]) or "no app"
    return f"{names} and {more} more" if more > 0 else names


def _took(deployment: Deployment) -> str:
    return "" if deployment.seconds is None else duration(deployment.seconds)
