"""What was stored, notified and sent to people, for the view and for the check at the end."""

import threading
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from chalicelib.records import items
from chalicelib.records.record import Record


class Journal:
    """Fed by the event source mappings and by a subscriber, each in a thread of its own."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.notified: Counter[str] = Counter()
        self._changed = threading.Condition()
        self.on_notified: Callable[[Record], None] = lambda _: None
        self.alerts: list[str] = []
        self.on_alert: Callable[[str, str], None] = lambda *_: None
        self.delivered: dict[str, str] = {}
        self.on_delivered: Callable[[str, str], None] = lambda *_: None

    def stored(self, stream_record: dict[str, Any]) -> None:
        """A record that came out of the table's stream."""
        if stream_record["eventName"] != "INSERT":
            return
        values = items.plain(stream_record["dynamodb"]["NewImage"])
        if values["kind"] == "record":
            record = items.to_record({**values, "body": b""}, [])
            with self._changed:
                self.records[record.id] = record
                self._changed.notify_all()

    def heard(self, message: dict[str, Any]) -> None:
        """A notification that a subscriber got."""
        with self._changed:
            self.notified[message["id"]] += 1
            self._changed.notify_all()
            record = self.records.get(message["id"])
        if record:
            self.on_notified(record)

    def alerted(self, message: dict[str, Any]) -> None:
        """An alert that people got."""
        with self._changed:
            self.alerts.append(message["Subject"])
            self._changed.notify_all()
        self.on_alert(message["Subject"], message["Message"])

    def arrived(self, service: str, what: str) -> None:
        """What a chat or pager got, in a line."""
        with self._changed:
            self.delivered[service] = what
            self._changed.notify_all()
        self.on_delivered(service, what)

    def wait_for_change(self, seconds: float) -> bool:
        """Wait until anything comes. Returns whether something did."""
        before = self._seen()
        return self.wait_until(lambda: self._seen() != before, seconds)

    def _seen(self) -> tuple[int, int, int]:
        return len(self.records), self.notified.total(), len(self.alerts)

    def wait_for(self, count: int, seconds: float) -> bool:
        """Wait until so many events are stored and notified."""
        return self.wait_until(
            lambda: len(self.records) >= count and self.notified.total() >= count, seconds
        )

    def wait_for_notified(self, ids: Collection[str], seconds: float) -> bool:
        """Wait until each of these was notified."""
        return self.wait_until(lambda: self.notified.keys() >= set(ids), seconds)

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition holds. It is checked whenever an event comes. Returns whether it
        holds.
        """
        with self._changed:
            return self._changed.wait_for(holds, seconds)
