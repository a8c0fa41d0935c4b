"""Recovery: copies what a table held, from a table that AWS restored, into the stage's own.

Nobody is notified: records get the kind ``restored``, which the stream's filter does not let pass.
Nothing newer is overwritten, and what is there already is left alone. So it may be repeated.
"""

import base64
import binascii
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ops import cli
from ops.cli import Failure, progress
from ops.repairing.rate_limit import rate_limited
from ops.stage import stacks
from ops.stage.clients import client, if_there
from ops.stage.resources import Stage

import botocore.exceptions
from rich.progress import Progress

from chalicelib.marathon.severity import BAD
from chalicelib.records import items
from chalicelib.records.items import Item
from chalicelib.services.store import Window
from chalicelib.services.table import ConditionFailed

_AT_ONCE = 10  # as many as the SDK keeps connections

# Kinds that never change once they are written: what differs in the stage's table was spoilt.
_UNCHANGING = ("record", items.RESTORED, "part")
# Of what was open, some is over by now: alerts begin anew with the next event. The days are noted
# from the records themselves.
_LEFT_OUT = ("trouble", "incident", "day")


@dataclass(frozen=True)
class Recovery:
    """What to copy. ``source``: the table that AWS restored; ``window``: the ids of the records
    (other items are always copied); ``replace``: also records that are there; ``rate``: items a
    second.
    """

    source: str
    window: Window
    replace: bool = False
    rate: float = 500


def exists(table: str) -> bool:
    """Whether there is a table of that name."""
    return if_there(client("dynamodb").describe_table, TableName=table) is not None


def make_anew(stage: Stage, recovery: Recovery) -> None:
    """Make the table of a stage anew. Until it has the tokens events are refused, so they come as
    soon as it takes them, and not when CloudFormation is done. Raises Failure.
    """
    stacks.begin_table_anew(stage.name)
    try:
        waiter = client("dynamodb").get_waiter("table_exists")
        waiter.wait(TableName=stage.table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 900})
    except botocore.exceptions.WaiterError as error:
        stacks.end_table_anew(stage.name)  # which says why
        raise Failure(f"The table {stage.table_name} does not come.") from error
    described = client("dynamodb").describe_table(TableName=recovery.source)["Table"]
    copy = _Copy(stage, recovery)
    for each in _first(described):
        copy(each)
    stacks.end_table_anew(stage.name)


def count(recovery: Recovery) -> Counter[str]:
    """How many items of each kind would be copied, if none of them were there."""
    pages = (page for page, _ in _pages(recovery.source, None))
    found = (each for page in pages for each in page if _fate(recovery, each) == "copied")
    return Counter(each["kind"]["S"] for each in found)


def run(stage: Stage, recovery: Recovery, after: str | None) -> Counter[str]:
    """Copy; what became of how many items. ``after``: where an interrupted run went on. Raises
    Failure, which says how to go on.
    """
    counts: Counter[str] = Counter()
    start, position = _key(after), after or ""
    described = client("dynamodb").describe_table(TableName=recovery.source)["Table"]
    with Progress(console=progress) as bar, ThreadPoolExecutor(_AT_ONCE) as pool:
        task = bar.add_task("Copying", total=described.get("ItemCount") or None)
        copy = _Copy(stage, recovery)

        try:
            # Without its token an event is refused, so these come first.
            counts.update(pool.map(copy, _first(described)))
            for page, reached in _pages(recovery.source, start):
                for group in rate_limited(page, max(1, int(recovery.rate / 10)), recovery.rate):
                    counts.update(pool.map(copy, group))
                    bar.advance(task, len(group))
                position = reached
        except (KeyboardInterrupt, *cli.EXPECTED) as error:
            reason = f"{cli.sentence(error)} " if isinstance(error, cli.EXPECTED) else ""
            again = f"and --after {position}" if position else "again"
            raise Failure(
                f"{reason}Stopped; {counts['copied']} items were copied. Go on with the same "
                f"command {again}."
            ) from error
    return counts


class _Copy:
    """Copies items, one at a call; says what became of each: copied, there, expired, left out."""

    def __init__(self, stage: Stage, recovery: Recovery) -> None:
        self._table = stage.table
        self._store = stage.store
        self._recovery = recovery

    def __call__(self, item: Item) -> str:
        fate = _fate(self._recovery, item)
        if fate != "copied":
            return fate
        kind = item["kind"]["S"]
        replaced = self._recovery.replace and kind in _UNCHANGING
        if kind in ("record", items.RESTORED):
            values = items.plain(item)
            cluster = values["pk"].partition("|")[0]
            # As fanout does, which will not see it.
            self._store.note_day_of(
                cluster, values["sk"], values["received_at"], values.get("expires_at")
            )
            item = item | {"kind": {"S": items.RESTORED}} | _index_key(values)
        try:
            self._table.put(item, "" if replaced else "attribute_not_exists(pk)")
        except ConditionFailed:
            return "there"
        return "copied"


def _index_key(values: dict[str, Any]) -> Item:
    """What puts a warning or an error into its index. A backup may be older than that index."""
    if values.get("severity") not in BAD:
        return {}
    cluster = values["pk"].partition("|")[0]
    return {"trouble": {"S": items.trouble_key(cluster, items.month_of(values["sk"]))}}


def _fate(recovery: Recovery, item: Item) -> str:
    kind = item.get("kind", {}).get("S")
    if kind is None or kind in _LEFT_OUT:
        return "left out"
    if items.is_expired(items.plain(item), time.time()):
        return "expired"
    id_ = _id(item, kind)
    if id_ and not recovery.window.since <= id_ <= recovery.window.last:
        return "left out"
    return "copied"


def _id(item: Item, kind: str) -> str:
    """The id of the record that an item belongs to; empty for other items."""
    if kind == "part":
        return str(item["pk"]["S"].split("|")[2])
    return str(item["sk"]["S"]) if kind in ("record", items.RESTORED, "pointer") else ""


def _first(described: dict[str, Any]) -> Iterator[Item]:
    """The note of what is deployed, the clusters, and the tokens if the table has its indexes."""
    source = described["TableName"]
    for pk in ("#stage", "#clusters"):
        yield from _query(source, "pk", pk)
    if any(each["IndexName"] == "feed" for each in described.get("GlobalSecondaryIndexes", [])):
        for token in _query(source, "feed", "#tokens", IndexName="feed"):
            key = {name: token[name] for name in ("pk", "sk")}
            found = client("dynamodb").get_item(TableName=source, Key=key)
            if "Item" in found:
                yield found["Item"]


def _query(source: str, name: str, value: str, **more: str) -> Iterator[Item]:
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=source,
            KeyConditionExpression=f"{name} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
            **more,
        )
    )
    yield from (each for page in pages for each in page["Items"])


def _pages(source: str, start: Item | None) -> Iterator[tuple[list[Item], str]]:
    """All items of a table, a page at a time, and how to go on after each page."""
    request: dict[str, Any] = {"TableName": source}
    while True:
        if start:
            request["ExclusiveStartKey"] = start
        page = client("dynamodb").scan(**request)
        start = page.get("LastEvaluatedKey")
        yield page["Items"], _position(start) if start else ""
        if start is None:
            return


def _position(key: Item) -> str:
    text = json.dumps([key["pk"]["S"], key["sk"]["S"]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _key(position: str | None) -> Item | None:
    """The key that ``_position`` wrote. Raises Failure."""
    if not position:
        return None
    try:
        text = base64.urlsafe_b64decode(position + "=" * (-len(position) % 4))
        pk, sk = json.loads(text)
    except (ValueError, binascii.Error) as error:
        raise Failure(f"--after {position}: this is not a position; copy all of it.") from error
    return {"pk": {"S": pk}, "sk": {"S": sk}}
