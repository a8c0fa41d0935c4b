"""Finding what a user names in part, or nearly right."""

import itertools
import re
from collections.abc import Iterator
from typing import NoReturn

from ops import options
from ops.cli import Failure
from ops.stage.resources import Stage

from chalicelib import history
from chalicelib.history import Wanted
from chalicelib.marathon import ids
from chalicelib.records.record import Record, is_id
from chalicelib.services.store import Window

# Among so many of the newest events is looked for what the table has no key for.
NEWEST = 20_000
_NEWEST_FOR_NAMES = 2_000
_SHOWN = 5


def events(stage: Stage, clusters: tuple[str, ...], text: str) -> list[Record]:
    """The whole records with that id, of each cluster that has one; or the only one whose id, or
    short id, begins so. Raises Failure.
    """
    if is_id(text):
        found = [each for name in clusters if (each := stage.store.get(name, text))]
        return found or _none(stage, clusters, text)
    bare = list(itertools.islice(_beginning(stage, clusters, text), _SHOWN + 1))
    if not bare:
        _none(stage, clusters, text)
    if len({each.id for each in bare}) > 1:
        shown = ", ".join(each.id for each in bare[:_SHOWN])
        more = " …" if len(bare) > _SHOWN else ""
        raise Failure(f"Several events have ids that begin with {text!r}: {shown}{more}")
    return [whole for each in bare if (whole := stage.store.get(each.cluster, each.id))]


def event_id(stage: Stage, clusters: tuple[str, ...], text: str) -> str:
    """The whole id of the only event whose id, or short id, begins so. Raises Failure."""
    return text if is_id(text) else events(stage, clusters, text)[0].id


def unknown_app(stage: Stage, clusters: tuple[str, ...], app: str) -> str:
    """A sentence for an app of which nothing is stored; empty if something is."""
    if next(history.newest_first(stage.store, Wanted(clusters, app=app)), None):
        return ""
    newest = history.newest_first(stage.store, Wanted(clusters))
    paths = {
        path for record in itertools.islice(newest, _NEWEST_FOR_NAMES) for path in record.touched
    }
    near = options.nearest(ids.path(app.removesuffix("/*")), paths)
    return f"No event of {app} is stored.{near}"


def _beginning(stage: Stage, clusters: tuple[str, ...], text: str) -> Iterator[Record]:
    """The events whose ids begin so: by their time, the table's order; or by the short id."""
    if re.match(r"\d{8}", text):
        window = Window(text, text)
        yield from history.newest_first(stage.store, Wanted(clusters, window=window))
    if "T" not in text:
        newest = history.newest_first(stage.store, Wanted(clusters))
        for record in itertools.islice(newest, NEWEST):
            if record.id.partition("-")[2].startswith(text):
                yield record


def _none(stage: Stage, clusters: tuple[str, ...], text: str) -> NoReturn:
    whose = (
        f"Cluster {clusters[0]} has no"
        if len(clusters) == 1
        else f"No cluster of {stage.name} has an"
    )
    if is_id(text):
        raise Failure(f"{whose} event {text}, or no longer.")
    raise Failure(
        f"{whose} event whose id begins with {text!r}, or no longer. By a short id only the newest "
        f"{NEWEST:,} events are found: give more of the id, which begins with the time."
    )
