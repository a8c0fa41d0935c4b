"""The life of two apps. One is created, scaled, fails, recovers and is deleted. The other gets a
version that does not start, and the one before again.

``CREATED`` and ``DELETED`` are what a real Marathon sent when a container was created and when it
was deleted, in the order in which it came: several events in one millisecond, and not in the order
in which they happened. The bodies have the shape of that time (Marathon 1.1.1).
"""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from chalicelib import times

Event = dict[str, Any]

APP = "/my-app"
SHOP = "/shop/checkout"
_DAY = "2016-04-24T"
_CREATE = "867ed450-f6a8-4d33-9b0e-e11c5513990b"
_SCALE = "5a63a3c2-1d3c-4a0f-9d0e-2f8fd2f5b3c1"
_DELETE = "7e1b2c9a-90cd-4b43-8a0c-5f4e36f9a6d7"
_OPEN = "0d0f9d52-4c3e-4c55-9b0c-6c1b7f0f6a11"
_BREAK = "1c1a7c3f-9a54-4d0e-8a57-2f5b0f7e6b22"
_MEND = "2b2b6b4e-7b65-4e1f-9b68-3a6c1a8d7c33"


def _task(app: str, n: int) -> str:
    name = app.strip("/").replace("/", "_")
    return f"{name}.{n + 1}b5a1d9e-09fe-11e6-8b3c-0242ac11000{n + 1}"


def _definition(instances: int, app: str = APP, cmd: str = "sleep 30") -> Event:
    return {
        "id": app,
        "cmd": cmd,
        "args": None,
        "user": None,
        "env": {},
        "instances": instances,
        "cpus": 0.2,
        "mem": 32,
        "disk": 0,
        "executor": "",
        "constraints": [],
        "uris": [],
        "fetch": [],
        "storeUrls": [],
        "ports": [10001],
        "requirePorts": False,
        "backoffSeconds": 1,
        "backoffFactor": 1.15,
        "maxLaunchDelaySeconds": 3600,
        "container": None,
        "healthChecks": [],
        "dependencies": [],
        "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 1},
        "labels": {},
        "acceptedResourceRoles": None,
        "version": "2014-09-09T05:57:50.866Z",
    }


def _root(*apps: Event) -> Event:
    version = f"{_DAY}09:27:47.019Z"
    return {"id": "/", "apps": list(apps), "groups": [], "dependencies": [], "version": version}


def _post(time: str, app: str = APP, cmd: str = "sleep 30") -> Event:
    return {
        "clientIp": "10.0.9.4",
        "uri": f"/v2/apps{app}",
        "appDefinition": _definition(2, app, cmd),
        "eventType": "api_post_event",
        "timestamp": time,
    }


def _group(time: str) -> Event:
    return {
        "groupId": "/",
        "version": f"{_DAY}09:27:47.019Z",
        "eventType": "group_change_success",
        "timestamp": _DAY + time,
    }


def _step(*actions: str, app: str = APP) -> Event:
    return {"actions": [{"type": action, "app": app} for action in actions]}


_CREATE_STEPS = [_step("StartApplication"), _step("ScaleApplication")]
_SCALE_STEPS = [_step("ScaleApplication")]
_DELETE_STEPS = [_step("StopApplication")]


_SHOP_OPEN_STEPS = [_step("StartApplication", "ScaleApplication", app=SHOP)]
_SHOP_STEPS = [_step("RestartApplication", app=SHOP)]
_OLD_SHOP = _definition(2, SHOP, "./checkout --version 41")
_NEW_SHOP = _definition(2, SHOP, "./checkout --version 42")


def _plan(id_: str, before: list[Event], after: list[Event], steps: list[Event]) -> Event:
    return {
        "id": id_,
        "original": _root(*before),
        "target": _root(*after),
        "steps": steps,
        "version": f"{_DAY}09:27:47.019Z",
    }


_PLANS = {
    _CREATE: _plan(_CREATE, [], [_definition(2)], _CREATE_STEPS),
    _SCALE: _plan(_SCALE, [_definition(2)], [_definition(4)], _SCALE_STEPS),
    _DELETE: _plan(_DELETE, [_definition(4)], [], _DELETE_STEPS),
    _OPEN: _plan(_OPEN, [], [_OLD_SHOP], _SHOP_OPEN_STEPS),
    _BREAK: _plan(_BREAK, [_OLD_SHOP], [_NEW_SHOP], _SHOP_STEPS),
    _MEND: _plan(_MEND, [_NEW_SHOP], [_OLD_SHOP], _SHOP_STEPS),
}


def _deploying(type_: str, time: str, id_: str, step: int) -> Event:
    plan = _PLANS[id_]
    return {
        "plan": plan,
        "currentStep": plan["steps"][step],
        "eventType": type_,
        "timestamp": _DAY + time,
    }


def _deployed(time: str, id_: str, type_: str = "deployment_success") -> Event:
    event = {"id": id_, "plan": _PLANS[id_], "eventType": type_}
    return event | {"timestamp": _DAY + time}


def _status(time: str, state: str, task: int, message: str = "", app: str = APP) -> Event:
    return {
        "slaveId": "4a1f7b0e-S1",
        "taskId": _task(app, task),
        "taskStatus": state,
        "message": message,
        "appId": app,
        "host": f"node-{task + 1}.example.net",
        "ipAddresses": [{"ipAddress": f"192.0.2.{task + 11}", "protocol": "IPv4"}],
        "ports": [31001 + task],
        "version": "2014-09-09T05:57:50.866Z",
        "eventType": "status_update_event",
        "timestamp": _DAY + time,
    }


def _health(time: str, alive: bool, task: int) -> Event:
    return {
        "appId": APP,
        "taskId": _task(APP, task),
        "version": "2014-09-09T05:57:50.866Z",
        "alive": alive,
        "eventType": "health_status_changed_event",
        "timestamp": _DAY + time,
    }


EXAMPLE = _post("2014-03-01T23:29:30.158Z")

CREATED = [
    _post(f"{_DAY}09:27:47.044Z"),
    _group("09:27:47.044Z"),
    _deploying("deployment_step_success", "09:27:47.047Z", _CREATE, 0),
    _deploying("deployment_info", "09:27:47.047Z", _CREATE, 1),
    _deploying("deployment_info", "09:27:47.046Z", _CREATE, 0),
    _status("09:27:48.069Z", "TASK_RUNNING", 0),
    _deploying("deployment_step_success", "09:27:48.078Z", _CREATE, 1),
    _deployed("09:27:48.078Z", _CREATE),
]

SCALED = [
    _group("09:28:30.101Z"),
    _deploying("deployment_info", "09:28:30.107Z", _SCALE, 0),
    _status("09:28:31.211Z", "TASK_RUNNING", 2),
    _status("09:28:31.298Z", "TASK_RUNNING", 3),
    _deploying("deployment_step_success", "09:28:31.310Z", _SCALE, 0),
    _deployed("09:28:31.310Z", _SCALE),
]

OPENED = [
    _post(f"{_DAY}09:28:05.202Z", SHOP, "./checkout --version 41"),
    _group("09:28:05.210Z"),
    _deploying("deployment_info", "09:28:05.214Z", _OPEN, 0),
    _status("09:28:06.020Z", "TASK_RUNNING", 0, app=SHOP),
    _status("09:28:06.391Z", "TASK_RUNNING", 1, app=SHOP),
    _deploying("deployment_step_success", "09:28:06.400Z", _OPEN, 0),
    _deployed("09:28:06.402Z", _OPEN),
]

BROKEN = [
    _post(f"{_DAY}09:28:50.115Z", SHOP, "./checkout --version 42"),
    _group("09:28:50.121Z"),
    _deploying("deployment_info", "09:28:50.130Z", _BREAK, 0),
    *(
        _status(
            f"09:28:{52 + 2 * n}.305Z",
            "TASK_FAILED",
            2 + n,
            "Command exited with status 1: stderr='Error: no such table: orders_v42'",
            SHOP,
        )
        for n in range(4)
    ),
]

MENDED = [
    _post(f"{_DAY}09:29:20.811Z", SHOP, "./checkout --version 41"),
    _group("09:29:20.820Z"),
    _deployed("09:29:20.822Z", _BREAK, "deployment_failed"),
    _deploying("deployment_info", "09:29:20.831Z", _MEND, 0),
    _status("09:29:21.902Z", "TASK_RUNNING", 6, app=SHOP),
    _status("09:29:22.377Z", "TASK_RUNNING", 7, app=SHOP),
    _deploying("deployment_step_success", "09:29:22.390Z", _MEND, 0),
    _deployed("09:29:22.391Z", _MEND),
]

FAILED = [
    _health("09:29:50.020Z", False, 3),
    _status("09:29:52.774Z", "TASK_FAILED", 3, "Container exited with status 137"),
]

RECOVERED = [
    _status("09:29:54.120Z", "TASK_STAGING", 1),
    _status("09:29:55.431Z", "TASK_RUNNING", 1),
    _health("09:30:05.002Z", True, 1),
]

DELETED = [
    _group("09:31:44.379Z"),
    _deploying("deployment_info", "09:31:44.390Z", _DELETE, 0),
    _status("09:31:44.936Z", "TASK_KILLED", 0, "Command terminated with signal Terminated"),
    {"appId": APP, "eventType": "app_terminated_event", "timestamp": f"{_DAY}09:31:44.941Z"},
    _deploying("deployment_step_success", "09:31:44.941Z", _DELETE, 0),
    _deployed("09:31:44.941Z", _DELETE),
]

LIFE = [[EXAMPLE], CREATED, OPENED, SCALED, BROKEN, MENDED, FAILED, RECOVERED, DELETED]


def again(chapter: list[Event], begin: datetime, now: datetime) -> list[Event]:
    """A chapter as it would be today, with deployments of its own: ``begin`` becomes ``now``. Its
    events are in the order in which they come, which is nearly that of their times.
    """
    text = json.dumps(chapter)
    for id_ in _PLANS:
        text = text.replace(id_, str(uuid.uuid5(uuid.UUID(id_), now.isoformat())))
    shift = now - begin
    return [_later(event, shift) for event in json.loads(text)]


def _later(event: Event, shift: timedelta) -> Event:
    return event | {"timestamp": times.iso(times.from_iso(event["timestamp"]) + shift)}
