"""Records as items of the table, and back. Pure: no AWS call is made here.

docs/architecture.md has the keys of all items. No cluster's name begins with ``#``, so no record
can take another item's key. Every item has a ``kind``, which the stream's filter uses.
"""

import base64
import hashlib
import math
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib import times
from chalicelib.marathon.severity import BAD
from chalicelib.records.record import SUMMARY, Record
from chalicelib.text import clip

Item = dict[str, Any]
"""An item in DynamoDB's own notation: ``{"pk": {"S": "…"}}``."""

OPEN = "#open"
"""The table's key that all incidents, running deployments and silences share."""

# The kind of a record that came back from a backup of the table. It is read as any other, but the
# stream's filter lets only the kind ``record`` pass: so nobody is notified of it again.
RESTORED = "restored"

# An item holds 409,600 bytes, names included. The rest is for the summary: 100 apps of 512 bytes.
INLINE_BODY_BYTES = 340_000
PART_BYTES = 380_000

# A saved write unit is worth far more than the CPU that saves it. Above 5 there is little to save.
_ZLIB_LEVEL = 5
_PLAIN_ITEM_BYTES = 1024  # what one write unit covers
_POINTER_KEY_BYTES = len("pk|app:appsapps_omitted") + 24
_PARTS_OUTLIVE_SECONDS = 7 * 86_400
# A day is noted again for each day on which one of its records is received.
_DAYS_OUTLIVE_SECONDS = 2 * 86_400

# Stored under other names (the keys), as another type, or not at all since the id contains them.
_KEPT_OTHERWISE = ("id", "cluster", "timestamp", "subject", "apps", "apps_omitted")
_TEXTS = tuple(name for name in SUMMARY if name not in _KEPT_OTHERWISE)


def record_key(cluster: str, subject: str, id_: str) -> Item:
    """The key of a record."""
    return {"pk": {"S": timeline_key(cluster, subject)}, "sk": {"S": id_}}


def timeline_key(cluster: str, subject: str) -> str:
    """The table's key that the records of one subject share."""
    return f"{cluster}|{subject}"


def days_key(cluster: str) -> str:
    """The table's key that a cluster's days share."""
    return f"#days|{cluster}"


def day_item(cluster: str, day: str, expires_at: int | None) -> Item:
    """The note that a day has records. ``expires_at``: when the last of them expires, None for
    never. The note lives a little longer.
    """
    item = {"pk": {"S": days_key(cluster)}, "sk": {"S": day}, "kind": {"S": "day"}}
    if expires_at is not None:
        item["expires_at"] = {"N": str(expires_at + _DAYS_OUTLIVE_SECONDS)}
    return item


def part_key(cluster: str, id_: str, name: str) -> Item:
    """The key of a part of a record's body."""
    return {"pk": {"S": f"#part|{cluster}|{id_}|{name}"}, "sk": {"S": "part"}}


def digest_of(data: bytes) -> str:
    """The digest that distinguishes the parts of one body from those of another."""
    return hashlib.sha256(data).hexdigest()[:16]


def day_of(id_: str) -> str:
    """The day in an id, ``YYYY-MM-DD``."""
    return f"{id_[:4]}-{id_[4:6]}-{id_[6:8]}"


def feed_key(cluster: str, day: str) -> str:
    """The index key that a cluster's records of a day share."""
    return f"{cluster}|{day}"


def month_of(id_: str) -> str:
    """The month in an id, ``YYYY-MM``."""
    return f"{id_[:4]}-{id_[4:6]}"


def trouble_key(cluster: str, month: str) -> str:
    """The index key that a cluster's warnings and errors of a month share."""
    return f"{cluster}|{month}"


def to_items(record: Record, expires_at: int | None) -> tuple[list[Item], Item]:
    """The items to write for a record: the parts of its body, if any, and then the record itself.

    ``expires_at``: seconds since the epoch, or None to keep it for ever.
    """
    item = record_key(record.cluster, record.subject, record.id) | {
        "feed": {"S": feed_key(record.cluster, day_of(record.id))},
        "feed_order": {"S": record.id},
        "kind": {"S": "record"},
        **_summary(record, record.apps, expires_at),
    }
    if record.severity in BAD:
        item["trouble"] = {"S": trouble_key(record.cluster, month_of(record.id))}
    if record.pointers != _usual_pointers(record.subject, record.apps):
        item["pointers"] = typed(record.pointers)
    codec, body = _encode(record.body, _size(item))
    item["codec"] = {"S": codec}
    if len(body) <= INLINE_BODY_BYTES:
        return [], item | {"body": {"B": body}}
    chunks = [body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES)]
    digest = digest_of(body)
    parts = [
        part_item(record.cluster, record.id, f"{digest}-{n}", chunk, expires_at)
        for n, chunk in enumerate(chunks)
    ]
    return parts, item | {"parts": {"N": str(len(parts))}, "parts_digest": {"S": digest}}


def pointer_items(record: Record, expires_at: int | None) -> list[Item]:
    """The items that show a deployment's event in the timelines of apps and pods. Each has the
    whole summary, but only as many apps as one write unit covers.
    """
    apps = record.apps
    base = {
        "sk": {"S": record.id},
        "kind": {"S": "pointer"},
        "subject": {"S": record.subject},
        **_summary(record, (), expires_at),
    }
    longest = max((len(path.encode()) for path in record.pointers), default=0)
    room = _PLAIN_ITEM_BYTES - _size(base) - len(record.cluster) - longest - _POINTER_KEY_BYTES
    while apps and sum(len(app.encode()) + 1 for app in apps) > room:
        apps = apps[: len(apps) // 2]
    summary = _summary(record, apps, expires_at, len(record.apps) - len(apps))
    return [
        {"pk": {"S": timeline_key(record.cluster, clip(f"app:{path}"))}, **base, **summary}
        for path in record.pointers
    ]


def open_incident_key(cluster: str, subject: str) -> Item:
    """The key of an incident."""
    return {"pk": {"S": OPEN}, "sk": {"S": f"incident|{cluster}|{subject}"}}


def open_deployment_key(cluster: str, id_: str) -> Item:
    """The key of the note that a deployment may be running."""
    return {"pk": {"S": OPEN}, "sk": {"S": f"deployment|{cluster}|{id_}"}}


def open_deployment_item(record: Record, expires_at: int) -> Item:
    """The note that a deployment may be running, and when its newest event was heard."""
    return open_deployment_key(record.cluster, record.deployment or "") | {
        "kind": {"S": "deployment"},
        "last": {"S": times.iso(record.heard)},
        "expires_at": {"N": str(expires_at)},
    }


def part_item(cluster: str, id_: str, name: str, chunk: bytes, expires_at: int | None) -> Item:
    """One part of a body. It lives a week longer than its record, so that a record is always
    complete.
    """
    item = part_key(cluster, id_, name) | {"kind": {"S": "part"}, "body": {"B": chunk}}
    if expires_at is not None:
        item["expires_at"] = {"N": str(expires_at + _PARTS_OUTLIVE_SECONDS)}
    return item


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item as plain values. Takes DynamoDB's answers (binary as bytes) and Lambda's stream
    records (binary as base64 text) alike.
    """
    return {name: _value(typed) for name, typed in item.items()}


def typed(value: Any) -> Item:
    """A plain value in DynamoDB's own notation; a time is text there."""
    if isinstance(value, list | tuple):
        return {"L": [typed(each) for each in value]}
    if isinstance(value, datetime):
        return {"S": times.iso(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def is_record(values: Mapping[str, Any], now: float) -> bool:
    """Whether plain values are those of a record that has not expired (DynamoDB deletes late)."""
    return values.get("kind") in ("record", RESTORED) and not is_expired(values, now)


def is_news(values: Mapping[str, Any], now: float) -> bool:
    """Whether a new item is a record to be notified: not one from a backup."""
    return values.get("kind") != RESTORED and is_record(values, now)


def is_shown(values: Mapping[str, Any]) -> bool:
    """Whether plain values are those of a record, or of a pointer to one."""
    return values.get("kind") in ("record", RESTORED, "pointer")


def is_expired(values: Mapping[str, Any], now: float) -> bool:
    """Whether an item has expired."""
    return bool(values.get("expires_at", math.inf) <= now)


def part_keys(values: Mapping[str, Any]) -> Iterator[Item]:
    """The keys of the parts of a record's body, in order; none if it is in the item itself."""
    cluster = values["pk"].partition("|")[0]
    digest = values.get("parts_digest")  # version 0.1 had none
    for n in range(values.get("parts", 0)):
        yield part_key(cluster, values["sk"], f"{digest}-{n}" if digest else str(n))


def to_record(values: Mapping[str, Any], parts: list[bytes]) -> Record:
    """The record made from an item's plain values and the bodies of its parts. If there is no body
    in either, as in an answer of the index, the body is empty. A pointer's values make the record
    that it points to, without its body.
    """
    cluster, _, subject = values["pk"].partition("|")
    subject = values.get("subject", subject)  # a pointer is in another timeline than its record
    apps = tuple(values.get("apps", ()))
    stored = b"".join(parts) if parts else values.get("body", b"")
    body = zlib.decompress(stored) if stored and values["codec"] == "zlib" else stored
    return Record(
        id=values["sk"],
        cluster=cluster,
        subject=subject,
        body=body,
        apps=apps,
        apps_omitted=values.get("apps_omitted"),
        pointers=tuple(values.get("pointers", _usual_pointers(subject, apps))),
        **{name: values[name] for name in _TEXTS if name in values},
    )


def _summary(
    record: Record, apps: tuple[str, ...], expires_at: int | None, left_out: int = 0
) -> Item:
    """The attributes of a summary, with those apps. ``left_out``: how many more there are."""
    item: Item = {}
    for name in _TEXTS:
        if value := getattr(record, name):
            item[name] = {"S": value}
    if apps:
        item["apps"] = typed(apps)
    if omitted := (record.apps_omitted or 0) + left_out:
        item["apps_omitted"] = {"N": str(omitted)}
    if expires_at is not None:
        item["expires_at"] = {"N": str(expires_at)}
    return item


def _usual_pointers(subject: str, apps: tuple[str, ...]) -> tuple[str, ...]:
    """The pointers of most deployments' events, which are therefore not stored."""
    return apps if subject.startswith("deployment:") else ()


def _encode(body: bytes, rest: int) -> tuple[str, bytes]:
    """The body, compressed if that saves a write unit."""
    if rest + len(body) <= _PLAIN_ITEM_BYTES:
        return "plain", body
    small = zlib.compress(body, _ZLIB_LEVEL)
    saved = _units(rest + len(body)) - _units(rest + len(small))
    return ("zlib", small) if saved else ("plain", body)


def _units(size: int) -> int:
    return math.ceil(size / 1024)


def _size(item: Item) -> int:
    """About the size that DynamoDB counts: names and text in UTF-8, and the body's own two
    attributes.
    """
    overhead = len("codecplainbody") + 32
    return overhead + sum(len(name) + len(_text(typed).encode()) for name, typed in item.items())


def _text(typed: Mapping[str, Any]) -> str:
    kind, value = next(iter(typed.items()))
    return "".join(map(_text, value)) if kind == "L" else value


def _value(typed: Mapping[str, Any]) -> Any:
    kind, value = next(iter(typed.items()))
    if kind == "N":
        return int(value)
    if kind == "B":
        return value if isinstance(value, bytes) else base64.b64decode(value)
    return [_value(each) for each in value] if kind == "L" else value
