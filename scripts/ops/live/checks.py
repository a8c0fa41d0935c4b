"""The checks of a live account, a function each. What is not as it should be raises Failure."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ops.cli import Failure
from ops.deploying import mappings, throttling
from ops.deploying.functions import FUNCTIONS
from ops.stage import access, config, deployed, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.subscribing import subscriptions
from ops.subscribing.filters import Filters
from ops.subscribing.targets import target

from chalicelib import times
from chalicelib.services import tokens
from chalicelib.services.clusters import Cluster

CLUSTER = "live-check"
NOBODY = "192.0.2.0/24"  # of documentation: no address of it posts

_APP = "/live-check"
_SECONDS = 20  # of one request
_PAUSE_SECONDS = 3

Deploy = Callable[..., None]


@dataclass(frozen=True)
class Live:
    """The stage that is tried. ``deploy``: deploys it again, with these options of make deploy."""

    stage: Stage
    publisher: str
    deploy: Deploy

    @property
    def api(self) -> str:
        """The address of its API."""
        return deployed.api_url(self.stage)


@dataclass(frozen=True)
class Answer:
    """What the API answers."""

    status: int
    headers: dict[str, str]
    body: bytes


def prepare(stage: Stage, deploy: Deploy) -> Live:
    """What the checks need: a cluster, and a token that may post for it."""
    stage.clusters.claim(Cluster(CLUSTER, "", CLUSTER))
    token = tokens.mint()
    stage.tokens.add(token, "publisher", CLUSTER, "live-check")
    return Live(stage, token, deploy)


def events(live: Live) -> str:
    """An event is stored once, and a wrong token is refused."""
    body = _event()
    for token, status, word in (
        (live.publisher, 200, "new"),
        (live.publisher, 200, "duplicate"),
        (tokens.mint(), 403, "error"),
    ):
        answer = _post(live, token, body)
        if answer.status != status or word.encode() not in answer.body:
            raise Failure(f"POST /callback was answered {answer.status}, not {status} ({word}).")
    return "stored once; a wrong token is refused"


def notifications(live: Live) -> str:
    """A queue that subscribed with a filter on an app gets the event, through table and stream."""
    sqs = client("sqs")
    url = str(sqs.create_queue(QueueName=f"{live.stage.table_name}-live-check")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    queue = target(arn["Attributes"]["QueueArn"], live.stage)
    try:
        subscriptions.subscribe(live.stage, queue, "events", Filters(app=(_APP,)))
        began = time.monotonic()
        _until(lambda: _post(live, live.publisher, _event()).status == 200, 60, "The POST failed")
        _until(lambda: _received(url), 300, "No notification came to the queue")
        return f"{time.monotonic() - began:.0f} s after the first POST"
    finally:
        subscriptions.remove(live.stage, queue, "events")
        sqs.delete_queue(QueueUrl=url)


def readers(live: Live) -> str:
    """A reader token may read; without one the body says what is needed."""
    token, _ = access.grant(live.stage, "live-check", CLUSTER, None)
    for headers, status in (({"Authorization": f"Bearer {token}"}, 200), ({}, 401)):
        answer = ask(live.api, "GET", "/clusters", headers)
        if answer.status != status:
            raise Failure(f"GET /clusters was answered {answer.status}, not {status}.")
    named = [name for name in answer.headers if "authenticate" in name.lower()]
    return f"the page answers {ask(live.api, 'GET', '/').status}; WWW-Authenticate comes as {named}"


def limits(live: Live) -> str:
    """The API has its limits, and one stage."""
    api = str((deployed.find_api(live.stage) or {})["rest_api_id"])
    wrong = [path for path, _, _ in throttling.differences(api, config.api_stage(live.stage.name))]
    if wrong:
        raise Failure(f"These requests have no limit of their own: {', '.join(wrong)}.")
    found = client("apigateway").get_stages(restApiId=api)["item"]
    if len(found) != 1:
        raise Failure(f"The API has {len(found)} stages: {[e['stageName'] for e in found]}.")
    return "limits are set; one stage"


def event_sources(live: Live) -> str:
    """Lambda took what Chalice can't set."""
    for function in FUNCTIONS:
        for mapping in mappings.of(function, live.stage.name):
            wanted = function.mapping(live.stage)
            if wrong := [n for n, v in wanted.items() if not mappings.holds(mapping.get(n), v)]:
                raise Failure(f"The mapping of {function.name} lacks {', '.join(wrong)}.")
    return "all settings of all mappings are there"


def clock(live: Live) -> str:
    """EventBridge runs watch."""
    group = f"/aws/lambda/{live.stage.table_name}-watch"

    def ran() -> bool:
        found = client("logs").describe_log_streams(logGroupName=group, limit=1)
        return bool(found["logStreams"])

    _until(ran, 300, "watch did not run within five minutes")
    return "watch runs"


def alarms(live: Live) -> str:
    """No alarm of a new stage is in ALARM, watch-stopped's above all."""
    found = client("cloudwatch").describe_alarms(AlarmNames=stacks.alarms(live.stage.name))
    states = {each["AlarmName"]: each["StateValue"] for each in found["MetricAlarms"]}
    if on := [name for name, state in states.items() if state == "ALARM"]:
        raise Failure(f"These are in ALARM: {', '.join(on)}.")
    if missing := set(stacks.alarms(live.stage.name)) - states.keys():
        raise Failure(f"These are not there: {', '.join(sorted(missing))}.")
    return f"{len(states)} alarms, none in ALARM"


def senders(live: Live) -> str:
    """Who may post is kept over a deploy."""
    live.deploy("--only-from", NOBODY)
    _until(lambda: _post(live, live.publisher, _event()).status == 403, 120, "All may post")
    live.deploy()
    time.sleep(_PAUSE_SECONDS)
    if (status := _post(live, live.publisher, _event()).status) != 403:
        raise Failure(f"After another deploy a POST is answered {status}: the policy is gone.")
    if (status := ask(live.api, "GET", "/health").status) != 200:
        raise Failure(f"GET /health is answered {status}: readers are shut out.")
    live.deploy("--only-from", "anywhere", "--accept-losses")
    _until(lambda: _post(live, live.publisher, _event()).status == 200, 120, "Nobody may post")
    return "kept over a deploy; readers are not shut out"


CHECKS: dict[str, Callable[[Live], str]] = {
    "events": events,
    "notifications": notifications,
    "readers": readers,
    "limits": limits,
    "event-sources": event_sources,
    "clock": clock,
    "alarms": alarms,
    "senders": senders,
}


def ask(
    api: str, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> Answer:
    """One request to the API. Raises Failure."""
    parts = urlsplit(api)
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = made(parts.netloc, timeout=_SECONDS)
    try:
        connection.request(method, parts.path + path, body or None, headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{method} {api}{path.partition('?')[0]} failed: {error}") from error
    finally:
        connection.close()


def _event() -> bytes:
    """An event that is not like any before."""
    now = times.iso(times.now())
    return json.dumps(
        {"eventType": "app_terminated_event", "appId": _APP, "timestamp": now}
    ).encode()


def _post(live: Live, token: str, body: bytes) -> Answer:
    return ask(live.api, "POST", f"/callback?token={token}", {"Content-Type": "text/plain"}, body)


def _received(url: str) -> bool:
    found: Any = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)
    return any(_APP in each["Body"] for each in found.get("Messages", []))


def _until(done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait until it is so. Raises Failure."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise Failure(f"{otherwise} ({seconds:g} s).")
        time.sleep(_PAUSE_SECONDS)
