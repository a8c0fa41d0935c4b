"""What reading costs: calls and read units of a page, with few records in the table and with many.

The table here is a dictionary that answers queries as DynamoDB does: by key, in order, at most
``Limit`` rows or a megabyte, of which half a read unit is paid for each 4 KB.
"""

import bisect
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from ops.looking import report

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.marathon.reading import read
from chalicelib.records import items
from chalicelib.records.notification import message
from chalicelib.records.record import Record, identify, record_of
from chalicelib.sender import Sender
from chalicelib.services import deployments
from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.clusters import Cluster, Clusters
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Store, Window
from chalicelib.services.table import Table
from chalicelib.services.tokens import Token
from chalicelib.services.topic import Topic
from chalicelib.watch import Watch
from chalicelib.web.readers import Readers, Request
from tests.bench import bodies
from tests.bench.capacity import size
from tests.bench.figures import Figure
from tests.support.templates import resources

_FEW, _MANY = 1_000, 100_000
_SECONDS_APART = 25  # so 100,000 events are those of four weeks
_APPS = 50
_ERRORS = 1_000  # one event in so many
_PAGE = 100
_PAGE_BYTES = 1024 * 1024
_CLUSTER = "prod"
_DAY = timedelta(hours=24)


class Shelf:
    """A DynamoDB client for one table, which counts."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        self._indexes: dict[str, set[str]] = {"": set()}
        for index in resources("table.yaml")["EventsTable"]["Properties"]["GlobalSecondaryIndexes"]:
            kept = {"pk", "sk", index["IndexName"], "feed_order"}
            self._indexes[index["IndexName"]] = kept | {*index["Projection"]["NonKeyAttributes"]}
        self.calls = 0
        self.units = 0.0

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Keep an item, in the order of its range key."""
        self._rows["", Item["pk"]["S"]].append((Item["sk"]["S"], Item))
        for name, kept in self._indexes.items():
            if name and name in Item:
                row = {key: value for key, value in Item.items() if key in kept}
                self._rows[name, Item[name]["S"]].append((Item["feed_order"]["S"], row))
        return {}

    def settle(self) -> None:
        """Bring the rows into order."""
        for rows in self._rows.values():
            rows.sort(key=lambda row: row[0])

    def query(self, **request: Any) -> dict[str, Any]:
        """The rows of one key, the newest first."""
        values = {name: each["S"] for name, each in request["ExpressionAttributeValues"].items()}
        key = next(value for name, value in values.items() if name not in (":since", ":last"))
        rows = self._rows[request.get("IndexName", ""), key]
        first = bisect.bisect_left(rows, values.get(":since", ""), key=lambda row: row[0])
        last = bisect.bisect_right(rows, values.get(":last", "~"), key=lambda row: row[0])
        begin = request.get("ExclusiveStartKey", {"at": last})["at"]
        found: list[dict[str, Any]] = []
        read_bytes = 0
        while begin > first and len(found) < request.get("Limit", math.inf):
            begin -= 1
            found.append(rows[begin][1])
            read_bytes += size(rows[begin][1])
            if read_bytes >= _PAGE_BYTES:
                break
        self.calls += 1
        self.units += max(0.5, math.ceil(read_bytes / 4096) / 2)
        more = {"LastEvaluatedKey": {"at": begin}} if begin > first else {}
        return {"Items": found, **more}


def reading() -> Iterator[Figure]:
    """Pages of readers, with few and with many records."""
    few, many = (_filled(count) for count in (_FEW, _MANY))
    now = datetime.now(UTC)
    month = Window(times.compact(now - timedelta(days=30)))
    for name, wanted in (
        ("a page of the feed", Wanted(("prod",))),
        ("an app's timeline", Wanted(("prod",), app="/team/app-7")),
        ("errors of 30 days", Wanted(("prod",), severity="error", window=month)),
    ):
        costs = [_cost(shelf, wanted) for shelf in (few, many)]
        for (calls, units, shown), count in zip(costs, (_FEW, _MANY), strict=True):
            section = f"Reading {name}, {count:,} records"
            yield Figure(section, f"calls ({shown} events shown)", calls, "")
            yield Figure(section, "read units", units, "")
        (few_calls, few_units, few_shown), (calls, units, shown) = costs
        section = f"Reading {name}, {_MANY:,} / {_FEW:,} records"
        # A month that begins or ends in the time asked for is one call more.
        yield Figure(section, "calls, at most two months more", calls - few_calls, "", budget=2)
        each = max(0.5, units / max(1, shown)) / max(0.5, few_units / max(1, few_shown))
        yield Figure(section, "read units for each event shown", each, "×", budget=1.1)
    for shelf, count in ((few, _FEW), (many, _MANY)):
        section = "A look of watch while nothing is wrong"
        yield Figure(section, f"reads, {count:,} records", _looks(shelf), "", budget=1)
    _add_days(few, 1)
    _add_days(many, _SECONDS_APART * _MANY // 86_400)
    for name, look in (("Now", _look_at_now), ("The report of 24 hours", _report)):
        (few_calls, few_units), (calls, units) = (_costs(shelf, look) for shelf in (few, many))
        section = f"{name}, {_MANY:,} / {_FEW:,} records"
        yield Figure(section, "calls", calls / few_calls, "×", budget=1)
        yield Figure(section, "read units", units / few_units, "×", budget=1)


def _looks(shelf: Shelf) -> int:
    """The calls of a look of ``watch`` while nothing is wrong."""
    table: Any = Table(shelf, "events")  # type: ignore[arg-type]
    incidents = Incidents(table)
    topic = Topic(shelf, "topic")  # type: ignore[arg-type]
    sender = Sender(incidents, topic, AlertsSent(table))
    watch = Watch(Store(table), incidents, Clusters(table), sender, "prod", lambda: "")
    shelf.calls = 0
    watch.run()
    return shelf.calls


def _cost(shelf: Shelf, wanted: Wanted) -> tuple[int, float, int]:
    shelf.calls, shelf.units = 0, 0.0
    page = history.page(Store(Table(shelf, "events")), wanted, _PAGE)  # type: ignore[arg-type]
    return shelf.calls, shelf.units, len(page.records)


def _costs(shelf: Shelf, look: Callable[[Shelf], None]) -> tuple[int, float]:
    """The calls and the read units of a look at the last 24 hours."""
    shelf.calls, shelf.units = 0, 0.0
    look(shelf)
    return shelf.calls, shelf.units


def _look_at_now(shelf: Shelf) -> None:
    """Ask what the page's Now asks."""
    table: Any = Table(shelf, "events")  # type: ignore[arg-type]
    reader = Token("", "reader", "", "bench", "")
    tokens: Any = SimpleNamespace(find=lambda _: reader)
    readers = Readers(tokens, Store(table), Clusters(table), Incidents(table), AlertsSent(table))
    day = {"cluster": _CLUSTER, "since": times.iso(datetime.now(UTC) - _DAY)}
    gaps = {**day, "subject": "marathon", "type": "relay_gap", "limit": "500"}
    answers = [
        readers.clusters(_asking({})),
        readers.deployments(_asking({**day, "limit": "500"})),
        readers.incidents(_asking(day)),
        readers.events(_asking(gaps)),
    ]
    found = [len(next(iter(json.loads(each.body).values()))) for each in answers]
    assert found == [1, 24, 24, 24], found  # what lies further back costs nothing


def _asking(parameters: dict[str, str]) -> Request:
    return Request(f"Bearer {'t' * 43}", parameters)


def _report(shelf: Shelf) -> None:
    table: Any = Table(shelf, "events")  # type: ignore[arg-type]
    parts: Any = SimpleNamespace(
        table=table,
        store=Store(table),
        incidents=Incidents(table),
        alerts_sent=AlertsSent(table),
    )
    made = report.of(parts, _CLUSTER, datetime.now(UTC) - _DAY)
    assert (len(made.deployments), len(made.gaps)) == (24, 24)


def _filled(count: int) -> Shelf:
    shelf = Shelf()
    table = Table(shelf, "events")  # type: ignore[arg-type]
    store = Store(table, retention_days=90)
    now = datetime.now(UTC)
    base = json.loads(bodies.small())
    for n in range(count):
        time = now - timedelta(seconds=_SECONDS_APART * n)
        state = "TASK_FAILED" if n % _ERRORS == 0 else "TASK_RUNNING"
        task = {"appId": f"/team/app-{n % _APPS}", "taskStatus": state}
        record = _record({**base, **task, "timestamp": times.iso(time)}, time)
        shelf.put_item(Item=items.to_items(record, None)[1])
    for day in {
        items.day_of(times.compact(now - timedelta(seconds=_SECONDS_APART * n)))
        for n in range(count)
    }:
        store.note_day("prod", day)
    shelf.settle()
    return shelf


def _add_days(shelf: Shelf, days: int) -> None:
    """Add a deployment, an alert and a gap of a relay for each hour of the last days."""
    table = Table(shelf, "events")  # type: ignore[arg-type]
    Clusters(table).claim(Cluster(_CLUSTER, "http://marathon", "framework"), force=True)
    for n in range(days * 24):
        _happen(table, datetime.now(UTC) - timedelta(hours=n, minutes=30))
    shelf.settle()


def _happen(table: Table, time: datetime) -> None:
    plan = json.loads(bodies.plan(1)) | {"timestamp": times.iso(time)}
    plan["plan"]["id"] = times.iso(time)
    deployments.note(table, _record(plan, time), None)
    gap = {"eventType": "relay_gap", "timestamp": times.iso(time), "relay": "r", "cause": "stopped"}
    told = _record(gap | {"from": times.iso(time), "to": times.iso(time)}, time)
    table.put(items.to_items(told, None)[1])
    about = {"cluster": _CLUSTER, "severity": "error", "subject": f"app:/a{time}"}
    sent = message(f"[{_CLUSTER}] /a is failing", "Text. " * 100, about, ["/a"])
    AlertsSent(table).note(_CLUSTER, "opened", sent, time)


def _record(event: dict[str, Any], time: datetime) -> Record:
    body = json.dumps(event).encode()
    return record_of(identify(body, time), _CLUSTER, time, read(body), body)
