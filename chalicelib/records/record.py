"""A record: an event as we store it."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import times
from chalicelib.marathon.reading import Reading
from chalicelib.text import clip

MAX_APPS = 100

ID = r"\d{8}T\d{9}Z-[0-9a-f]{16}"
"""The pattern of an id: the time of an event, and a hash of what Marathon sent."""

# An event's own time is believed unless it lies so much after its receipt: clocks differ.
_LATER = timedelta(minutes=5)
# What is decided by the clock goes by the receipt, less at most so much: else a wrong clock could
# end an incident, or keep it open for ever.
_HEARD_WITHIN = timedelta(minutes=5)

# The fields of a record that a summary has, in the order in which they are shown. The first eight
# are always there, the others if the event has them.
ALWAYS = ("id", "cluster", "type", "timestamp", "received_at", "subject", "severity", "title")
SUMMARY = (
    *ALWAYS,
    "app",
    "apps",
    "apps_omitted",
    "deployment",
    "task",
    "instance",
    "host",
    "status",
    "cause",
    "timestamp_from",
)


@dataclass(frozen=True, slots=True)
class Record:
    """An event, byte for byte except for what ``redaction`` masks, and the values read from it.

    Times are ISO 8601 in UTC with milliseconds. ``timestamp_from`` is ``"receipt"`` if the event
    has no usable timestamp of its own, else None. Strings of the summary are valid Unicode of at
    most 512 bytes. ``pointers``: the apps and pods in whose timelines the event is shown too.
    """

    id: str
    cluster: str
    type: str
    received_at: str
    subject: str
    severity: str
    title: str
    body: bytes
    app: str | None = None
    apps: tuple[str, ...] = ()
    apps_omitted: int | None = None
    deployment: str | None = None
    task: str | None = None
    instance: str | None = None
    host: str | None = None
    status: str | None = None
    cause: str | None = None
    timestamp_from: str | None = None
    pointers: tuple[str, ...] = ()

    @property
    def timestamp(self) -> str:
        """The time in the id: the event's own, or that of its receipt."""
        return times.iso(times.from_compact(self.id))

    @property
    def time(self) -> datetime:
        """When it happened, as far as its own time can be believed; else when it was received."""
        own, came = times.from_compact(self.id), times.from_iso(self.received_at)
        return own if own <= came + _LATER else came

    @property
    def heard(self) -> datetime:
        """The time by which it is judged: its own, but not after its receipt, nor long before
        it.
        """
        own, came = times.from_compact(self.id), times.from_iso(self.received_at)
        return min(max(own, came - _HEARD_WITHIN), came)

    @property
    def touched(self) -> list[str]:
        """The paths of all apps and pods that it is about, one or many."""
        if self.apps:
            return list(self.apps)
        pod = self.subject.removeprefix("pod:")
        if pod != self.subject:
            return [pod]
        return [self.app] if self.app else []

    @property
    def is_json(self) -> bool:
        """Whether the body is strict JSON."""
        return self.cause != "not_json"

    def event_json(self) -> str:
        """The event as JSON, letter for letter; as a string if it is not JSON."""
        text = self.body.decode(errors="replace")
        return text if self.is_json else json.dumps(text)

    def summary(self) -> dict[str, Any]:
        """The record without its body, as lists and notifications show it."""
        shown = {name: getattr(self, name) for name in SUMMARY}
        shown["apps"] = list(self.apps)
        return {name: value for name, value in shown.items() if value}


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return re.fullmatch(ID, text) is not None


def identify(body: bytes, time: datetime) -> str:
    """The id of an event: its time, and the first 16 hex digits of SHA-256 of what was received."""
    return f"{times.compact(time)}-{hashlib.sha256(body).hexdigest()[:16]}"


def record_of(
    id_: str, cluster: str, received_at: datetime, reading: Reading, body: bytes
) -> Record:
    """The record of an event that arrived, with the id that it got then."""
    about = reading.about
    apps = _clipped(about.apps)
    return Record(
        id=id_,
        cluster=cluster,
        type=clip(reading.type),
        received_at=times.iso(received_at),
        subject=clip(about.subject),
        severity=reading.severity,
        title=reading.title,
        body=body,
        app=_clip(about.app),
        apps=apps[:MAX_APPS],
        apps_omitted=max(len(apps) - MAX_APPS, 0) or None,
        deployment=_clip(about.deployment),
        task=_clip(about.task),
        instance=_clip(about.instance),
        host=_clip(about.host),
        status=_clip(about.status),
        cause=reading.cause,
        timestamp_from=None if reading.timestamp else "receipt",
        pointers=_clipped(about.pointers)[:MAX_APPS],
    )


def _clip(text: str | None) -> str | None:
    return clip(text) if text else None


def _clipped(paths: Iterable[str]) -> tuple[str, ...]:
    """Each path once: two that differ in what can't be stored become equal."""
    return tuple(dict.fromkeys(map(clip, paths)))
