"""The deployments of a cluster as a list, newest first, in one query."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib import times
from chalicelib.history import MOST_ROWS, MOST_SECONDS
from chalicelib.marathon import ids
from chalicelib.records import deployment
from chalicelib.records.deployment import (
    REPLACED_WITHIN,
    REQUESTED_WITHIN,
    Facts,
    Request,
    State,
)
from chalicelib.records.summary import Absent, Answer, Time
from chalicelib.services.store import Store, Window
from chalicelib.text import clip

# Of a deployment that may have been replaced by one beyond what was read, so many are looked at.
_MOST_LATER = 200
# Rows to read at once beside twice the limit: most deployments have one request.
_MORE_ROWS = 20


class Deployment(Answer):
    """A deployment in a list. ``changed``: what it changed, in a few words. ``started_by``: the
    address that asked for it. The story (``GET /deployments/{cluster}/{id}``) has more.
    """

    id: str
    cluster: str
    state: State
    apps: list[str]
    apps_omitted: int | Absent = None
    started_at: Time
    ended_at: Time | Absent = None
    seconds: float | Absent = None
    started_by: str | Absent = None
    changed: str | Absent = None


@dataclass(frozen=True)
class Wanted:
    """Which deployments are wanted. ``app``: a path, or a beginning of paths that ends in ``/*``.
    ``outcome``: their state. ``since``, ``until``: when they began. ``before``: only those that
    come after that place in the list. What is empty leaves nothing out.
    """

    cluster: str
    app: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""

    @property
    def newest(self) -> datetime | None:
        """No wanted deployment began later; None if there is no such bound."""
        return times.from_compact(self.before) if self.before else self.until

    def covers(self, place: str) -> bool:
        """Whether that place in the list is in the wanted part."""
        window = Window.between(self.since, self.until)
        return window.since <= place <= window.last and (not self.before or place < self.before)

    def matches(self, facts: Facts, state: State) -> bool:
        """Whether a deployment is wanted."""
        return self.outcome in ("", state) and (not self.app or any(map(self.touches, facts.apps)))

    def touches(self, path: str) -> bool:
        """Whether an app or pod is the wanted one, or one of those below the wanted path."""
        wanted = ids.path(self.app)
        return path.startswith(wanted[:-1]) if wanted.endswith("/*") else path == clip(wanted)


@dataclass(frozen=True)
class Page:
    """A page of deployments. ``places``: of each the place to go on after it. ``last``: that to go
    on after the page, or None at the end of the list.
    """

    deployments: list[Deployment]
    places: list[str]
    last: str | None


def page(store: Store, wanted: Wanted, limit: int) -> Page:
    """The newest wanted deployments, at most ``limit``: fewer at the end, or where a bound on
    reading is reached. Raises TableError.
    """
    read = _Read(store, wanted)
    found: list[tuple[Facts, State]] = []
    places: list[str] = []
    last, enough = "", ""
    end = time.monotonic() + MOST_SECONDS
    for n, (place, each) in enumerate(read.rows(limit)):
        if enough and place < enough:
            break
        read.add(each)
        if enough or not isinstance(each, Facts) or not wanted.covers(place):
            continue
        if len(found) == limit or n >= MOST_ROWS or (n and time.monotonic() > end):
            # The requests for what was found may have come a little earlier.
            enough = times.compact(each.start - REQUESTED_WITHIN)
            continue
        last = place
        state = read.state(each)
        if wanted.matches(each, state):
            found.append((each, state))
            places.append(place)
    return Page([read.shown(*each) for each in found], places, last if enough else None)


class _Read:
    """What was read of a list so far. Deployments and requests that are only a little outside of
    what is wanted are read too: they say what became of the others, and who asked for them.
    """

    def __init__(self, store: Store, wanted: Wanted) -> None:
        self._store = store
        self._wanted = wanted
        self._facts: list[Facts] = []
        self._requests: list[Request] = []

    def rows(self, limit: int) -> Iterator[tuple[str, Facts | Request]]:
        """The rows of the list to read."""
        since, until = self._wanted.since, self._wanted.newest
        window = Window.between(
            since - REQUESTED_WITHIN if since else None,
            until + REQUESTED_WITHIN if until else None,
        )
        return self._store.deployments(self._wanted.cluster, window, 2 * limit + _MORE_ROWS)

    def add(self, row: Facts | Request) -> None:
        """Keep a row."""
        if isinstance(row, Facts):
            self._facts.append(row)
        else:
            self._requests.append(row)

    def state(self, facts: Facts) -> State:
        """How a deployment is. Those that may have replaced it began after it."""
        if self._wanted.newest is None:
            return deployment.state(facts, self._facts)
        if facts.end and facts.failure != "unexplained":
            return deployment.state(facts, [])
        window = Window.between(facts.start, facts.end + REPLACED_WITHIN if facts.end else None)
        rows = self._store.deployments(self._wanted.cluster, window, _MOST_LATER)
        later = [each for _, each in itertools.islice(rows, _MOST_LATER)]
        return deployment.state(facts, [each for each in later if isinstance(each, Facts)])

    def shown(self, facts: Facts, state: State) -> Deployment:
        """A deployment as the list shows it."""
        end = facts.end
        return Deployment(
            id=facts.id,
            cluster=self._wanted.cluster,
            state=state,
            apps=list(facts.apps),
            apps_omitted=facts.apps_omitted or None,
            started_at=times.iso(facts.start),
            ended_at=times.iso(end) if end else None,
            seconds=(end - facts.start).total_seconds() if end else None,
            started_by=deployment.asked_by(facts, self._requests, self._facts),
            changed=facts.changed or None,
        )
