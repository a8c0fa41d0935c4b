"""What is wrong with an app, a pod or the scheduler now, judged by its lives. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from chalicelib.records.lives import History, Life
from chalicelib.records.record import Record
from chalicelib.records.timing import Timing

Ending = Literal["recovered", "stopped", "deleted", "deployed", "nothing more"]


@dataclass(frozen=True)
class Condition:
    """``failures``: those of this incident, the earlier ones within the time that counts too.
    ``loops``: they are so many that people should know. ``down``, ``unreachable``, ``unhealthy``:
    lives that were not replaced, that can't be reached, that fail their checks, for so long that
    people should know. ``waiting``: instances wait for offers. ``ongoing``: something is bad right
    now. ``last_bad``: until then something was. ``resolves``: when it is over if nothing bad comes;
    None while something is bad. ``next``: when it may get worse without any event. ``still``: it
    may be said that it goes on. ``ending``: how it ended, if it is over. ``quiet``: for how long
    nothing bad may come until it is over.
    """

    history: History
    failures: tuple[Life, ...]
    loops: bool
    down: tuple[Life, ...]
    unreachable: tuple[Life, ...]
    unhealthy: tuple[Life, ...]
    waiting: Record | None
    ongoing: bool
    still: bool
    last_bad: datetime
    resolves: datetime | None
    next: datetime | None
    ending: Ending
    quiet: timedelta

    @property
    def matters(self) -> bool:
        """Whether people should know of it."""
        return bool(self.loops or self.down or self.unreachable or self.unhealthy or self.waiting)

    @property
    def severity(self) -> str:
        """How bad it is."""
        return "error" if self.loops or self.down else "warning"


def condition(
    history: History,
    since: datetime,
    now: datetime,
    timing: Timing,
    opened: datetime | None = None,
) -> Condition:
    """What is wrong with a subject. ``since``: what failed before that does not count. ``opened``:
    when people were first notified of it.
    """
    failures = tuple(each for each in history.failures if each.failure.heard >= since)
    bad = list(_bad_now(history, failures, timing))
    loop = _loop(failures, timing)
    down = _lives(bad, "down")
    made = [each for each in failures if each in loop or each in down or _is_after(each, opened)]
    pause = _longest_pause(made)
    quiet = min(max(timing.resolve_after, 2 * pause), timing.resolve_at_latest)
    recent = bool(failures) and now < failures[-1].failure.heard + quiet
    known_from = [each.known_from for each in bad]
    known_from += [loop[0].failure.heard + timing.group_wait] if loop else []
    lasting = [each for each in bad if each.known_from <= now]
    last_bad = now if bad else _last_bad(history, failures, since)
    return Condition(
        history,
        failures,
        loops=bool(loop) and recent and loop[0].failure.heard + timing.group_wait <= now,
        down=_lives(lasting, "down"),
        unreachable=_lives(lasting, "unreachable"),
        unhealthy=_lives(lasting, "unhealthy"),
        waiting=history.waiting if any(each.kind == "waiting" for each in lasting) else None,
        ongoing=bool(bad),
        still=bool(bad)
        or (not history.stopped and _is_still_failing(failures, pause, now, timing)),
        last_bad=last_bad,
        resolves=_resolves(history, bool(bad), last_bad, quiet, timing),
        next=min((each for each in known_from if each > now), default=None),
        ending=_ending(history, failures),
        quiet=quiet,
    )


@dataclass(frozen=True)
class _Bad:
    """What is bad at this moment. ``known_from``: if it lasts until then, people should know."""

    kind: Literal["down", "unreachable", "unhealthy", "waiting"]
    known_from: datetime
    life: Life | None = None


def _bad_now(history: History, failures: tuple[Life, ...], timing: Timing) -> Iterator[_Bad]:
    if history.stopped:
        return
    for each in failures:
        if _is_down(each, history):
            yield _Bad("down", each.failure.heard + timing.replaced_within, each)
    for each in history.missing:
        if each.missing:
            yield _Bad("unreachable", each.missing.heard + timing.lasts, each)
    for each in history.unhealthy:
        if each.unhealthy:
            yield _Bad("unhealthy", each.unhealthy.heard + timing.lasts, each)
    if history.waiting:
        yield _Bad("waiting", history.waiting.heard + timing.replaced_within)


def _lives(bad: list[_Bad], kind: str) -> tuple[Life, ...]:
    return tuple(each.life for each in bad if each.kind == kind and each.life)


def _is_down(life: Life, history: History) -> bool:
    failure = life.failure
    return failure.id not in history.replaced and not history.succeeded_since(failure.time)


def _loop(failures: tuple[Life, ...], timing: Timing) -> list[Life]:
    """The newest failures if they are so many within so short a time that people should know."""
    if not failures:
        return []
    last = failures[-1].failure.heard
    for most, within in (
        (timing.crash_loop, timing.crash_loop_within),
        (timing.relapses, timing.relapses_within),
    ):
        found = [each for each in failures if last - each.failure.heard <= within]
        if len(found) >= most:
            return found
    return []


def _is_after(life: Life, opened: datetime | None) -> bool:
    return opened is not None and life.failure.heard >= opened


def _longest_pause(failures: list[Life]) -> timedelta:
    times = [each.failure.heard for each in failures]
    return max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))


def _is_still_failing(
    failures: tuple[Life, ...], pause: timedelta, now: datetime, timing: Timing
) -> bool:
    """Whether the next failure would come no later than the others did."""
    within = max(timing.replaced_within, pause)
    return bool(failures) and now - failures[-1].failure.heard <= within


def _last_bad(history: History, failures: tuple[Life, ...], since: datetime) -> datetime:
    """Until when something was bad that is not now."""
    ends = [history.replaced.get(each.failure.id, each.failure.heard) for each in failures]
    ends += [each.recovered.heard for each in history.lives if each.recovered]
    ends += history.missing_replaced.values()
    if history.launched:
        ends.append(history.launched.heard)
    return max((each for each in ends if each >= since), default=since)


def _resolves(
    history: History, ongoing: bool, last_bad: datetime, quiet: timedelta, timing: Timing
) -> datetime | None:
    """When it is over if nothing bad comes. What is still bad is over, as far as anybody can tell,
    when nothing at all has come of it for so long that even Marathon's longest back-off has passed.
    """
    if not ongoing:
        return last_bad + quiet
    rows = [row for each in history.lives for row in _rows(each)]
    rows += [history.waiting] if history.waiting else []
    newest = max((row.heard for row in rows), default=None)
    return newest + timing.resolve_at_latest if newest else None


def _rows(life: Life) -> list[Record]:
    rows = (life.first, life.launched, life.ran, life.check, life.missing, life.asked, life.end)
    return [each for each in rows if each]


def _ending(history: History, failures: tuple[Life, ...]) -> Ending:
    """How it ended, if it is over."""
    if history.stopped:
        return "deleted" if history.stopped is history.deleted else "stopped"
    last = failures[-1].failure.heard if failures else None
    for each in history.running:
        back = each.recovered or each.ran
        if back and (last is None or back.heard >= last or (each.ran and each.ran.heard >= last)):
            return "recovered"
    if last and history.succeeded_since(failures[-1].failure.time):
        return "deployed"
    return "nothing more"
