"""What is open: incidents, deployments that may be running, and silences. All lie in one partition,
so ``watch`` sees them with one query, whatever else the table holds.

``alerts`` writes when bad events came, and ``watch`` what it made of them: each its own attributes,
by conditional updates. So neither can undo what the other did, nor what another of its kind did at
the same time.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib import log, times
from chalicelib.marathon.severity import BAD
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records import items
from chalicelib.records.incident import NO_EVENTS, Incident, worst
from chalicelib.records.items import Item
from chalicelib.records.record import Record
from chalicelib.records.silence import Silence
from chalicelib.records.timing import TIMING
from chalicelib.services.table import ConditionFailed, Table

# DynamoDB reserves it.
_NAMES = {"#last": "last"}
_ONE: Item = {":one": {"N": "1"}}
# Its events may come again as long as the table's stream keeps them, for a day.
_REMEMBERED = TIMING.same_incident + timedelta(days=1)

_TIMES = (
    "since",
    "last",
    "opened_at",
    "bad_at",
    "resolved_at",
    "due",
    "sending",
    "silenced_until",
    "storm",
)
_IN_KEY = ("cluster", "subject", "no_events")
_KEPT = {each.name: each.default for each in fields(Incident) if each.name not in _IN_KEY}


@dataclass(frozen=True, slots=True)
class Running:
    """A deployment that may be running. ``last``: when the newest event of its steps was heard."""

    cluster: str
    id: str
    last: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """All that is open, by cluster and subject."""

    incidents: list[Incident]
    deployments: list[Running]
    silences: list[Silence]

    def last_heard(self, cluster: str, id_: str) -> datetime | None:
        """When the newest event of a deployment was heard, if it may be running."""
        key = (cluster, id_)
        return next((e.last for e in self.deployments if (e.cluster, e.id) == key), None)

    def standing_still(self) -> dict[tuple[str, str], datetime]:
        """The deployments, by cluster and id, that stand still, and since when."""
        moved = {(each.cluster, each.id): each.last for each in self.deployments}
        known = (each for each in self.incidents if each.stands_still and each.is_shown)
        still = {(each.cluster, each.deployment_id): each.last for each in known}
        return {key: last for key, last in still.items() if moved.get(key, last) <= last}


class Incidents:
    """What is open in one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, now: datetime | None = None) -> Open:
        """All that is open, and incidents that were resolved lately. What can't be read is left
        out: it must not hold up the others.
        """
        found = Open([], [], [])
        moment = (now or times.now()).timestamp()
        for values in self._table.query("pk = :pk", pk=items.OPEN):
            if items.is_expired(values, moment):
                continue
            try:
                _sort(found, values)
            except (KeyError, ValueError, TypeError, OverflowError) as error:
                log.warning("unreadable", item=values["sk"], reason=type(error).__name__)
        return found

    def all(self) -> list[Incident]:
        """The incidents that readers see, by cluster and subject."""
        return [each for each in self.read().incidents if each.is_shown]

    def note(self, records: Sequence[Record]) -> bool:
        """Open the incident of some records of one subject, or move it on. Returns whether nothing
        was known of it. Records may come twice, late, or in any order: only the earlier ``since``
        and the later ``last`` count.
        """
        first = min(each.time for each in records)
        newest = max(records, key=lambda each: (each.heard, each.id))
        bad = [each for each in records if each.severity in BAD]
        shown = max(bad, key=lambda each: (each.heard, each.id), default=newest)
        severity = worst(each.severity for each in bad)
        values = {
            ":since": items.typed(first),
            ":last": items.typed(newest.heard),
            ":title": {"S": shown.title},
            ":kind": {"S": "incident"},
        }
        sets = "#last = :last, title = :title, kind = :kind, since = if_not_exists(since, :since)"
        if severity:
            values[":severity"] = {"S": severity}
            sets += ", severity = :severity"
        try:
            before = self._table.update(
                _key_of(newest),
                f"SET {sets} ADD noted :one",
                "attribute_not_exists(#last) OR #last < :last",
                values | _ONE,
                _NAMES,
            )
        except ConditionFailed:
            before = self._note_late(newest)
            if not before:
                return self.note(records)  # it was dropped at this very moment
        self._note_earlier(newest, first, before)
        return not before

    def _note_late(self, record: Record) -> Item:
        """Note what came after something newer. Returns the item as it was, empty if there is
        none.
        """
        try:
            return self._table.update(
                _key_of(record), "ADD noted :one", "attribute_exists(pk)", _ONE
            )
        except ConditionFailed:
            return {}

    def _note_earlier(self, record: Record, first: datetime, before: Item) -> None:
        since = items.typed(first)
        if before.get("since", "") <= since["S"]:
            return
        with suppress(ConditionFailed):
            self._table.update(
                _key_of(record),
                "SET since = :since ADD noted :one",
                "since > :since",
                {":since": since} | _ONE,
            )

    def open(self, incident: Incident) -> None:
        """Open an incident that no event reports. If another look has opened it, nothing
        changes.
        """
        condition = "attribute_not_exists(pk) OR #state = :resolved"
        with suppress(ConditionFailed):
            self._table.put(
                _key(incident) | {"kind": {"S": "incident"}} | _attributes(incident),
                condition,
                {":resolved": {"S": "resolved"}},
                {"#state": "state"},
            )

    def write(
        self, before: Incident, after: Incident, *, if_unmoved: bool = False
    ) -> Incident | None:
        """Write what ``watch`` made of an incident. Returns it as it is now; None if another look
        has written to it meanwhile, or, if asked for, something bad came.
        """
        after = replace(after, version=before.version + 1)
        old, new = _attributes(before), _attributes(after)
        changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        names = {f"#{name}": name for name in (*changed, "version")}
        sets = [f"#{name} = :{name}" for name in changed if name in new]
        gone = [f"#{name}" for name in changed if name not in new]
        expression = f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(gone)}" if gone else "")
        values = {f":{name}": new[name] for name in changed if name in new}
        condition, seen = _as_seen(before, "version")
        if if_unmoved:
            unmoved, more = _as_seen(before, "noted")
            condition, seen = f"{condition} AND {unmoved}", seen | more
        values |= seen
        names |= {"#noted": "noted"}
        used = {name: real for name, real in names.items() if name in expression + condition}
        try:
            self._table.update(_key(before), expression, condition, values, used)
        except ConditionFailed:
            return None
        return after

    def forget(self, incident: Incident) -> None:
        """Drop an incident that was nothing; not if something bad has come meanwhile, or another
        look has written to it.
        """
        version, seen = _as_seen(incident, "version")
        noted, more = _as_seen(incident, "noted")
        names = {"#version": "version", "#noted": "noted"}
        with suppress(ConditionFailed):
            self._table.delete(_key(incident), f"{version} AND {noted}", seen | more, names)

    def drop_deployment(self, cluster: str, id_: str) -> None:
        """Note that a deployment does not run."""
        self._table.delete(items.open_deployment_key(cluster, id_))

    def add_silence(self, silence: Silence) -> None:
        """Keep a silence; it is forgotten a day after its end."""
        item: Item = {
            "pk": {"S": items.OPEN},
            "sk": {"S": f"silence|{silence.id}"},
            "kind": {"S": "silence"},
            "since": items.typed(silence.since),
            "until": items.typed(silence.until),
            "comment": {"S": silence.comment},
            "by": {"S": silence.by},
            "clusters": items.typed(silence.clusters),
            "apps": items.typed(silence.apps),
            "severity": {"S": silence.severity},
            "expires_at": _expiry(silence.until + timedelta(days=1)),
        }
        self._table.put(item)

    def end_silence(self, silence: Silence, now: datetime) -> None:
        """End a silence now."""
        self.add_silence(replace(silence, until=now))


def _as_seen(incident: Incident, name: str) -> tuple[str, Item]:
    """The condition, and its values, that nobody has raised a counter of an incident since."""
    if value := getattr(incident, name):
        return f"#{name} = :seen_{name}", {f":seen_{name}": {"N": str(value)}}
    return f"attribute_exists(pk) AND attribute_not_exists(#{name})", {}


def _sort(found: Open, values: dict[str, Any]) -> None:
    kind, _, rest = values["sk"].partition("|")
    cluster, _, subject = rest.partition("|")
    if kind == "incident":
        found.incidents.append(_incident(cluster, subject, values))
    elif kind == "deployment":
        found.deployments.append(Running(cluster, subject, times.from_iso(values["last"])))
    elif kind == "silence":
        found.silences.append(_silence(rest, values))


def _incident(cluster: str, subject: str, values: dict[str, Any]) -> Incident:
    known = {name: values[name] for name in _KEPT if name in values}
    for name in _TIMES:
        if name in known:
            known[name] = times.from_iso(known[name])
    known.setdefault("since", None)
    known["notified"] = tuple(times.from_iso(each) for each in known.get("notified", ()))
    known["apps"] = tuple(known.get("apps", ()))
    no_events = subject == NO_EVENTS
    return Incident(cluster, MARATHON if no_events else subject, no_events=no_events, **known)


def _silence(id_: str, values: dict[str, Any]) -> Silence:
    return Silence(
        id_,
        times.from_iso(values["since"]),
        times.from_iso(values["until"]),
        values["comment"],
        values["by"],
        tuple(values["clusters"]),
        tuple(values["apps"]),
        values["severity"],
    )


def _attributes(incident: Incident) -> Item:
    """The attributes of an incident's item, beside its key."""
    every = {name: getattr(incident, name) for name in _KEPT}
    found = {
        name: items.typed(e) for name, e in every.items() if e is not None and e != _KEPT[name]
    }
    if incident.state == "resolved" and incident.resolved_at:
        found["expires_at"] = _expiry(incident.resolved_at + _REMEMBERED)
    return found


def _expiry(time: datetime) -> Item:
    return {"N": str(int(time.timestamp()))}


def _key(incident: Incident) -> Item:
    subject = NO_EVENTS if incident.no_events else incident.subject
    return items.open_incident_key(incident.cluster, subject)


def _key_of(record: Record) -> Item:
    return items.open_incident_key(record.cluster, record.subject)
