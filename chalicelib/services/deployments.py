"""A cluster's deployments as a list: one item for each, and one for each request that may have led
to one. So the list costs what it shows, however many events there are.

The key of a deployment's item holds the time of its first event. If an earlier one comes later, the
item moves.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib import times
from chalicelib.marathon.plans import ENDS
from chalicelib.records import items
from chalicelib.records.deployment import Facts, Request, facts_of, request_of, values_of
from chalicelib.records.record import Record
from chalicelib.services.table import ConditionFailed, Table
from chalicelib.text import clip

# If events come in another order than they were made, so many of a deployment's are looked at.
_LOOKED_AT = 100
_TIME = len("20160424T092748069Z")


def note(table: Table, record: Record, expires_at: int | None) -> None:
    """Note what an event says of its deployment, or that it asked for one. Events may come in any
    order, and twice. Other records are left alone. Raises TableError.
    """
    if record.deployment:
        _note_deployment(table, record, expires_at)
    elif request := request_of(record):
        table.put(_request_item(record, request, expires_at))


def newest_first(
    table: Table, cluster: str, since: str, until: str, page: int
) -> Iterator[tuple[str, Facts | Request]]:
    """The deployments and requests of a cluster that began between two times, each with its place
    in the list. ``since``, ``until``: beginnings of such places. ``page``: how many to read at
    once. Raises TableError.
    """
    for values in table.newest_first(_list_key(cluster), since, f"{until}~", page):
        yield values["sk"], _read(values)


def _note_deployment(table: Table, record: Record, expires_at: int | None) -> None:
    first, second = _first_two(table, record)
    facts = facts_of(record)
    if record.id == first and not second:
        table.put(_item(record, facts, expires_at))
    elif record.id == first:
        _move(table, record, facts, expires_at)
    elif record.type in ENDS:
        _add_end(table, record, first, facts, expires_at)


def _first_two(table: Table, record: Record) -> tuple[str, str]:
    """The ids of the first two events that are stored of a deployment; empty for none."""
    found = table.query(
        "pk = :pk", page=2, consistent=True, pk=items.timeline_key(record.cluster, record.subject)
    )
    ids = [values["sk"] for values in itertools.islice(found, 2)]
    return ids[0] if ids else record.id, ids[1] if len(ids) > 1 else ""


def _move(table: Table, record: Record, facts: Facts, expires_at: int | None) -> None:
    """Note the deployment under its first event, with its ends, in place of where it was."""
    others = [each for each in _events(table, record) if each.id != record.id]
    item = _item(record, facts, expires_at)
    for each in others:
        if each.type in ENDS:
            item |= _attributes(_end_values(facts_of(_whole(table, each))))
    old = {each.id[:_TIME]: _key(record.cluster, each.id, facts.id) for each in others}
    old.pop(record.id[:_TIME], None)
    table.write_all([item], list(old.values()))


def _add_end(
    table: Table, record: Record, first: str, facts: Facts, expires_at: int | None
) -> None:
    values = _end_values(facts)
    names = list(values)
    try:
        table.update(
            _key(record.cluster, first, facts.id),
            "SET " + ", ".join(f"{name} = :{name}" for name in names),
            "attribute_exists(pk)",
            {f":{name}": {"S": value} for name, value in values.items()},
        )
    except ConditionFailed:  # its first event was stored by a version that noted nothing
        for each in _events(table, record):
            if each.id == first:
                begin = _whole(table, each)
                _move(table, begin, facts_of(begin), expires_at)


def _events(table: Table, record: Record) -> list[Record]:
    """The oldest and the newest events of a deployment, without their bodies."""
    key = items.timeline_key(record.cluster, record.subject)
    now = time.time()
    found = {
        values["sk"]: items.to_record({**values, "body": b""}, [])
        for newest_first in (False, True)
        for values in itertools.islice(
            table.query("pk = :pk", newest_first=newest_first, page=_LOOKED_AT, pk=key), _LOOKED_AT
        )
        if items.is_shown(values) and not items.is_expired(values, now)
    }
    return [found[id_] for id_ in sorted(found)]


def _whole(table: Table, record: Record) -> Record:
    """The record with its body, if that is in the item itself."""
    values = table.get(items.record_key(record.cluster, record.subject, record.id))
    return items.to_record(values, []) if values and "parts" not in values else record


def _end_values(facts: Facts) -> dict[str, str]:
    return {
        name: value
        for name, value in values_of(facts).items()
        if name in ("succeeded", "failed", "failure")
    }


def _list_key(cluster: str) -> str:
    return f"#deployments|{cluster}"


def _key(cluster: str, first_event: str, id_: str) -> items.Item:
    return {"pk": {"S": _list_key(cluster)}, "sk": {"S": f"{first_event[:_TIME]}|{clip(id_)}"}}


def _item(record: Record, facts: Facts, expires_at: int | None) -> items.Item:
    return {
        **_key(record.cluster, record.id, facts.id),
        "kind": {"S": "deployment"},
        **_attributes(values_of(facts)),
        **_expiry(expires_at),
    }


def _request_item(record: Record, request: Request, expires_at: int | None) -> items.Item:
    values = {
        "began": times.iso(request.time),
        "by": request.by,
        "apps": list(request.apps),
        "version": request.version,
    }
    return {
        "pk": {"S": _list_key(record.cluster)},
        "sk": {"S": f"{record.id[:_TIME]}#{record.id}"},
        "kind": {"S": "request"},
        **_attributes({name: value for name, value in values.items() if value}),
        **_expiry(expires_at),
    }


def _expiry(expires_at: int | None) -> items.Item:
    return {} if expires_at is None else {"expires_at": {"N": str(expires_at)}}


def _attributes(values: Mapping[str, Any]) -> items.Item:
    return {name: items.typed(value) for name, value in values.items()}


def _read(values: Mapping[str, Any]) -> Facts | Request:
    # Its place is by the time in the id, which may be a wrong clock's.
    start = _time(values.get("began")) or times.from_compact(values["sk"])
    apps = tuple(values.get("apps", ()))
    version = values.get("version", "")
    if values["kind"] == "request":
        return Request(start, values["by"], apps, version)
    return Facts(
        values["sk"].partition("|")[2],
        start,
        apps=apps,
        apps_omitted=values.get("apps_omitted", 0),
        version=version,
        changed=values.get("changed", ""),
        succeeded=_time(values.get("succeeded")),
        failed=_time(values.get("failed")),
        failure=values.get("failure"),
    )


def _time(text: str | None) -> datetime | None:
    return times.from_iso(text) if text else None
