"""Incidents: what is wrong, as people are told of it. There is one at most for each subject.

``alerts`` writes when bad events came, and ``watch`` what people were told: each by a conditional
update of its own attributes. So neither can undo what the other did, nor what another of its kind
did at the same time.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib import times
from chalicelib.records.incident import KEPT, SILENCE, Incident, from_values, worst
from chalicelib.records.patience import PATIENCE
from chalicelib.records.record import Record
from chalicelib.services.table import ConditionFailed, Table, TableError

_KEY = "#trouble"
# DynamoDB reserves it.
_NAMES = {"#last": "last"}
# Others may move an incident between a look and a write. It never happens many times in a row.
_TRIES = 5

_TIMES = ("since", "last", "ended")
_TOLD = ("told_at", "tellings", "ended")


class Claim(NamedTuple):
    """An incident before and after a message about it was claimed."""

    before: Incident
    after: Incident


class Incidents:
    """The incidents of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[Incident]:
        """Every open incident, by cluster and subject."""
        return [each for each in self.known() if not each.ended]

    def known(self) -> list[Incident]:
        """Every open incident, and those that ended lately, by cluster and subject."""
        return [from_values(values) for values in self._table.query("pk = :pk", pk=_KEY)]

    def note(self, records: Sequence[Record], now: str) -> bool:
        """Open the incident of some warnings and errors of one subject, or move it on. Returns
        whether it was opened.
        """
        records = sorted(records, key=lambda each: each.id)
        try:
            return not self._advance(records, now)
        except ConditionFailed:
            opened = [self._move(each, now) for each in _extremes(records)]
            return any(opened)

    def _move(self, record: Record, now: str) -> bool:
        """The same of one record, whatever the incident is like."""
        for _ in range(_TRIES):
            values = self._table.get(_key_of(record))
            if values is None:
                with suppress(ConditionFailed):
                    return not self._advance([record], now)
                continue
            seen = from_values(values)
            moved = seen.moved(record.timestamp, record.severity, record.title, now)
            if moved == seen:
                return False
            if self._swap(seen, moved, (*_TIMES, "severity", "told_since", "told_last", "unsure")):
                return bool(seen.ended) and not moved.told_at
        raise TableError("Contended")

    def open(self, incident: Incident) -> None:
        """Open an incident that is no event: a cluster's silence. If another look has opened it,
        nothing changes.
        """
        condition = "attribute_not_exists(pk) OR attribute_exists(ended)"
        with suppress(ConditionFailed):
            self._table.put(
                _key(incident) | {"kind": {"S": "incident"}} | _attributes(incident), condition
            )

    def claim(
        self, incidents: Sequence[Incident], now: str, *, over: bool = False, last: bool = False
    ) -> list[Claim]:
        """Take it upon us to tell people of incidents: only who gets one may tell of it. ``over``:
        and that they ended. ``last``: no other message will follow, so it must be noted that this
        one was sent. Left out are those that somebody else tells of, and those to which something
        bad came that their end does not know of.
        """
        claims = [
            Claim(each, replace(each.told(now, over=over), unsure=last)) for each in incidents
        ]
        unchanged = (*_TOLD, *(_TIMES if over else ()))
        claimed: list[Claim] = []
        for each in claims:
            if self._swap(*each, unchanged):
                claimed.append(each)
            elif not claimed:  # two looks at once: the one that gets the first tells of all
                break
        return claimed

    def unclaim(self, claims: Sequence[Claim]) -> None:
        """People could not be told: the incidents wait to be told as before."""
        for before, after in claims:
            self._swap(after, before, ("told_at", "tellings"))

    def confirm(self, claims: Sequence[Claim]) -> None:
        """The message was sent."""
        for _, after in claims:
            self._swap(after, replace(after, unsure=False), _TOLD)

    def settle(self, incident: Incident, now: str) -> None:
        """End an incident that people need not know of."""
        after = replace(incident, ended=now)
        self._swap(incident, after, (*_TIMES, "severity", "told_at", "tellings"))

    def _advance(self, records: Sequence[Record], now: str) -> dict[str, Any]:
        """The common case: open an incident, or note what is newer in one that is open. Returns its
        item as it was before, empty if there was none. Raises ConditionFailed in every other case.
        """
        severity = worst(each.severity for each in records)
        set_severity = ":severity" if severity == "error" else "if_not_exists(severity, :severity)"
        return self._table.update(
            _key_of(records[0]),
            "SET #last = :last, title = :title, heard = :now, kind = :kind, "
            f"severity = {set_severity}, since = if_not_exists(since, :first), "
            "opened = if_not_exists(opened, :now)",
            "attribute_not_exists(pk) OR "
            "(attribute_not_exists(ended) AND #last < :last AND since <= :first)",
            {
                ":first": {"S": records[0].timestamp},
                ":last": {"S": records[-1].timestamp},
                ":title": {"S": records[-1].title},
                ":severity": {"S": severity},
                ":now": {"S": now},
                ":kind": {"S": "incident"},
            },
            _NAMES,
        )

    def _swap(self, before: Incident, after: Incident, unchanged: tuple[str, ...]) -> bool:
        """Write what differs, provided that some attributes are still as they were before. Returns
        whether they were.
        """
        old, new = _attributes(before), _attributes(after)
        changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        sets = [f"{_name(name)} = :{name}" for name in changed if name in new]
        gone = [_name(name) for name in changed if name not in new]
        expression = f"SET {', '.join(sets)}" if sets else ""
        expression += f" REMOVE {', '.join(gone)}" if gone else ""
        condition = " AND ".join(
            f"{_name(name)} = :was_{name}"
            if name in old
            else f"attribute_not_exists({_name(name)})"
            for name in unchanged
        )
        values = {f":was_{name}": old[name] for name in unchanged if name in old}
        values |= {f":{name}": new[name] for name in changed if name in new}
        names = _NAMES if "#last" in expression + condition else None
        condition = f"attribute_exists(pk) AND {condition}"
        try:
            self._table.update(_key(before), expression, condition, values, names)
        except ConditionFailed:
            return False
        return True


def _attributes(incident: Incident) -> dict[str, Any]:
    """The attributes of an incident's item, beside its key."""
    values = {name: _typed(value) for name in KEPT if (value := getattr(incident, name))}
    if incident.ended:
        values["expires_at"] = {"N": str(_expiry(incident.ended))}
    return values


def _key(incident: Incident) -> dict[str, Any]:
    subject = SILENCE if incident.silence else incident.subject
    return {"pk": {"S": _KEY}, "sk": {"S": f"{incident.cluster}|{subject}"}}


def _key_of(record: Record) -> dict[str, Any]:
    return {"pk": {"S": _KEY}, "sk": {"S": f"{record.cluster}|{record.subject}"}}


def _extremes(records: Sequence[Record]) -> list[Record]:
    """Of some records in order those that count: the first, the last and the worst."""
    bad = next((each for each in records if each.severity == "error"), records[0])
    return list(dict.fromkeys((records[0], bad, records[-1])))


def _name(name: str) -> str:
    return "#last" if name == "last" else name


def _typed(value: str | int | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _expiry(ended: str) -> int:
    return int((times.from_iso(ended) + PATIENCE.remembered).timestamp())
