"""The CPU that an event takes, the SDK's share included."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

from tests.bench import bodies, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process, ratio, samples

GROWTH = "Growth: CPU per byte, against 1 KB"
_GROWTH_ROUNDS = 15
_BATCH = 100
_BATCH_ROUNDS = 40

# Flat, but for caches and noise: what grew with the square would take five times as much in the
# last step.
_FLAT = 1.25


# Five sixths of ours is the SDK's put, which is half of what they write by hand. The thread that
# bounds the put takes 7 % more, which nobody writes by hand.
_BY_HAND = 0.70

# What people write instead would not get such a plan in: it is measured as if AWS took it.
_AWS_TAKES_BYTES = 262_144
_TOO_LARGE = """\
Plan of 1,000 apps: as one item (400 KB) and one message (256 KB) AWS would refuse it. The others'
figures are what it would cost them if it did not."""


@dataclass(frozen=True)
class _Size:
    """A body to measure with. ``times``: calls in each of ``rounds``. ``batch``: how many of its
    records the stream hands over at once. Then the budgets: against by hand, against the floor, and
    of ingest and fan-out together against by hand.
    """

    name: str
    body: bytes
    rounds: int
    times: int
    batch: int
    by_hand: float | None = None
    floor: float | None = None
    all_in: float | None = None


def ingest(bench: Bench) -> Iterator[Figure]:
    """Ours beside every baseline, for each body; then with fan-out, all in."""
    sizes = (
        _Size("small", bodies.small(), 60, 20, 100, by_hand=_BY_HAND, floor=1.35, all_in=1.0),
        _Size("app definition", bodies.definition(), 60, 20, 100, by_hand=_BY_HAND, floor=1.35),
        _Size("plan of 100 apps", bodies.plan(100), 20, 5, 10, by_hand=0.25),
        _Size("plan of 1,000 apps", bodies.plan(1000), 11, 1, 2),
    )
    with contextlib.ExitStack() as stack:
        processes = {
            each.name: stack.enter_context(Process(bench, each))
            for each in (bench.ours, *bench.baselines, bench.bare_put)
        }
        for size in sizes:
            yield from _of_size(size, processes)


def _of_size(size: _Size, processes: dict[str, Process]) -> Iterator[Figure]:
    ours = processes["ours"]
    request = payloads.post(size.body)
    stored = ours.call(request, puts=True)["puts"][-1]
    batch = payloads.batch([stored] * size.batch)
    item = json.loads(stored)["Item"]
    measures: dict[str, Callable[[], float]] = {
        name: partial(_cpu, process, item if name == "bare put" else request, size.times)
        for name, process in processes.items()
    }
    measures["fan-out"] = partial(_cpu, ours, batch, 1, "fanout")
    measures["fan-out of one"] = partial(_cpu, ours, payloads.batch([stored]), 1, "fanout")
    took = samples(size.rounds, measures)
    section = f"CPU of ingest, {size.name} ({len(size.body):,} bytes)"
    note = _TOO_LARGE if len(size.body) > _AWS_TAKES_BYTES else ""
    for other, budget in (
        ("by hand", size.by_hand),
        ("tutorial", None),
        ("powertools", None),
        ("bare put", size.floor),
    ):
        against = ratio(took["ours"], took[other])
        yield Figure(section, f"ours / {other}", against, budget=budget, note=note)
        note = ""
    for batch_of, each, budget in (
        (size.batch, "fan-out", size.all_in),
        (1, "fan-out of one", None),
    ):
        pairs = zip(took["ours"], took[each], strict=True)
        all_in = [ingest + batch / batch_of for ingest, batch in pairs]
        against = ratio(all_in, took["by hand"])
        yield Figure(
            section, f"ours all in, batches of {batch_of} / by hand", against, budget=budget
        )


def batch(bench: Bench) -> Iterator[Figure]:
    """An event in a relay's batch beside one that comes alone."""
    section = f"CPU of ingest, a relay's batch of {_BATCH} small events"
    many = payloads.post_many(bodies.different(_BATCH))
    one = payloads.post(bodies.small())
    with Process(bench, bench.ours) as ours:
        took = samples(
            _BATCH_ROUNDS,
            {"one": partial(_cpu, ours, one, 20), "many": partial(_cpu, ours, many, 1)},
        )
    each = [seconds / _BATCH for seconds in took["many"]]
    yield Figure(section, "each / one alone", ratio(each, took["one"]), budget=0.85)


def growth(bench: Bench) -> Iterator[Figure]:
    """CPU for each byte, from bodies of 1 KB to 5 MB, as a share of what it is at 1 KB."""
    sizes = [bodies.definition(), *(bodies.plan(apps) for apps in (8, 84, 840, 4200))]
    with Process(bench, bench.ours) as ours:
        measures: dict[str, Callable[[], float]] = {
            f"{len(body):,} bytes": partial(
                _cpu, ours, payloads.post(body), max(1, 200_000 // len(body))
            )
            for body in sizes
        }
        took = samples(_GROWTH_ROUNDS, measures)
    by_byte = [
        [seconds / len(body) for seconds in took[name]]
        for name, body in zip(measures, sizes, strict=True)
    ]
    for body, each in zip(sizes, by_byte, strict=True):
        budget = 1 if body is sizes[-1] else None
        share = ratio(each, by_byte[0])
        yield Figure(GROWTH, f"{len(body):,} bytes", share, budget=budget, at=len(body))
    steps = [ratio(after, before) for before, after in pairwise(by_byte)]
    yield Figure(GROWTH, "the largest step from one size to the next", max(steps), budget=_FLAT)


def _cpu(process: Process, event: Any, times: int, handler: str = "") -> float:
    """The seconds of CPU of one call."""
    return float(process.call(event, times, handler=handler)["cpu"]) / times
