"""Bodies to measure with: as Marathon sends them, of four sizes."""

import json
import random
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parents[1] / "events"


def small() -> bytes:
    """A status update, some 450 bytes."""
    return _compact(json.loads((_EVENTS / "status_update_event-1.11.0-failed.json").read_text()))


def definition() -> bytes:
    """An app definition, some 1 KB."""
    event = json.loads((_EVENTS / "api_post_event-1.1.1.json").read_text())
    event["appDefinition"] = _app(0, random.Random(1))
    return _compact(event)


def plan(apps: int) -> bytes:
    """A heavy plan of so many apps, some 1.2 KB each, each with a password and a version of its
    own.
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


def _app(n: int, chance: random.Random) -> dict[str, Any]:
    password = f"{chance.getrandbits(64):016x}"
    return {
        "id": f"/shop/service-{n:04d}",
        "cmd": "./serve --port $PORT0",
        "env": {"DB_PASSWORD": password, "TIER": "gold"},
        "instances": 2,
        "cpus": 0.5,
        "mem": 256,
        "disk": 0,
        "labels": {"team": "shop"},
        "ports": [10000 + n],
        "healthChecks": [
            {
                "protocol": "HTTP",
                "path": "/alive",
                "portIndex": 0,
                "gracePeriodSeconds": 120,
                "intervalSeconds": 20,
                "timeoutSeconds": 15,
                "maxConsecutiveFailures": 4,
            }
        ],
        "upgradeStrategy": {"minimumHealthCapacity": 1, "maximumOverCapacity": 1},
        "version": f"2016-02-21T07:{n % 60:02d}:{chance.randrange(60):02d}.{n % 1000:03d}Z",
    }


def _compact(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
