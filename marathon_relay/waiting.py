"""What waits to be launched, and when to report it: from Marathon's queue, one look after another.

An app or pod that has waited for three minutes is reported; again if the main reason changes, but
not within ten minutes; and each hour. When it waits no more, that is reported once.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from marathon_relay.times import iso, seconds

_PATIENCE_SECONDS = 180
_CHANGE_SECONDS = 600
_REPEAT_SECONDS = 3600
_HELD_BACK_SECONDS = 60  # a shorter back-off is not the reason for a wait of minutes
_MOST_REASONS = 20
_PATH_CHARACTERS = 1000
_REASON_CHARACTERS = 100

HELD_BACK = "back-off"
NO_OFFERS = "no offers"


@dataclass(frozen=True)
class Queued:
    """What the queue says of one app or pod. ``of``: ``appId`` or ``podId``. ``count``: how many of
    its instances wait. ``since``: from when on, in seconds since 1970 (Marathon 1.4.0+). ``delay``:
    for how many seconds Marathon holds them back after failures. ``offers``: as the event has them
    (1.4.0+).
    """

    of: str
    path: str
    count: int
    since: float | None = None
    delay: float = 0
    offers: dict[str, Any] | None = None

    @property
    def reason(self) -> str:
        """The main reason, in a word."""
        if self.delay >= _HELD_BACK_SECONDS:
            return HELD_BACK
        if self.offers is None:
            return ""
        most = max(self.offers["declined"], key=lambda each: int(each["declined"]), default=None)
        if most:
            return str(most["reason"])
        return "" if self.offers["processed"] else NO_OFFERS


@dataclass(frozen=True)
class Known:
    """What the relay knows of what waits. ``first``: when it saw it first; ``since``: from when on
    it waits; ``reported``: when that was reported last, and with which main ``reason``.
    """

    of: str
    path: str
    first: float
    since: float
    reported: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """What is to be reported. ``queued``: None if it waits no more."""

    known: Known
    queued: Queued | None


def queued(element: dict[str, Any]) -> Queued | None:
    """An element of the queue, without the definition in it. None if nothing waits there."""
    for of, name in (("appId", "app"), ("podId", "pod")):
        definition = element.get(name)
        path = definition.get("id") if isinstance(definition, dict) else None
        count = _count(element.get("count"))
        if isinstance(path, str) and path and count:
            delay = element.get("delay")
            left = delay.get("timeLeftSeconds") if isinstance(delay, dict) else 0
            offers = _offers(element.get("processedOffersSummary"))
            since = seconds(element.get("since"))
            return Queued(of, path[:_PATH_CHARACTERS], count, since, _count(left), offers)
    return None


def looked(
    known: Sequence[Known], queue: Sequence[Queued], now: float
) -> tuple[list[Known], list[Change]]:
    """What the relay knows after a look at the queue, and what it has to report."""
    before = {(each.of, each.path): each for each in known}
    after: list[Known] = []
    changes: list[Change] = []
    for of_whom, each in {(each.of, each.path): each for each in queue}.items():
        old = before.pop(of_whom, None)
        new = _seen(each, old, now)
        if _is_due(new, each.reason, now):
            new = replace(new, reported=now, reason=each.reason)
            changes.append(Change(new, each))
        after.append(new)
    changes += [Change(gone, None) for gone in before.values() if gone.reported is not None]
    return after, changes


def event(relay: str, change: Change, now: float) -> bytes:
    """The line that reports a change."""
    known, queued = change.known, change.queued
    fields: dict[str, Any] = {
        "eventType": "relay_waiting",
        "timestamp": iso(now),
        "relay": relay,
        known.of: known.path,
        "state": "waiting" if queued else "launched",
        "count": queued.count if queued else 0,
        "since": iso(known.since),
    }
    if queued:
        fields["delaySeconds"] = queued.delay
    if queued and queued.offers is not None:
        fields["offers"] = queued.offers
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def to_text(known: Sequence[Known]) -> str:
    """What ``from_text`` reads."""
    return json.dumps([asdict(each) for each in known])


def from_text(text: str) -> list[Known]:
    """What was known; nothing if the text is of another version of the relay."""
    try:
        return [Known(**each) for each in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _seen(queued: Queued, old: Known | None, now: float) -> Known:
    """Marathon's own time counts if it gives one, unless its clock is ahead of ours."""
    first = old.first if old else now
    since = first if queued.since is None else min(queued.since, now)
    if old:
        return replace(old, since=since)
    return Known(queued.of, queued.path, first, since)


def _is_due(known: Known, reason: str, now: float) -> bool:
    if now - known.since < _PATIENCE_SECONDS:
        return False
    if known.reported is None:
        return True
    quiet = abs(now - known.reported)  # a clock may be set back
    return quiet >= (_CHANGE_SECONDS if reason != known.reason else _REPEAT_SECONDS)


def _offers(summary: Any) -> dict[str, Any] | None:
    """How many offers came, and for which reasons the newest of each agent was declined."""
    if not isinstance(summary, dict):
        return None
    reasons = summary.get("rejectSummaryLastOffers")
    return {
        "processed": _count(summary.get("processedOffersCount")),
        "declined": list(_declined(reasons if isinstance(reasons, list) else [])),
    }


def _declined(reasons: list[Any]) -> Iterator[dict[str, Any]]:
    for each in reasons[:_MOST_REASONS]:
        if isinstance(each, dict) and (declined := _count(each.get("declined"))):
            yield {
                "reason": str(each.get("reason"))[:_REASON_CHARACTERS],
                "declined": declined,
                "processed": _count(each.get("processed")),
            }


def _count(value: Any) -> int:
    usable = isinstance(value, int | float) and 0 < value < 1e9
    return int(value) if usable else 0
