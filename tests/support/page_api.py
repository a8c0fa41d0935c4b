"""A small read API with the real page, for what the real one can't be made to answer: errors,
slowness, and how the clusters are at a certain time. Its answers are checked by the API's models.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import ValidationError

from chalicelib import times
from chalicelib.records.story import Story
from chalicelib.records.summary import Answer
from chalicelib.web import files, models
from tests.support.web import Handler, listening

TOKEN = "t" * 43
OTHER = "o" * 43  # reads another cluster
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEVERITIES = ["info", "notice", "warning", "error"]

_PREFIX = "/prod"
Summary = dict[str, Any]
# By the first word of the path, and how many others there are.
_MODELS: dict[tuple[str, int], type[Answer]] = {
    ("clusters", 0): models.Clusters,
    ("events", 0): models.Events,
    ("events", 2): models.Event,
    ("deployments", 0): models.Deployments,
    ("deployments", 2): Story,
    ("incidents", 0): models.PastIncidents,
    ("health", 0): models.Health,
}


@dataclass
class PageApi:
    """What the API has. ``status``: answer so instead; ``hold``: do not answer until it is set."""

    events: list[Summary] = field(default_factory=list)
    bodies: dict[str, Any] = field(default_factory=dict)
    stories: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    incidents: list[dict[str, Any]] | None = None  # None: an API that has no such list
    clusters: list[dict[str, Any]] = field(default_factory=lambda: [cluster("prod")])
    status: int = 0
    largest_page: int = 500
    tokens: list[str] = field(default_factory=lambda: [TOKEN, OTHER])
    asked: list[str] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)
    wrong: list[str] = field(default_factory=list)  # what the API's models say of its answers

    def __post_init__(self) -> None:
        self.hold.set()

    def answer(self, path: str, token: str) -> tuple[int, Any]:
        """Status and body of a request of the read API."""
        status, body = self._answer(path, token)
        kind, *names = urlsplit(path).path.strip("/").split("/")
        model = _MODELS[kind, len(names)] if status == 200 else models.Refusal
        try:
            if status != self.status:  # that is API Gateway's
                model.model_validate(body)
        except ValidationError as error:
            self.wrong.append(f"{path}: {error}")
        return status, body

    def _answer(self, path: str, token: str) -> tuple[int, Any]:
        parts = [unquote(part) for part in urlsplit(path).path.strip("/").split("/")]
        if parts == ["health"]:
            return 200, {"status": "ok", "version": "1.2.3"}
        self.hold.wait(30)
        if self.status:
            return self.status, {"message": "Too Many Requests"}
        asked = dict(parse_qsl(urlsplit(path).query))
        if token not in self.tokens:
            return _error(403, "refused", "The token is wrong or has expired.")
        match parts:
            case ["clusters"]:
                return 200, {"clusters": self.clusters, "silences": []}
            case ["events"] if token == OTHER and asked.get("cluster") == "prod":
                return _error(403, "other_cluster", "This token reads another cluster.")
            case ["events"]:
                return self._page(asked)
            case ["events", _, id_]:
                found = next((each for each in self.events if each["id"] == id_), None)
                return (200, found | {"event": self.bodies.get(id_, {})}) if found else _missing()
            case ["deployments"]:
                return 200, {
                    "deployments": [each for each in self.deployments if _listed(each, asked)]
                }
            case ["incidents"] if self.incidents is not None:
                return 200, {"incidents": self.incidents}
            case ["deployments", _, id_]:
                return (200, self.stories[id_]) if id_ in self.stories else _missing()
        return _missing()

    def _page(self, asked: dict[str, str]) -> tuple[int, Any]:
        app = asked.get("app", "")
        if app and not app.startswith("/"):
            return _error(400, "bad_value", "app: a path begins with a slash.")
        found = sorted(filter(_wanted(asked), self.events), key=lambda each: each["id"])[::-1]
        begin = int(asked.get("cursor", 0))
        end = begin + min(int(asked.get("limit", 100)), self.largest_page)
        page = {"events": found[begin:end]}
        return 200, page | ({"cursor": str(end)} if end < len(found) else {})


def cluster(name: str, **more: Any) -> dict[str, Any]:
    """A cluster as ``GET clusters`` has it."""
    return {"name": name, "newest": times.iso(NOW), "incidents": [], "deployments": []} | more


def summary(
    ago: float, title: str = "Task of /prod/web is running on node-1", **more: Any
) -> Summary:
    """An event of so many seconds ago."""
    time = NOW - timedelta(seconds=ago)
    compact = times.iso(time).replace("-", "").replace(":", "").replace(".", "")
    app = more.get("app", "/prod/web")
    made = {
        "id": f"{compact}-{abs(hash((ago, title, str(more)))):016x}"[:36],
        "cluster": "prod",
        "type": "status_update_event",
        "timestamp": times.iso(time),
        "received_at": times.iso(time),
        "subject": f"app:{app}",
        "severity": "info",
        "title": title,
        "app": app,
    } | more
    return {name: value for name, value in made.items() if value is not None}


class _Served(Handler):
    """The page and an API below a prefix, as API Gateway has them."""

    protocol_version = "HTTP/1.1"
    address: str
    api: PageApi

    def do_GET(self) -> None:
        api, path = self.api, self.path.removeprefix(_PREFIX)
        api.asked.append(path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if path in ("", "/"):
            made = files.index(urlsplit(self.path).path, self.headers.get("If-None-Match"))
        elif path.startswith("/page/"):
            made = files.file(path.removeprefix("/page/"))
        else:
            status, body = api.answer(path, token)
            return self._send(status, {"Content-Type": "application/json"}, body)
        return self._send(made.status_code, made.headers, made.body)

    def _send(self, status: int, headers: dict[str, Any], body: Any) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.answer(status, data, headers)


@contextlib.contextmanager
def site() -> Iterator[None]:
    """One address for all APIs, one after the other: a browser keeps the page's files by it."""
    with listening(_Served) as _Served.address:
        yield


@contextlib.contextmanager
def serving(api: PageApi) -> Iterator[str]:
    """The page and that API at the site; its address."""
    _Served.api = api
    try:
        yield f"http://{_Served.address}{_PREFIX}/"
    finally:
        api.hold.set()


def _wanted(asked: dict[str, str]) -> Any:
    worse = SEVERITIES[SEVERITIES.index(asked.get("severity", "info")) :]
    app, since, until = asked.get("app", ""), asked.get("since", ""), asked.get("until", "~")

    def wanted(event: Summary) -> bool:
        paths = [event.get("app", ""), *event.get("apps", [])]
        return (
            event["cluster"] == asked.get("cluster", event["cluster"])
            and since <= event["timestamp"] <= until
            and event["severity"] in worse
            and event["type"] == asked.get("type", event["type"])
            and asked.get("text", "").lower() in event["title"].lower()
            and (not app or any(_below(path, app) for path in paths))
        )

    return wanted


def _listed(deployment: dict[str, Any], asked: dict[str, str]) -> bool:
    app = asked.get("app", "")
    return (
        asked.get("outcome", deployment["state"]) == deployment["state"]
        and asked.get("since", "") <= deployment["started_at"] <= asked.get("until", "~")
        and deployment["cluster"] == asked.get("cluster")
        and (not app or any(_below(path, app) for path in deployment["apps"]))
    )


def _below(path: str, app: str) -> bool:
    return path.startswith(app[:-1]) if app.endswith("/*") else path == app


def _error(status: int, code: str, message: str) -> tuple[int, Any]:
    return status, {"error": {"code": code, "message": message}}


def _missing() -> tuple[int, Any]:
    return _error(404, "not_found", "There is no such thing.")
