"""Bodies to measure with: as Marathon sends them, of four sizes."""

import base64
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parents[1] / "events"


def small() -> bytes:
    """A status update of some 350 bytes: a task failed."""
    event = json.loads((_EVENTS / "status_update_event-0.14.0-failed.json").read_text())
    return _compact(event)


def running() -> bytes:
    """A status update that is no incident, as most are."""
    event = json.loads(small()) | {"taskStatus": "TASK_RUNNING", "message": ""}
    return _compact(event)


def different(count: int) -> list[bytes]:
    """So many small events, no two alike."""
    event = json.loads(small())
    return [_compact(event | {"ports": [31_000 + n]}) for n in range(count)]


def definition() -> bytes:
    """An app definition, some 1 KB."""
    event = json.loads((_EVENTS / "api_post_event-1.1.1.json").read_text())
    event["appDefinition"] |= _app(0, random.Random(1)) | {"container": _CONTAINER}
    return _compact(event)


def plan(apps: int) -> bytes:
    """A heavy plan of so many apps, some 1.2 KB each (it holds them before and after), each with a
    password and a version of its own.
    """
    chance = random.Random(1)
    group = {"id": "/", "groups": [], "dependencies": [], "version": "2016-02-21T07:00:00.000Z"}
    before = [_app(n, chance) for n in range(apps)]
    after = [*before[:-1], before[-1] | {"instances": 5}]
    step = {"actions": [{"action": "ScaleApplication", "app": before[-1]["id"]}]}
    event = {
        "plan": {
            "id": "0dd00001-2222-4333-8444-555566667777",
            "original": group | {"apps": before},
            "target": group | {"apps": after},
            "steps": [step],
            "version": "2016-02-21T07:08:00.000Z",
        },
        "currentStep": step,
        "eventType": "deployment_info",
        "timestamp": "2016-02-21T07:08:09.001Z",
    }
    return _compact(event)


def stream(count: int) -> list[bytes]:
    """So many different events as a busy cluster sends them: status updates, now and then an app
    definition, seldom a plan of 100 apps.
    """
    kinds = [json.loads(body) for body in (small(), definition(), plan(100))]
    begin = datetime(2016, 2, 21, 7, tzinfo=UTC)
    made = []
    for n in range(count):
        event = kinds[2 if n % 200 == 199 else 1 if n % 10 == 9 else 0]
        at = (begin + timedelta(milliseconds=7 * n)).isoformat(timespec="milliseconds")
        made.append(_compact(event | {"timestamp": at.replace("+00:00", "Z")}))
    return made


_HEALTH_CHECK = {
    "protocol": "HTTP",
    "path": "/alive",
    "portIndex": 0,
    "gracePeriodSeconds": 120,
    "intervalSeconds": 20,
    "timeoutSeconds": 15,
    "maxConsecutiveFailures": 4,
}
_CONTAINER = {
    "type": "DOCKER",
    "volumes": [],
    "docker": {
        "image": "registry.example.org/shop/service:1.4.2",
        "network": "BRIDGE",
        "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
    },
}


def _app(n: int, chance: random.Random) -> dict[str, Any]:
    password = base64.urlsafe_b64encode(chance.randbytes(24)).decode()
    return {
        "id": f"/shop/service-{n:04d}",
        "cmd": "./serve --port $PORT0 --config /etc/service.conf",
        "env": {"DB_PASSWORD": password, "DB_HOST": f"db-{n % 9}.example.org"},
        "instances": chance.randrange(1, 9),
        "cpus": chance.choice([0.1, 0.5, 1, 2]),
        "mem": chance.choice([128, 256, 512, 1024]),
        "disk": 0,
        "labels": {"team": "shop", "tier": "gold"},
        "storeUrls": [],
        "constraints": [],
        "uris": [],
        "ports": [chance.randrange(10_000, 20_000)],
        "backoffFactor": 1.15,
        "healthChecks": [_HEALTH_CHECK],
        "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 1},
        "version": f"2016-02-{chance.randrange(10, 21)}T07:{chance.randrange(10, 60)}:"
        f"{chance.randrange(10, 60)}.{chance.randrange(100, 1000)}Z",
    }


def _compact(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
