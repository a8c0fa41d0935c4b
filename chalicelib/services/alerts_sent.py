"""The alerts that were sent, so that "were we told, and when?" has an answer. They are kept as long
as events are. Where they were sent to is not kept.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib import times
from chalicelib.records import items
from chalicelib.records.incident import State
from chalicelib.records.items import Item
from chalicelib.records.notification import Notification
from chalicelib.services.store import EVERYTHING, Window
from chalicelib.services.table import Table

_SECONDS_A_DAY = 86_400
# DynamoDB: 400 KB for an item. A message's text is far shorter, its apps may not be.
_MOST_APPS = 1_000
_MOST_COUNTS_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class AlertSent:
    """One message. ``id`` begins with its time. ``incidents``: what it is about, by name.
    ``counts``: by the subject of each incident in it, how many instances had failed.
    """

    id: str
    cluster: str
    at: datetime
    state: State
    severity: str
    subject: str
    title: str
    text: str
    apps: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """What readers are shown of it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "cluster": self.cluster,
            "at": times.iso(self.at),
            "state": self.state,
            "severity": self.severity,
            "subject": self.subject,
            "title": self.title,
            "text": self.text,
            "apps": list(self.apps),
        }
        return {name: value for name, value in shown.items() if value}


class AlertsSent:
    """The alerts of one stage. ``retention_days``: 0 keeps them for ever. Every method raises
    TableError.
    """

    def __init__(self, table: Table, retention_days: int = 0) -> None:
        self._table = table
        self._retention = retention_days * _SECONDS_A_DAY

    def note(
        self,
        cluster: str,
        state: State,
        message: Notification,
        now: datetime,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Keep a message that was sent. ``counts``: as in ``AlertSent``."""
        digest = hashlib.sha256(f"{message.subject}\n{message.message}".encode()).hexdigest()
        apps: list[str] = json.loads(message.apps) if message.apps else []
        subject = message.attributes["subject"]
        item: Item = {
            "pk": {"S": _key(cluster)},
            "sk": {"S": f"{times.compact(now)}-{digest[:16]}"},
            "kind": {"S": "alert"},
            "state": {"S": state},
            "severity": {"S": message.attributes["severity"]},
            "subject": {"S": subject},
            "title": {"S": message.subject},
            "text": {"S": message.message},
            "apps": items.typed(apps[:_MOST_APPS]),
            "counts": {"S": json.dumps(_fitting(counts or {subject: 0}))},
        }
        if message.incidents:
            item["incidents"] = items.typed(list(filter(None, json.loads(message.incidents))))
        if self._retention:
            item["expires_at"] = {"N": str(int(now.timestamp()) + self._retention)}
        self._table.put(item)

    def newest_first(
        self, cluster: str, window: Window = EVERYTHING, page: int = 0
    ) -> Iterator[AlertSent]:
        """The alerts of a cluster."""
        found = self._table.newest_first(_key(cluster), window.since, window.last, page)
        return (_alert(cluster, each) for each in found)


def _fitting(counts: Mapping[str, int]) -> dict[str, int]:
    """As much of it as has room beside the rest of an item."""
    sizes = itertools.accumulate(len(json.dumps(each)) + 9 for each in counts)
    return {
        each: count
        for (each, count), size in zip(counts.items(), sizes, strict=True)
        if size <= _MOST_COUNTS_BYTES
    }


def _key(cluster: str) -> str:
    return f"#alerts|{cluster}"


def _alert(cluster: str, values: dict[str, Any]) -> AlertSent:
    return AlertSent(
        values["sk"],
        cluster,
        times.from_compact(values["sk"]),
        values["state"],
        values["severity"],
        values["subject"],
        values["title"],
        values["text"],
        tuple(values["apps"]),
        tuple(values.get("incidents", [values["subject"]])),
        json.loads(values.get("counts", "{}")) or {values["subject"]: 0},
    )
