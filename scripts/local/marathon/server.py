"""Marathon's HTTP interface, as a member of the cluster serves it."""

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from local.marathon import queue
from local.marathon.streams import Wish

if TYPE_CHECKING:
    from local.marathon.simulated import SimulatedMarathon

_SUBSCRIPTIONS = "/v2/eventSubscriptions"
_NOT_RUNNING = (
    "http event callback system is not running on this Marathon instance. Please re-start this "
    'instance with "--event_subscriber http_callback".'
)


def handler(marathon: "SimulatedMarathon") -> type["Member"]:
    """What answers requests to a member of this Marathon."""
    return type("MemberOfOne", (Member,), {"marathon": marathon})


class Member(BaseHTTPRequestHandler):
    """Answers one request. A standby answers for the leader, as the real one proxies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    marathon: ClassVar["SimulatedMarathon"]

    def do_GET(self) -> None:
        if not self._admitted():
            return
        marathon = self.marathon
        match self._path:
            case "/ping":
                self._answer(200, "pong")
            case "/v2/info" if marathon.version:
                self._answer(200, _info(marathon))
            case "/v2/leader":
                self._answer(200, {"leader": marathon.leader})
            case "/v2/events" if marathon.ways.has_streams:
                self._stream()
            case "/v2/deployments":
                self._answer(200, list(marathon.state.deployments.values()))
            case "/v2/queue" if marathon.ways.has_queue:
                self._answer(200, queue.shown(marathon.queue, marathon.ways))
            case "/v2/apps":
                embed = set(self._query.get("embed", []))
                self._answer(200, {"apps": marathon.state.shown_apps(embed)})
            case path if path.startswith("/v2/apps/"):
                self._app(unquote(path.removeprefix("/v2/apps")))
            case "/metrics":
                self._answer(200, marathon.metrics())
            case _ if self._has_subscriptions():
                self._answer(200, {"callbackUrls": marathon.urls})

    def do_POST(self) -> None:
        if self._admitted() and self._has_subscriptions():
            url = self._callback_url()
            if self.marathon.ways.checks_callback_urls and not _is_url(url):
                self._answer(422, {"message": f"Invalid callback URL: {url}"})
            else:
                self._answer(200, self.marathon.subscribe(url, self.client_address[0]))

    def do_DELETE(self) -> None:
        if self._admitted() and self._has_subscriptions():
            client = self.client_address[0]
            self._answer(200, self.marathon.unsubscribe(self._callback_url(), client))

    def log_message(self, *args: Any) -> None:
        """The requests are of no interest."""

    @property
    def _path(self) -> str:
        return urlsplit(self.path).path

    @property
    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)

    @property
    def _is_leader(self) -> bool:
        return self.marathon.leader == f"127.0.0.1:{self.connection.getsockname()[1]}"

    def _admitted(self) -> bool:
        marathon = self.marathon
        if not marathon.leader:
            status = marathon.ways.status_without_leader
            self._answer(status, {"message": "Could not determine the current leader"})
            return False
        if marathon.credentials and self.headers["Authorization"] != marathon.credentials:
            self._answer(401, {"message": "Invalid username or password."})
            return False
        return True

    def _callback_url(self) -> str:
        return self._query["callbackUrl"][0]

    def _has_subscriptions(self) -> bool:
        if self._path != _SUBSCRIPTIONS or not self.marathon.ways.has_subscriptions:
            self._answer(404, {"message": "not found"})
            return False
        if not self.marathon.callbacks:
            self._answer(400, {"message": _NOT_RUNNING})
            return False
        return True

    def _app(self, path: str) -> None:
        """``/v2/apps/{id}`` and ``/v2/apps/{id}/versions``."""
        state = self.marathon.state
        app = path.removesuffix("/versions")
        if app not in state.apps:
            self._answer(404, {"message": f"App '{app}' does not exist"})
        elif app != path:
            self._answer(200, {"versions": state.versions[app]})
        else:
            apps = state.shown_apps({"lastTaskFailure"})
            self._answer(200, {"app": next(each for each in apps if each["id"] == app)})

    def _stream(self) -> None:
        if self.headers.get_all("Accept") != ["text/event-stream"]:
            self._answer(405, {"message": "Method not allowed"})
            return
        self.close_connection = True
        if not self._is_leader and self.marathon.redirects:
            self.send_response(302)
            self.send_header("Location", f"http://{self.marathon.leader}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream;charset=utf-8")
        self.send_header("Connection", "close")
        self._say_leader()
        self.end_headers()
        light = self._query.get("plan-format") == ["light"]
        wish = Wish(frozenset(self._query.get("event_type", [])), light)
        self.marathon.stream(self.connection, wish, self.client_address[0])

    def _say_leader(self) -> None:
        if self.marathon.leader:
            self.send_header("X-Marathon-Leader", f"http://{self.marathon.leader}")

    def _answer(self, status: int, body: Any) -> None:
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self._say_leader()
        self.end_headers()
        self.wfile.write(text)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _info(marathon: "SimulatedMarathon") -> dict[str, Any]:
    info: dict[str, Any] = {
        "name": marathon.name,
        "version": marathon.version,
        "frameworkId": marathon.framework_id,
        "leader": marathon.leader,
        "elected": True,
        "http_config": {"http_port": 8080, "https_port": 8443},
        "marathon_config": {"ha": True, "master": "zk://127.0.0.1:2181/mesos"},
        "zookeeper_config": {"zk": "zk://127.0.0.1:2181/marathon", "zk_timeout": 10000},
    }
    if marathon.ways.has_subscriptions:
        type_ = {"type": "http_callback", "http_endpoints": None}
        info["event_subscriber"] = type_ if marathon.callbacks else None
    return info
