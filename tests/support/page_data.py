"""A day of a busy cluster, as the read API tells it."""

import random
from datetime import timedelta
from typing import Any

from chalicelib import times
from tests.support.page_api import NOW, PageApi, Summary, cluster, summary

APPS = [
    "/prod/web", "/prod/api", "/prod/search", "/prod/payments/gateway", "/prod/payments/ledger",
    "/prod/media/thumbnails", "/prod/media/transcoder", "/staging/web", "/staging/api",
    "/tools/cron", "/tools/metrics",
]  # fmt: skip
DAY = 86_400
FAILED = "3f0a9c1e-2b7d-4a51-9a0e-7e6b1f2c8d11"
RUNNING = "9c2b7f40-51de-4c3b-8f0a-1d2e3f4a5b6c"
_TITLES = {
    "info": "Task of {app} is running on {host}",
    "notice": "Task of {app} was killed on {host}: Command terminated with signal Terminated",
    "warning": "Task of {app} no longer passes its health check",
    "error": "Task of {app} failed on {host}: Container exited with status 137",
}


def day(count: int = 400, seed: int = 7) -> PageApi:
    """Events of some apps, deployments, a gap, open incidents and a running deployment."""
    chance = random.Random(seed)
    api = PageApi()
    for _ in range(count):
        app = chance.choice(APPS)
        severity = chance.choices(list(_TITLES), [70, 20, 7, 3 if app == "/prod/web" else 1])[0]
        api.events.append(task(chance.uniform(60, DAY - 60), app, severity, chance.randint(1, 9)))
    for n, app in enumerate(APPS * 2):
        begin = chance.uniform(3600, DAY - 3600)
        deploy(api, f"d{n:07}", begin, chance.uniform(60, 2400), [app])
    deploy(api, FAILED, 9000, 1500, ["/prod/web", "/prod/api"], "failed")
    deploy(api, RUNNING, 600, 0, ["/prod/payments/gateway", "/prod/payments/ledger"])
    api.events += _marathons(api)
    api.stories = {FAILED: _failed_story(api.events), RUNNING: _running_story(api.events)}
    api.clusters = [_prod(), cluster("berlin")]
    for event in api.events:
        api.bodies.setdefault(event["id"], _body(event))
    return api


def task(ago: float, app: str, severity: str, node: int) -> Summary:
    """A task's event."""
    host = f"node-{node}.example.net"
    title = _TITLES[severity].format(app=app, host=host)
    return summary(ago, title, app=app, severity=severity, host=host, status="TASK_RUNNING")


def deployment(
    id_: str, ago: float, seconds: float, apps: list[str], end: str = "success"
) -> list[Summary]:
    """A deployment's events; ``seconds`` 0: it still runs."""
    about = {"app": None, "apps": apps, "deployment": id_, "subject": f"deployment:{id_}"}
    shown = " and ".join(apps)
    made = [
        summary(
            ago, f"Deployment step 1 of 2 began: restart {shown}", type="deployment_info", **about
        )
    ]
    if seconds:
        severity = "error" if end == "failed" else "notice"
        title = "succeeded" if end == "success" else "failed: the app was not healthy in time"
        made.append(
            summary(
                ago - seconds,
                f"Deployment of {shown} {title}",
                type=f"deployment_{end}",
                severity=severity,
                **about,
            )
        )
    return made


def deploy(
    api: PageApi, id_: str, ago: float, seconds: float, apps: list[str], end: str = "success"
) -> None:
    """A deployment in the list, and its events; ``seconds`` 0: it still runs."""
    api.events += deployment(id_, ago, seconds, apps, end)
    ended = {"ended_at": times.iso(NOW - timedelta(seconds=ago - seconds)), "seconds": seconds}
    state = {"success": "succeeded", "failed": "failed", "cancelled": "cancelled"}[end]
    listed = {
        "id": id_,
        "cluster": "prod",
        "state": state if seconds else "running",
        "apps": apps,
        "started_at": times.iso(NOW - timedelta(seconds=ago)),
        "started_by": "192.0.2.50",
        "changed": "4.17.2 → 4.18.0",
    } | (ended if seconds else {})
    api.deployments.append(listed)
    api.deployments.sort(key=lambda each: each["started_at"], reverse=True)


def _marathons(api: PageApi) -> list[Summary]:
    marathon = {"app": None, "subject": "marathon"}
    gap = summary(
        40_000,
        "Relay relay-1 was not listening for 40 minutes: Marathon's leader changed",
        type="relay_gap",
        severity="warning",
        **marathon,
    )
    begin, end = times.iso(NOW.replace(hour=0)), gap["timestamp"]
    api.bodies[gap["id"]] = {"eventType": "relay_gap", "from": begin, "to": end}
    change = {"app": None, "subject": "group:/prod", "type": "group_change_success"}
    return [
        gap,
        summary(41_000, "Marathon registered with a Mesos master", severity="notice", **marathon),
        summary(9010, "Change in group /prod accepted", **change),
    ]


def _prod() -> dict[str, Any]:
    web = summary(700, "Task of /prod/web failed on node-7: Container exited with status 137")
    incidents = [
        {
            "subject": "app:/prod/web",
            "since": web["timestamp"],
            "severity": "error",
            "title": web["title"],
            "count": 40,
            "cause": "Container exited with status 137",
            "deployment": FAILED,
            "by": "192.0.2.50",
        },
        {
            "subject": "app:/prod/search",
            "since": summary(5000)["timestamp"],
            "severity": "warning",
            "title": "Task of /prod/search no longer passes its health check",
        },
    ]
    running = {
        "id": RUNNING,
        "apps": ["/prod/payments/gateway", "/prod/payments/ledger"],
        "started_at": summary(600)["timestamp"],
        "step": 2,
        "steps": 5,
    }
    return cluster("prod", incidents=incidents, deployments=[running])


def _failed_story(events: list[Summary]) -> dict[str, Any]:
    own = [each for each in events if each.get("deployment") == FAILED]
    at = [summary(ago)["timestamp"] for ago in (9000, 8880, 7500)]
    failure = summary(
        7800, "Task of /prod/web failed on node-7: Container exited with status 137",
        severity="error",
    )  # fmt: skip
    events.append(failure)
    return {
        "id": FAILED, "cluster": "prod", "state": "failed", "apps": ["/prod/web", "/prod/api"],
        "started_at": at[0], "ended_at": at[2], "seconds": 1500, "started_by": "192.0.2.50",
        "reason": "The app was not healthy in time",
        "steps": [
            {"number": 1, "state": "succeeded", "started_at": at[0], "ended_at": at[1],
             "seconds": 120, "actions": [{"action": "ResolveArtifacts", "app": "/prod/web"}]},
            {"number": 2, "state": "failed", "started_at": at[1], "ended_at": at[2],
             "seconds": 1380, "actions": [
                 {"action": "RestartApplication", "app": "/prod/web"},
                 {"action": "ScaleApplication", "app": "/prod/api", "from": 2, "to": 6}]},
            {"number": 3, "state": "waiting",
             "actions": [{"action": "StopApplication", "app": "/prod/old"}]},
        ],
        "changes": [
            {"app": "/prod/web", "fields": [
                {"field": "container.docker.image", "change": "changed",
                 "before": "registry.example.net/web:4.17.2",
                 "after": "registry.example.net/web:4.18.0"},
                {"field": "cmd", "change": "changed",
                 "before": "exec gunicorn --workers 4 --bind 0.0.0.0:$PORT0 shop.web:app",
                 "after": "exec gunicorn --workers 8 --bind 0.0.0.0:$PORT0 shop.web:app --preload"},
                {"field": "mem", "change": "changed", "before": 512, "after": 384},
                {"field": "env.DB_PASSWORD", "change": "changed"},
                {"field": "env.FEATURE_CART", "change": "added"},
                {"field": "healthChecks", "change": "changed",
                 "before": [{"protocol": "HTTP", "path": "/alive"}],
                 "after": [{"protocol": "HTTP", "path": "/ready"}]},
            ]},
            {"app": "/prod/api", "fields": [
                {"field": "instances", "change": "changed", "before": 2, "after": 6},
                {"field": "labels.owner", "change": "added", "after": "team-shop"},
            ]},
        ],
        "failures": [failure], "events": own,
    }  # fmt: skip


def _running_story(events: list[Summary]) -> dict[str, Any]:
    started = summary(600)["timestamp"]
    return {
        "id": RUNNING, "cluster": "prod", "state": "running", "started_at": started,
        "apps": ["/prod/payments/gateway", "/prod/payments/ledger"],
        "steps": [{"number": 1, "state": "running", "started_at": started, "actions": [
            {"action": "ScaleApplication", "app": "/prod/payments/gateway", "to": 4}]}],
        "changes": [], "failures": [],
        "events": [each for each in events if each.get("deployment") == RUNNING],
    }  # fmt: skip


def _body(event: Summary) -> dict[str, Any]:
    return {
        "eventType": event["type"],
        "timestamp": event["timestamp"],
        "appId": event.get("app"),
        "taskStatus": event.get("status"),
        "message": event["title"],
        "ports": [31001, 31002],
        "ipAddresses": [{"ipAddress": "192.0.2.11", "protocol": "IPv4"}],
        "version": "2016-02-21T07:08:00.000Z",
    }
