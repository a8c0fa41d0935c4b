"""The events of a deployment as Marathon sends them."""

import json
from typing import Any

from chalicelib.marathon.reading import read
from chalicelib.records.record import Record, identify, record_of
from chalicelib.services.store import Store
from tests.support.records import keep

ID = "0c9b6a52-4f0e-4a52-9c55-1f4a7a2f9e10"
OTHER = "3d5c0c1e-0f6d-4c51-8b1e-6e0f1b7e2d33"
VERSION = "2020-03-02T08:15:30.120Z"
Event = dict[str, Any]


def at(time: str) -> str:
    return f"2020-03-02T08:{time}Z"


def plan(id_: str = ID, app: str = "/prod/web", version: str = VERSION, **sides: Any) -> Event:
    steps = [
        {"actions": [{"action": "StartApplication", "app": app}]},
        {"actions": [{"action": "ScaleApplication", "app": app}]},
    ]
    return {"id": id_, "steps": steps, "version": version, **sides}


def step(type_: str, time: str, number: int, made: Event | None = None) -> Event:
    made = made or plan()
    return {
        "plan": made,
        "currentStep": made["steps"][number - 1],
        "eventType": f"deployment_{type_}",
        "timestamp": at(time),
    }


def end(type_: str, time: str, id_: str = ID, made: Event | None = None, **more: Any) -> Event:
    planned = {"plan": made} if made else {}
    return {
        "id": id_,
        **planned,
        "eventType": f"deployment_{type_}",
        "timestamp": at(time),
        **more,
    }


def definition(image: str, version: str = VERSION, **more: Any) -> Event:
    container = {"docker": {"image": image}, "type": "DOCKER"}
    return {"id": "/prod/web", "container": container, "instances": 3, "version": version, **more}


def post(time: str, app: Event) -> Event:
    return {
        "clientIp": "198.51.100.7",
        "uri": "/v2/apps//prod/web",
        "appDefinition": app,
        "eventType": "api_post_event",
        "timestamp": at(time),
    }


def group(time: str, version: str = VERSION, id_: str = "/prod") -> Event:
    return {
        "groupId": id_,
        "version": version,
        "eventType": "group_change_success",
        "timestamp": at(time),
    }


def task(time: str, state: str, message: str = "", app: str = "/prod/web") -> Event:
    return {
        "slaveId": "S1",
        "taskId": f"prod_web.instance-{time}",
        "taskStatus": state,
        "message": message,
        "appId": app,
        "host": "node-7",
        "eventType": "status_update_event",
        "timestamp": at(time),
    }


def records(*events: Event) -> list[Record]:
    """The records of events, each received when it happened."""
    return [_received(json.dumps(event).encode()) for event in events]


def _received(body: bytes) -> Record:
    reading = read(body)
    assert reading.timestamp
    id_ = identify(body, reading.timestamp)
    return record_of(id_, "prod", reading.timestamp, reading, body)


def stored(store: Store, *events: Event) -> None:
    keep(store, *records(*events))


# A rolling update as Marathon 1.7+ tells it, with light plans.
LIGHT = (
    post("15:30.481", definition("web:2", env={"KEY": "new", "ADDED": "x"}, cmd="serve -v")),
    group("15:30.470"),
    step("info", "15:30.600", 1),
    step("step_success", "15:30.610", 1),
    step("info", "15:30.620", 2),
    task("15:33.000", "TASK_FAILED", "Container exited with status 137"),
    task("15:40.000", "TASK_RUNNING"),
    step("step_success", "15:44.100", 2),
    end("success", "15:44.105", made=plan()),
)
