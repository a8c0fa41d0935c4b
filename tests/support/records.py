"""Records as tests need them."""

import json
from datetime import UTC, datetime
from typing import Any

from chalicelib.marathon.reading import read
from chalicelib.records import items
from chalicelib.records.record import Record, identify, record_of
from chalicelib.services.store import Store

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def record(cluster: str = "prod", **event: Any) -> Record:
    return record_from(json.dumps({"eventType": "app_terminated_event", **event}).encode(), cluster)


def record_from(body: bytes, cluster: str = "prod") -> Record:
    reading = read(body)
    id_ = identify(body, reading.timestamp or RECEIVED)
    return record_of(id_, cluster, RECEIVED, reading, body)


def at(second: int, app: str = "/shop", **more: Any) -> Record:
    return record(appId=app, timestamp=f"2016-04-24T09:00:{second:02d}.000Z", **more)


def keep(store: Store, *records: Record) -> None:
    """Store records, and note what fan-out notes of them."""
    for each in records:
        if store.put(each) == "new":
            store.note_day(each.cluster, items.day_of(each.id))
            store.note_deployment(each, None)
