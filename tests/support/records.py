"""Records as tests need them."""

import json
from datetime import UTC, datetime
from typing import Any

from chalicelib.marathon.reading import read
from chalicelib.records.record import Record, identify, record_of

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def record(cluster: str = "prod", **event: Any) -> Record:
    return record_from(json.dumps({"eventType": "app_terminated_event", **event}).encode(), cluster)


def record_from(body: bytes, cluster: str = "prod") -> Record:
    reading = read(body)
    id_ = identify(body, reading.timestamp or RECEIVED)
    return record_of(id_, cluster, RECEIVED, reading, body)


def at(second: int, app: str = "/shop", **more: Any) -> Record:
    return record(appId=app, timestamp=f"2016-04-24T09:00:{second:02d}.000Z", **more)
