"""The answers to readers: the page, scripts and ``curl``. Nothing that a reader sends makes a
request fail: what makes no sense is refused, with a word on what to do.
"""

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode

from chalice.app import Response

from chalicelib import deployments, history, incident_log, log, story, times
from chalicelib.gate import Gate, Refused
from chalicelib.history import Wanted
from chalicelib.records.incident import Incident
from chalicelib.records.notification import event_json
from chalicelib.records.record import Record, is_id
from chalicelib.records.summary import Answer
from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.clusters import Clusters, allowed
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Store, Window
from chalicelib.services.table import TableError
from chalicelib.services.tokens import Token, Tokens
from chalicelib.web import cursors, models, openapi, queries, sizes
from chalicelib.web.answers import bearer
from chalicelib.web.headers import JSON
from chalicelib.web.queries import BadParameter

# Who signs out leaves nothing behind: no browser or proxy keeps what a token let in.
_PRIVATE = {"Cache-Control": "no-store", "Vary": "Authorization"}
_FOR_ALL = {"Cache-Control": "public, max-age=300"}

# How long it may take to find out how far running deployments are: API Gateway waits for 29 s.
_MOST_SECONDS = 8.0
_LISTS_OF_A_STORY = ("events", "failures", "changes", "steps", "apps")


class Problem(Exception):
    """Why there is no answer. ``code``: for programs; ``message``: says what to do."""

    def __init__(self, status: int, code: str, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = models.Error(code=code, message=message, parameter=parameter)


@dataclass(frozen=True)
class Request:
    """What a reader sent. ``etag``: of the answer that it has already."""

    authorization: str | None
    parameters: Mapping[str, str]
    etag: str | None = None


class Readers:
    """Answers readers' requests from one stage's table."""

    def __init__(
        self,
        tokens: Tokens,
        store: Store,
        clusters: Clusters,
        incidents: Incidents,
        sent: AlertsSent,
    ) -> None:
        self._gate = Gate(tokens.find, "reader")
        self._store = store
        self._clusters = clusters
        self._incidents = incidents
        self._sent = sent

    def events(self, request: Request) -> Response:
        """A page of events."""
        return self._answered(request, lambda: self._events(self._reader(request), request))

    def event(self, request: Request, cluster: str, id_: str) -> Response:
        """One event, whole."""
        names = unquote(cluster), unquote(id_)
        return self._answered(request, lambda: self._event(self._reader(request), *names))

    def deployments(self, request: Request) -> Response:
        """A page of deployments."""
        return self._answered(request, lambda: self._list(self._reader(request), request))

    def deployment(self, request: Request, cluster: str, id_: str) -> Response:
        """The story of a deployment."""
        names = unquote(cluster), unquote(id_)
        return self._answered(request, lambda: self._deployment(self._reader(request), *names))

    def alerts(self, request: Request) -> Response:
        """A page of the alerts that people got."""
        return self._answered(request, lambda: self._alerts(self._reader(request), request))

    def incidents(self, request: Request) -> Response:
        """The incidents that people were notified of."""
        return self._answered(request, lambda: self._past(self._reader(request), request))

    def clusters(self, request: Request) -> Response:
        """The Marathons, and what is wrong with them."""
        return self._answered(request, lambda: self._overview(self._reader(request)))

    def openapi(self, request: Request) -> Response:
        """The description of the API. It asks for no token."""
        return self._answered(request, lambda: json.dumps(openapi.document()), _FOR_ALL)

    def _answered(
        self,
        request: Request,
        make: Callable[[], str],
        caching: Mapping[str, str | list[str]] = _PRIVATE,
    ) -> Response:
        try:
            text = make()
        except Problem as problem:
            return _refusal(problem)
        except BadParameter as error:
            return _refusal(Problem(400, "bad_parameter", str(error), error.name))
        except TableError as error:
            log.warning("the table failed", reason=error.code)
            return _refusal(_UNAVAILABLE)
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        headers = {**JSON, **caching, "ETag": tag}
        # API Gateway compresses answers, and a cache may then mark the tag as weak.
        if tag in (request.etag or ""):
            return Response("", status_code=304, headers=headers)
        return Response(text, status_code=200, headers=headers)

    def _reader(self, request: Request) -> Token:
        token = bearer(request.authorization)
        if token is None:
            raise _NO_TOKEN
        try:
            return self._gate.admit(token)
        except Refused:
            raise _REFUSED from None

    def _events(self, reader: Token, request: Request) -> str:
        values = queries.read(request.parameters)
        cluster = self._cluster(reader, values.get("cluster"))
        wanted = queries.wanted(values, cluster) if cluster else Wanted(())
        token = bearer(request.authorization) or ""
        query = _query(request.parameters, cluster)
        if last := _place(token, query, values.get("cursor")):
            wanted = replace(wanted, window=wanted.window.before(last))
        page = history.page(self._store, wanted, values.get("limit", queries.USUAL))
        if not page.records and not page.last:
            self._check_exists(reader, values.get("cluster"))
        summaries = [record.summary() for record in page.records]
        shown = sizes.beginning(summaries)
        answer: dict[str, Any] = {"events": shown}
        cut = len(shown) < len(summaries)
        if place := shown[-1]["id"] if cut else page.last:
            answer["cursor"] = cursors.make(token, query, place)
        return json.dumps(answer)

    def _event(self, reader: Token, cluster: str, id_: str) -> str:
        _check(reader, cluster)
        try:
            found = self._store.get(cluster, id_) if is_id(id_) else None
        except LookupError:  # it is about to expire, and a part of it is gone already
            found = None
        if found is None:
            raise _nothing(f"Cluster {cluster} has no event with that id, or no longer.")
        return _whole(found)

    def _list(self, reader: Token, request: Request) -> str:
        values = queries.read(request.parameters, queries.OF_DEPLOYMENTS)
        cluster = self._cluster(reader, values.get("cluster"))
        if not cluster:
            return json.dumps({"deployments": []})
        token = bearer(request.authorization) or ""
        query = f"deployments?{_query(request.parameters, cluster)}"
        before = _place(token, query, values.get("cursor"))
        given = {
            name: values[name] for name in ("app", "outcome", "since", "until") if name in values
        }
        wanted = deployments.Wanted(cluster, **given, before=before)
        page = deployments.page(self._store, wanted, values.get("limit", queries.USUAL))
        if not page.deployments and not page.last:
            self._check_exists(reader, values.get("cluster"))
        listed = [_values(each) for each in page.deployments]
        shown = sizes.beginning(listed)
        answer: dict[str, Any] = {"deployments": shown}
        if place := page.places[len(shown) - 1] if len(shown) < len(listed) else page.last:
            answer["cursor"] = cursors.make(token, query, place)
        return json.dumps(answer)

    def _alerts(self, reader: Token, request: Request) -> str:
        values = queries.read(request.parameters, queries.OF_ALERTS)
        cluster = self._cluster(reader, values.get("cluster"))
        token = bearer(request.authorization) or ""
        query = f"alerts?{_query(request.parameters, cluster)}"
        window = Window.between(values.get("since"), values.get("until"))
        if last := _place(token, query, values.get("cursor")):
            window = window.before(last)
        limit = values.get("limit", queries.USUAL)
        found = self._sent.newest_first(cluster, window, limit + 1) if cluster else iter(())
        summaries = [each.summary() for each in itertools.islice(found, limit + 1)]
        if not summaries:
            self._check_exists(reader, values.get("cluster"))
        shown = sizes.beginning(summaries[:limit])
        answer: dict[str, Any] = {"alerts": shown}
        if shown and len(shown) < len(summaries):
            answer["cursor"] = cursors.make(token, query, shown[-1]["id"])
        return json.dumps(answer)

    def _past(self, reader: Token, request: Request) -> str:
        values = queries.read(request.parameters, queries.OF_INCIDENTS)
        cluster = self._cluster(reader, values.get("cluster"))
        window = Window.between(values.get("since"), values.get("until"))
        found = incident_log.past(self._sent, cluster, window) if cluster else []
        if not found:
            self._check_exists(reader, values.get("cluster"))
        answer = models.PastIncidents(
            incidents=[
                models.PastIncident.model_validate(
                    {**asdict(each), "count": each.count or None, "group": each.group or None}
                )
                for each in found
            ]
        )
        return json.dumps(sizes.cut(_values(answer), "incidents"))

    def _deployment(self, reader: Token, cluster: str, id_: str) -> str:
        _check(reader, cluster)
        answer = story.of_deployment(self._store, cluster, id_)
        if answer is None:
            raise _nothing(f"Cluster {cluster} has no event of that deployment, or no longer.")
        return json.dumps(sizes.cut(_values(answer), *_LISTS_OF_A_STORY))

    def _overview(self, reader: Token) -> str:
        now = times.now()
        found = self._incidents.read(now)
        shown = [each for each in found.incidents if each.is_shown]
        incidents = sorted(shown, key=lambda each: each.began, reverse=True)
        stuck = found.standing_still()
        within = time.monotonic() + _MOST_SECONDS
        names = self._names(reader)
        share = sizes.MOST_BYTES // max(len(names), 1)
        clusters = [
            sizes.cut(
                self._of_cluster(name, incidents, stuck, within),
                "incidents",
                "deployments",
                most=share,
            )
            for name in names
        ]
        silences = [
            each.summary()
            for each in found.silences
            if each.is_active(now)
            and (not reader.cluster or not each.clusters or reader.cluster in each.clusters)
        ]
        return json.dumps({"clusters": clusters, "silences": silences})

    def _of_cluster(
        self,
        name: str,
        incidents: list[Incident],
        stuck: dict[tuple[str, str], datetime],
        within: float,
    ) -> dict[str, Any]:
        newest = history.newest_received(self._store, name)
        answer = models.Cluster(
            name=name,
            # An event dated ahead came all the same when it came.
            newest=min(newest.timestamp, newest.received_at) if newest else None,
            incidents=[
                models.Incident.model_validate(each.summary())
                for each in incidents
                if each.cluster == name
            ],
            deployments=[
                each.model_copy(update={"stuck_since": stuck.get((name, each.id))})
                for each in story.running(self._store, name, within)
            ],
        )
        return _values(answer)

    def _names(self, reader: Token) -> list[str]:
        """The clusters that a reader may read."""
        return [each.name for each in self._clusters.all() if reader.cluster in ("", each.name)]

    def _check_exists(self, reader: Token, cluster: str | None) -> None:
        """Of a cluster that was asked for, and has nothing to show: raises Problem if nobody
        registered it and nothing of it is kept.
        """
        if not cluster:
            return
        names = self._names(reader)
        if cluster in (*names, reader.cluster) or next(self._store.days(cluster), None):
            return
        there_are = f"There are {', '.join(names)}." if names else "There is none yet."
        raise _nothing(f"There is no cluster {cluster}. {there_are}", "cluster")

    def _cluster(self, reader: Token, asked: str | None) -> str:
        """The cluster that is meant; empty if there is none yet."""
        if asked:
            _check(reader, asked)
            return asked
        if reader.cluster:
            return reader.cluster
        names = self._names(reader)
        if len(names) > 1:
            raise BadParameter("cluster", f"Say which cluster: {', '.join(names)}.")
        return names[0] if names else ""


_NO_TOKEN = Problem(
    401, "no_token", "Send a reader token in a header: Authorization: Bearer <token>."
)
_REFUSED = Problem(
    403,
    "refused",
    "The token is wrong, revoked or expired, or is no reader's: ask for a new one "
    "(scripts/grant.py makes them).",
)
_UNAVAILABLE = Problem(503, "unavailable", "The table can't be read now: try again in a moment.")


def _check(reader: Token, cluster: str) -> None:
    if not allowed(cluster):
        raise _nothing("There is no cluster of that name: GET /clusters lists them.")
    if reader.cluster not in ("", cluster):
        message = f"This token reads cluster {reader.cluster} alone."
        raise Problem(403, "other_cluster", message, "cluster")


def _place(token: str, query: str, cursor: str | None) -> str:
    """Where a page goes on; empty for the first."""
    if not cursor:
        return ""
    place = cursors.read(token, query, cursor)
    if place is None:
        raise BadParameter(
            "cursor", "cursor: it is not of this query and token; begin again without it."
        )
    return place


def _nothing(message: str, parameter: str | None = None) -> Problem:
    return Problem(404, "not_found", message, parameter)


def _refusal(problem: Problem) -> Response:
    headers = dict(JSON)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.status == 503:
        headers["Retry-After"] = "5"
    return Response(
        json.dumps(_values(models.Refusal(error=problem.error))),
        status_code=problem.status,
        headers=headers,
    )


def _values(answer: Answer) -> dict[str, Any]:
    # Not pydantic's own JSON: texts of definitions may hold lone surrogates, which it refuses.
    return answer.model_dump(by_alias=True, exclude_none=True)


def _query(parameters: Mapping[str, str], cluster: str) -> str:
    """What a cursor belongs to: all that chooses events, however it is ordered."""
    chosen = {**parameters, "cluster": cluster}
    return urlencode(
        sorted((k, v) for k, v in chosen.items() if v and k not in ("cursor", "limit")),
        errors="surrogatepass",
    )


def _whole(record: Record) -> str:
    """A record's summary and its event, letter for letter, with what is masked for all readers."""
    head = json.dumps(record.summary())[:-1]
    try:
        event = event_json(record)
    except RecursionError:
        return f'{head}, "event": null, "event_omitted": "nested too deep"}}'
    text = f'{head}, "event": {event}}}'
    if sizes.in_answer(text) > sizes.MOST_BYTES:
        return f'{head}, "event": null, "event_omitted": "too large"}}'
    return text
