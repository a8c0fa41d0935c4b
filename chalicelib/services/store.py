"""The records in one stage's table: each is stored once, and can be found again."""

import contextlib
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from chalicelib import times
from chalicelib.marathon.plans import ENDS
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.table import ConditionFailed, Table

if TYPE_CHECKING:
    from chalicelib.records.deployment import Facts, Request

Stored = Literal["new", "duplicate"]

_SECONDS_A_DAY = 86_400

# A deployment whose end was missed is no longer listed as running after 30 days.
_RUNNING_SECONDS = 30 * _SECONDS_A_DAY


@dataclass(frozen=True, slots=True)
class Window:
    """Ids from ``since`` to ``until``, both included; either may be the beginning of an id."""

    since: str = "0"
    until: str = "9"

    @classmethod
    def between(cls, since: datetime | None, until: datetime | None = None) -> "Window":
        """From one time to another, both included; None leaves that side open."""
        return cls(
            times.compact(since) if since else EVERYTHING.since,
            times.compact(until) if until else EVERYTHING.until,
        )

    def before(self, id_: str) -> "Window":
        """The part of it with the ids before that whole id."""
        return Window(self.since, id_[:-1] + chr(ord(id_[-1]) - 1))

    @property
    def last(self) -> str:
        """A text that sorts after every id that begins with ``until``."""
        return self.until + "~"


EVERYTHING = Window()


class Store:
    """Records. ``retention_days``: 0 keeps them for ever. Every method raises TableError."""

    def __init__(self, table: Table, retention_days: int = 0) -> None:
        self._table = table
        self._retention = retention_days * _SECONDS_A_DAY
        self._noted_days: set[tuple[str, str, str]] = set()

    def put(self, record: Record) -> Stored:
        """Store a record once. Parts of a large body are stored first, so that every existing
        record is complete. A stored record never changes, even if something else is sent again
        under its id.
        """
        parts, item = items.to_items(record, self._expiry())
        if parts and self._table.get({"pk": item["pk"], "sk": item["sk"]}):
            return "duplicate"
        for part in parts:
            self._table.put(part)
        try:
            self._table.put(item, "attribute_not_exists(pk)")
        except ConditionFailed:
            return "duplicate"
        return "new"

    def put_part(self, cluster: str, id_: str, name: str, chunk: bytes) -> None:
        """Store a part of a body that is not yet complete."""
        self._table.put(items.part_item(cluster, id_, name, chunk, self._expiry()))

    def parts(self, cluster: str, id_: str, names: Sequence[str]) -> list[bytes] | None:
        """The parts of a body with those names, or None while one of them is missing."""
        return self._fetch(items.part_key(cluster, id_, name) for name in names)

    def whole(self, values: dict[str, Any]) -> Record:
        """The record made from an item's plain values. Fetches the parts of its body, and raises
        LookupError if one is gone.
        """
        bodies = self._fetch(items.part_keys(values))
        if bodies is None:
            raise LookupError("a part of the body is gone")
        return items.to_record(values, bodies)

    def get(self, cluster: str, id_: str) -> Record | None:
        """The whole record with that id, or None. Raises LookupError as ``whole``."""
        found = self._table.query(
            "feed = :feed AND feed_order = :id",
            index="feed",
            feed=items.feed_key(cluster, items.day_of(id_)),
            id=id_,
        )
        key = next(found, None)
        return self.at(key["pk"], key["sk"]) if key else None

    def at(self, pk: str, sk: str) -> Record | None:
        """The whole record with that key, or None. Raises LookupError as ``whole``."""
        values = self._table.get({"pk": {"S": pk}, "sk": {"S": sk}})
        return self.whole(values) if values and items.is_record(values, time.time()) else None

    def timeline(
        self,
        cluster: str,
        subject: str,
        window: Window = EVERYTHING,
        page: int = 0,
        *,
        bodies: Container[str] = (),
    ) -> Iterator[Record]:
        """The records of one subject, newest first; in an app's timeline also the deployments'
        events that it has pointers to. ``page``: how many to read at once. ``bodies``: of which
        types with those bodies that are in the item itself; the others are empty.
        """
        key = items.timeline_key(cluster, subject)
        return _bare(self._table.newest_first(key, window.since, window.last, page), bodies)

    def feed(
        self, cluster: str, day: str, window: Window = EVERYTHING, page: int = 0
    ) -> Iterator[Record]:
        """The records of one cluster of one day (``YYYY-MM-DD``), newest first, without bodies."""
        key = items.feed_key(cluster, day)
        return _bare(self._table.newest_first(key, window.since, window.last, page, "feed"))

    def bad(
        self, cluster: str, month: str, window: Window = EVERYTHING, page: int = 0
    ) -> Iterator[Record]:
        """The warnings and errors of one cluster of one month (``YYYY-MM``), newest first, without
        bodies.
        """
        key = items.trouble_key(cluster, month)
        return _bare(self._table.newest_first(key, window.since, window.last, page, "trouble"))

    def note_deployment(self, record: Record, expires_at: int | None) -> None:
        """Show a deployment's event in the timelines of its apps and pods, and note whether the
        deployment is running, and what the list of deployments shows of it. Noting the same again
        changes nothing. Other records are left alone.
        """
        from chalicelib.services import deployments  # ingest, which starts often, needs none of it

        deployments.note(self._table, record, expires_at)
        if not record.deployment:
            return
        running = items.open_deployment_item(record, int(time.time()) + _RUNNING_SECONDS)
        ended = record.type in ENDS
        self._table.write_all(
            [*items.pointer_items(record, expires_at), *([] if ended else [running])],
            [{"pk": running["pk"], "sk": running["sk"]}] if ended else [],
        )

    def running(self, cluster: str) -> list[str]:
        """The ids of the deployments that may be running. If events came in another order than
        they were made, one may have ended.
        """
        begins = items.open_deployment_key(cluster, "")["sk"]["S"]
        noted = self._table.query("pk = :pk AND begins_with(sk, :own)", pk=items.OPEN, own=begins)
        now = time.time()
        return [
            values["sk"].removeprefix(begins)
            for values in noted
            if not items.is_expired(values, now)
        ]

    def deployments(
        self, cluster: str, window: Window = EVERYTHING, page: int = 0
    ) -> "Iterator[tuple[str, Facts | Request]]":
        """The deployments of a cluster and the requests for them that began in that time, newest
        first, each with its place in the list.
        """
        from chalicelib.services import deployments

        return deployments.newest_first(self._table, cluster, window.since, window.until, page)

    def note_day_of(self, cluster: str, id_: str, received_at: str, expires_at: int | None) -> None:
        """Note the day of a record, once for each day of receipt. Readers go through the noted days
        only.
        """
        day = (cluster, items.day_of(id_), received_at[:10])
        if day not in self._noted_days:
            self.note_day(*day[:2], expires_at)
            self._noted_days.add(day)

    def note_day(self, cluster: str, day: str, expires_at: int | None = None) -> None:
        """Note that a day has records, and when the last of them expires. The note must live as
        long as the records, so its expiry is never made earlier.
        """
        item = items.day_item(cluster, day, expires_at)
        if "expires_at" not in item:
            self._table.put(item)
            return
        with contextlib.suppress(ConditionFailed):
            self._table.put(
                item,
                "attribute_not_exists(pk) OR expires_at < :expires",
                {":expires": item["expires_at"]},
            )

    def days(self, cluster: str, window: Window = EVERYTHING) -> Iterator[str]:
        """The days that were noted, newest first. They are read as they are asked for: a sender
        can make up millions of them.
        """
        noted = self._table.newest_first(
            items.days_key(cluster), items.day_of(window.since), items.day_of(window.last)
        )
        return (values["sk"] for values in noted)

    def _expiry(self) -> int | None:
        return int(time.time()) + self._retention if self._retention else None

    def _fetch(self, keys: Iterator[items.Item]) -> list[bytes] | None:
        found: list[bytes] = []
        for key in keys:
            part = self._table.get(key)
            if part is None:
                return None
            found.append(part["body"])
        return found


def _bare(found: Iterator[dict[str, Any]], bodies: Container[str] = ()) -> Iterator[Record]:
    for values in found:
        if items.is_shown(values):
            wanted = values["type"] in bodies
            yield items.to_record(values if wanted else {**values, "body": b""}, [])
