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


def _safe(app: str) -> str:
    return app.strip("/").replace("/", "_")


def _uuid(app: str, n: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{app} {n}"))


def instance(app: str, n: int) -> str:
    """The id of the nth instance of an app."""
    return LATEST.instance(app, n)


class Era:
    """How some versions name tasks and tell of them: ``1.3`` tasks alone; ``1.5`` instances, too;
    ``1.8`` the latest form.
    """

    def __init__(self, version: str) -> None:
        self.version = version

    def task_id(self, app: str, n: int) -> str:
        """The id of the task of an app's nth instance."""
        tail = f"instance-{_uuid(app, n)}._app.1" if self.version == "1.8" else _uuid(app, n)
        return f"{_safe(app)}.{tail}"

    def instance(self, app: str, n: int) -> str:
        """The id of an app's nth instance."""
        kind = "instance" if self.version == "1.8" else "marathon"
        return f"{_safe(app)}.{kind}-{_uuid(app, n)}"

    def task(
        self,
        time: datetime,
        app: str,
        n: int,
        status: str,
        message: str = "",
        host: str = "node-7",
        condition: str = "",
    ) -> list[Event]:
        """A task changes its state: told as a task, and since 1.4 as its instance."""
        if self.version == "1.3" and status == "TASK_UNREACHABLE":
            status = "TASK_LOST"
        told = event(
            time,
            "status_update_event",
            slaveId=f"7d0e-{host}",
            taskId=self.task_id(app, n),
            taskStatus=status,
            message=message,
            appId=app,
            host=f"{host}.example.net",
            ipAddresses=[{"ipAddress": "192.0.2.17", "protocol": "IPv4"}],
            ports=[31044],
            version=_VERSION,
        )
        if self.version == "1.3":
            return [told]
        return [told, self.changed(time, app, n, condition or _condition(status), host)]

    def changed(
        self, time: datetime, app: str, n: int, condition: str, host: str = "node-7"
    ) -> Event:
        """The condition of an instance changes."""
        return event(
            time + timedelta(milliseconds=1),
            "instance_changed_event",
            instanceId=self.instance(app, n),
            condition=condition,
            runSpecId=app,
            agentId=f"7d0e-{host}",
            host=f"{host}.example.net",
            runSpecVersion=_VERSION,
        )

    def healthy(self, time: datetime, app: str, n: int, alive: bool) -> list[Event]:
        """A task's health turns."""
        id_ = {"instanceId": self.instance(app, n)}
        if self.version == "1.3":
            id_ = {"taskId": self.task_id(app, n)}
        told = event(
            time, "health_status_changed_event", appId=app, **id_, version=_VERSION, alive=alive
        )
        if self.version == "1.3":
            return [told]
        whole = event(
            time + timedelta(milliseconds=1),
            "instance_health_changed_event",
            instanceId=self.instance(app, n),
            runSpecId=app,
            runSpecVersion=_VERSION,
            healthy=alive,
        )
        return [told, whole]

    def failed_check(self, time: datetime, app: str, n: int, path: str = "/health") -> Event:
        """A check fails. From 1.5 on ``taskId`` holds the id of the instance."""
        check = {"protocol": "MESOS_HTTP", "path": path, "portIndex": 0, "intervalSeconds": 10}
        id_ = self.task_id(app, n) if self.version == "1.3" else self.instance(app, n)
        return event(time, "failed_health_check_event", appId=app, taskId=id_, healthCheck=check)

    def killed_for_health(self, time: datetime, app: str, n: int, reason: str) -> Event:
        """Marathon kills what fails its checks."""
        kind = (
            "unhealthy_task_kill_event"
            if self.version == "1.3"
            else ("unhealthy_instance_kill_event")
        )
        more = {} if self.version == "1.3" else {"instanceId": self.instance(app, n)}
        return event(
            time,
            kind,
            appId=app,
            taskId=self.task_id(app, n),
            **more,
            version=_VERSION,
            reason=reason,
            host="node-7.example.net",
            slaveId="7d0e-node-7",
        )


def _condition(status: str) -> str:
    named = {"TASK_GONE_BY_OPERATOR": "Gone", "TASK_LOST": "Gone", "TASK_KILLED": "Killed"}
    return named.get(status, status.removeprefix("TASK_").capitalize())


LATEST = Era("1.8")
ERAS = {each: Era(each) for each in ("1.3", "1.5", "1.8")}

task = LATEST.task
healthy = LATEST.healthy
failed_check = LATEST.failed_check


def submitted(
    time: datetime, app: str, image: str, by: str = "10.0.9.4", instances: int = 3
) -> Event:
    definition = {
        "id": app,
        "cmd": "./serve --password=hunter2",
        "env": {"DB_PASSWORD": "correct horse"},
        "instances": instances,
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

    def __init__(
        self, name: str, begun: datetime, *apps: str, action: str = "RestartApplication"
    ) -> None:
        self.id = str(uuid.uuid5(_NAMESPACE, name))
        self._steps = [{"actions": [{"action": action, "app": app}]} for app in apps]
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
