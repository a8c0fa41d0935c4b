"""Troubles: what is wrong, as people are told of it. There is one at most for each subject.

``alerts`` writes when bad events came, and ``watch`` what people were told: each by a conditional
update of its own attributes. So neither can undo what the other did, nor what another of its kind
did at the same time.
"""

from dataclasses import replace
from typing import Any

from chalicelib import times
from chalicelib.records.patience import PATIENCE
from chalicelib.records.record import Record
from chalicelib.records.trouble import KEPT, SILENCE, Trouble, from_values
from chalicelib.services.table import ConditionFailed, Table, TableError

_KEY = "#trouble"
# DynamoDB reserves it.
_NAMES = {"#last": "last"}
# Others may move a trouble between a look at it and a write. It never happens many times in a row.
_TRIES = 5

_TIMES = ("since", "last", "ended")
_TOLD = ("told_at", "tellings", "ended")


class Troubles:
    """The troubles of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[Trouble]:
        """Every open trouble, by cluster and subject."""
        return [each for each in self.known() if not each.ended]

    def known(self) -> list[Trouble]:
        """Every open trouble, and those that ended lately, by cluster and subject."""
        return [from_values(values) for values in self._table.query("pk = :pk", pk=_KEY)]

    def note(self, record: Record, now: str) -> bool:
        """Open the trouble of a warning or error, or move it on. Returns whether it was opened."""
        time = record.timestamp
        for _ in range(_TRIES):
            try:
                return not self._advance(record, time, now)
            except ConditionFailed as failed:
                seen = from_values(failed.item)
            moved = seen.moved(time, record.severity, record.title, now)
            if moved == seen:
                return False
            if self._swap(seen, moved, (*_TIMES, "severity", "told_since", "told_last", "unsure")):
                return bool(seen.ended) and not moved.told_at
        raise TableError("Contended")

    def open(self, trouble: Trouble) -> None:
        """Open a trouble that is no event: a cluster's silence. If another look has opened it,
        nothing changes.
        """
        condition = "attribute_not_exists(pk) OR attribute_exists(ended)"
        item = {name: _typed(getattr(trouble, name)) for name in KEPT if getattr(trouble, name)}
        try:
            self._table.put(_key(trouble) | {"kind": {"S": "trouble"}} | item, condition)
        except ConditionFailed:
            return

    def claim(
        self, trouble: Trouble, now: str, *, over: bool = False, last: bool = False
    ) -> Trouble | None:
        """Take it upon us to tell people of a trouble: only who gets it may tell. ``over``: and
        that it ended. ``last``: no other message will follow, so it must be noted that this one
        was sent. Returns the trouble as it is then, or None if somebody else tells of it, or if
        something bad came that its end does not know of.
        """
        after = replace(trouble.told(now, over=over), unsure=last)
        return after if self._swap(trouble, after, (*_TOLD, *(_TIMES if over else ()))) else None

    def unclaim(self, claimed: Trouble, before: Trouble) -> None:
        """People could not be told: the trouble waits to be told as before."""
        self._swap(claimed, before, ("told_at", "tellings"))

    def confirm(self, claimed: Trouble) -> None:
        """The message was sent."""
        self._swap(claimed, replace(claimed, unsure=False), ("told_at", "tellings", "ended"))

    def settle(self, trouble: Trouble, now: str) -> None:
        """End a trouble that people need not know of."""
        after = replace(trouble, ended=now)
        self._swap(trouble, after, (*_TIMES, "severity", "told_at", "tellings"))

    def _advance(self, record: Record, time: str, now: str) -> dict[str, Any]:
        """Make the newest event of an open trouble known, or open it: the only case that is common.
        Returns its item as it was before, empty if there was none. Raises ConditionFailed in every
        other case.
        """
        worse = record.severity == "error"
        severity = ":severity" if worse else "if_not_exists(severity, :severity)"
        return self._table.update(
            _key(Trouble(record.cluster, record.subject, "", "", "", "")),
            "SET #last = :time, title = :title, heard = :now, kind = :kind, "
            f"severity = {severity}, since = if_not_exists(since, :time), "
            "opened = if_not_exists(opened, :now)",
            "attribute_not_exists(pk) OR (attribute_not_exists(ended) AND #last < :time)",
            {
                ":time": {"S": time},
                ":title": {"S": record.title},
                ":severity": {"S": record.severity},
                ":now": {"S": now},
                ":kind": {"S": "trouble"},
            },
            _NAMES,
        )

    def _swap(self, before: Trouble, after: Trouble, unchanged: tuple[str, ...]) -> bool:
        """Write what changed, provided that those attributes are still as they were before. Returns
        whether they were.
        """
        changed = [name for name in KEPT if getattr(before, name) != getattr(after, name)]
        values: dict[str, Any] = {}
        conditions, sets, removes = ["attribute_exists(pk)"], [], []
        for name in unchanged:
            if value := getattr(before, name):
                values[f":was_{name}"] = _typed(value)
                conditions.append(f"{_name(name)} = :was_{name}")
            else:
                conditions.append(f"attribute_not_exists({_name(name)})")
        for name in changed:
            if value := getattr(after, name):
                values[f":{name}"] = _typed(value)
                sets.append(f"{_name(name)} = :{name}")
            else:
                removes.append(_name(name))
        if "ended" in changed:
            if after.ended:
                values[":expires_at"] = {"N": str(_expiry(after.ended))}
                sets.append("expires_at = :expires_at")
            else:
                removes.append("expires_at")
        expression = f"SET {', '.join(sets)}" if sets else ""
        expression += f" REMOVE {', '.join(removes)}" if removes else ""
        condition = " AND ".join(conditions)
        names = _NAMES if "#last" in expression + condition else None
        try:
            self._table.update(_key(before), expression, condition, values, names)
        except ConditionFailed:
            return False
        return True


def _key(trouble: Trouble) -> dict[str, Any]:
    subject = SILENCE if trouble.silence else trouble.subject
    return {"pk": {"S": _KEY}, "sk": {"S": f"{trouble.cluster}|{subject}"}}


def _name(name: str) -> str:
    return "#last" if name == "last" else name


def _typed(value: str | int | bool) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _expiry(ended: str) -> int:
    return int((times.from_iso(ended) + PATIENCE.remembered).timestamp())
