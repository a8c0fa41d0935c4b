"""Tell the story of a deployment: read what is known of it, and no more than a bounded part."""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.marathon.models import ApiPostEvent, Definition
from chalicelib.marathon.plans import DEPLOYMENT_TYPES
from chalicelib.marathon.reading import event
from chalicelib.records import items, story
from chalicelib.records.deployment import REPLACED_WITHIN, REQUESTED_WITHIN
from chalicelib.records.record import Record
from chalicelib.records.story import Case, Running, Story
from chalicelib.services.store import EVERYTHING, Store, Window
from chalicelib.text import clip

# How many records one story reads at most: its own, those of its apps meanwhile, and those of each
# app before, to find an earlier definition.
MOST_OWN = 500
MOST_AROUND = 500
MOST_BEFORE = 200
# How much of bodies one story reads: a small item may hold a body of megabytes.
MOST_BODIES_BYTES = 12_000_000

# How long it may look for earlier definitions.
_MOST_SECONDS = 5.0

# Of how many running deployments readers see how far they are.
MOST_RUNNING = 20

# Of a plan with more apps, the cluster's whole feed is read instead of each app's timeline.
MOST_TIMELINES = 25

_PAGE = 100


def of_deployment(store: Store, cluster: str, id_: str) -> Story | None:
    """The story of a deployment; None if the cluster has no event of it. Raises TableError."""
    own = _own(store, cluster, id_, MOST_OWN)
    if not own:
        return None
    case = Case(cluster, id_, own)
    case.around = _around(store, case)
    case.earlier = _earlier(store, case)
    return story.build(case)


def running(store: Store, cluster: str, within: float = math.inf) -> list[Running]:
    """The deployments of a cluster that have not ended, the newest first. ``within``: at this time
    (``time.monotonic``) it stops looking for more. Raises TableError.
    """
    noted = store.running(cluster)[:MOST_RUNNING]
    noted_in_time = itertools.takewhile(lambda _: time.monotonic() < within, noted)
    cases = (Case(cluster, id_, _own(store, cluster, id_, _PAGE)) for id_ in noted_in_time)
    found = [each for case in cases if (each := story.running(case))]
    return sorted(found, key=lambda each: each.started_at, reverse=True)


def _own(store: Store, cluster: str, id_: str, most: int) -> list[Record]:
    """The newest events of a deployment, with their bodies as far as they fit into memory."""
    rows = store.timeline(cluster, clip(f"deployment:{id_}"), page=_PAGE, bodies=DEPLOYMENT_TYPES)
    own: list[Record] = []
    room = MOST_BODIES_BYTES
    for each in itertools.islice(rows, most):
        own.append(each if room > 0 else replace(each, body=b""))
        room -= len(each.body)
    if own and not any(each.body for each in own):  # so large a plan that each is kept in parts
        own[0] = _with_body(store, own[0])
    return own


def _around(store: Store, case: Case) -> list[Record]:
    """What happened to its apps and groups, from shortly before it until shortly after it. The
    requests for it come first, so they are read apart from the rest, of which the newest count.
    """
    begin = times.from_compact(case.own[-1].id)
    end = times.from_compact(case.end.id) + REPLACED_WITHIN if case.end else times.now()
    first = Window.between(begin - REQUESTED_WITHIN, begin + REQUESTED_WITHIN)
    rest = Window.between(begin - REQUESTED_WITHIN, max(begin, end))
    found = {each.id: each for window in (first, rest) for each in _rows(store, case, window)}
    around: list[Record] = []
    room = MOST_BODIES_BYTES
    for each in found.values():
        wanted = each.type in story.READ_WHOLE and room > 0
        around.append(_with_body(store, each) if wanted else each)
        room -= len(around[-1].body)
    return around


def _rows(store: Store, case: Case, window: Window) -> Iterator[Record]:
    if len(case.apps) > MOST_TIMELINES:
        rows = history.newest_first(store, Wanted((case.cluster,), window=window, page=_PAGE))
    else:
        subjects = [subject for app in case.apps for subject in history.subjects_of_path(app)]
        subjects += [clip(f"group:{group}") for group in _groups(case.apps)]
        rows = history.of_subjects(store, case.cluster, subjects, window, _PAGE)
    return itertools.islice(rows, MOST_AROUND)


def _groups(apps: list[str]) -> list[str]:
    """The groups around some apps, from the root down."""
    parents = {app.rpartition("/")[0] for app in apps}
    around = {
        "/".join(parts[:n])
        for parts in (parent.split("/") for parent in parents)
        for n in range(1, len(parts) + 1)
    }
    return sorted(group or "/" for group in around)[:MOST_TIMELINES]


def _earlier(store: Store, case: Case) -> dict[str, Definition]:
    """The definition that each app had before the request for this deployment, if that is needed
    to see what changed.
    """
    if case.plan and case.plan.original is not None:
        return {}
    found = {}
    end = time.monotonic() + _MOST_SECONDS
    for request in itertools.takewhile(lambda _: time.monotonic() < end, case.requests):
        definition = _definition_before(store, request.record)
        if definition and request.record.app:
            found[request.record.app] = definition
    return found


def _definition_before(store: Store, record: Record) -> Definition | None:
    window = EVERYTHING.before(record.id)
    rows = store.timeline(record.cluster, record.subject, window, _PAGE, bodies=(record.type,))
    for each in itertools.islice(rows, MOST_BEFORE):
        if each.type == record.type and each.body:
            made = event(each.body)
            return made.appDefinition if isinstance(made, ApiPostEvent) else None
    return None


def _with_body(store: Store, record: Record) -> Record:
    try:
        return store.at(items.timeline_key(record.cluster, record.subject), record.id) or record
    except LookupError:  # a part of it is gone
        return record
