"""What happens in a cluster, as events in the shape of Marathon 1.11, or of 1.4.13 where named."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import times
from chalicelib.services.clusters import Cluster
from tests.support.night import MIDNIGHT

Event = dict[str, Any]

_VERSION = "2026-03-01T16:20:00.000Z"
_NAMESPACE = uuid.UUID("5b1c1f0e-5c5d-11ea-8f1c-0a1b2c3d4e5f")


def at(clock: str, seconds: float = 0) -> datetime:
    """``02:14:05`` of the night, and so many seconds later."""
    hours, minutes, whole = (int(part) for part in clock.split(":"))
    return MIDNIGHT + timedelta(hours=hours, minutes=minutes, seconds=whole + seconds)


def event(time: datetime, type_: str, **fields: Any) -> Event:
    return {**fields, "eventType": type_, "timestamp": times.iso(time)}


def instance(app: str, n: int) -> str:
    """The id of the nth instance of an app."""
    safe = app.strip("/").replace("/", "_")
    return f"{safe}.instance-{uuid.uuid5(_NAMESPACE, f'{app} {n}')}"


def task(
    time: datetime, app: str, n: int, status: str, message: str = "", host: str = "node-7"
) -> list[Event]:
    """A task changes its state: told as a task and as its instance."""
    condition = status.removeprefix("TASK_").capitalize()
    return [
        event(
            time,
            "status_update_event",
            slaveId=f"7d0e-{host}",
            taskId=f"{instance(app, n)}._app.1",
            taskStatus=status,
            message=message,
            appId=app,
            host=f"{host}.example.net",
            ipAddresses=[{"ipAddress": "192.0.2.17", "protocol": "IPv4"}],
            ports=[31044],
            version=_VERSION,
        ),
        event(
            time + timedelta(milliseconds=1),
            "instance_changed_event",
            instanceId=instance(app, n),
            condition=condition,
            runSpecId=app,
            agentId=f"7d0e-{host}",
            host=f"{host}.example.net",
            runSpecVersion=_VERSION,
        ),
    ]


def healthy(time: datetime, app: str, n: int, alive: bool) -> list[Event]:
    """A task's health turns."""
    return [
        event(
            time,
            "health_status_changed_event",
            appId=app,
            instanceId=instance(app, n),
            version=_VERSION,
            alive=alive,
        ),
        event(
            time + timedelta(milliseconds=1),
            "instance_health_changed_event",
            instanceId=instance(app, n),
            runSpecId=app,
            runSpecVersion=_VERSION,
            healthy=alive,
        ),
    ]


def failed_check(time: datetime, app: str, n: int) -> Event:
    check = {"protocol": "MESOS_HTTP", "path": "/health", "portIndex": 0, "intervalSeconds": 10}
    return event(
        time,
        "failed_health_check_event",
        appId=app,
        taskId=instance(app, n),
        healthCheck=check,
    )


def submitted(time: datetime, app: str, image: str, by: str = "10.0.9.4") -> Event:
    definition = {
        "id": app,
        "cmd": "./serve --password=hunter2",
        "env": {"DB_PASSWORD": "correct horse"},
        "instances": 3,
        "cpus": 0.5,
        "mem": 256,
        "container": {"type": "MESOS", "docker": {"image": image}},
        "version": times.iso(time),
    }
    return event(
        time, "api_post_event", clientIp=by, uri=f"/v2/apps/{app}", appDefinition=definition
    )


class Deployment:
    """A deployment that restarts an app in one step, or in several."""

    def __init__(self, name: str, begun: datetime, *apps: str) -> None:
        self.id = str(uuid.uuid5(_NAMESPACE, name))
        self._steps = [{"actions": [{"action": "RestartApplication", "app": app}]} for app in apps]
        self._plan = {"id": self.id, "steps": self._steps, "version": times.iso(begun)}

    def step(self, time: datetime, number: int = 1) -> Event:
        return self._of("deployment_info", time, number)

    def stepped(self, time: datetime, number: int = 1) -> Event:
        return self._of("deployment_step_success", time, number)

    def succeeded(self, time: datetime) -> Event:
        return event(time, "deployment_success", id=self.id, plan=self._plan)

    def failed(self, time: datetime, reason: str = "") -> Event:
        more = {"reason": reason} if reason else {}
        return event(time, "deployment_failed", id=self.id, plan=self._plan, **more)

    def _of(self, type_: str, time: datetime, number: int) -> Event:
        return event(time, type_, plan=self._plan, currentStep=self._steps[number - 1])


def accepted(time: datetime, group: str, version: datetime) -> Event:
    return event(time, "group_change_success", groupId=group, version=times.iso(version))


def registered() -> Cluster:
    """The cluster as its registration wrote it down."""
    return Cluster("prod", "http://marathon.example.net:8080", "framework")


def flat(*rows: Event | Sequence[Event]) -> list[Event]:
    """Events and lists of them as one list."""
    return [each for row in rows for each in ([row] if isinstance(row, dict) else row)]
