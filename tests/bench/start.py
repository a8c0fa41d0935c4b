"""The cold start: from the start of the process to its first answer. As in Lambda, nothing is ever
written beside the package, so there is no bytecode but what it carries, and the SDK is compiled.
What Lambda itself does before, to fetch the package and to start its runtime, is not in it.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial

from tests.bench import bodies, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process, Subject, plainly, ratio, samples, without_deliver

_ROUNDS = 21
_SECTION = "Cold start of api"

# Of the package, what api has no use for, and of the SDK, what it does not call.
_UNUSED = ("chalicelib.fanout", "chalicelib.services.topic", "chalicelib.restore", "boto3", "ops")


def cold(bench: Bench) -> Iterator[Figure]:
    """Ours beside every baseline, and beside ours without bytecode, as ``chalice deploy`` alone
    packs it.
    """
    plain, without = plainly(bench), without_deliver(bench)
    measures: dict[str, Callable[[], float]] = {
        each.name: partial(_seconds_to_first_answer, bench, each)
        for each in (bench.ours, plain, *bench.baselines)
    }
    for measure in measures.values():
        measure()
    took = samples(_ROUNDS, measures)
    for other, budget in (("by hand", 1.35), ("tutorial", None), ("powertools", None)):
        against = ratio(took["ours"], took[other])
        yield Figure(_SECTION, f"ours / {other}", against, budget=budget)
    against = ratio(took[plain.name], took["by hand"])
    yield Figure(_SECTION, "ours without bytecode / by hand", against)
    used = samples(
        _ROUNDS, {each.name: partial(_cpu_seconds, bench, each) for each in (bench.ours, without)}
    )
    against = ratio(used["ours"], used[without.name])
    yield Figure(_SECTION, "CPU with / without what deliver imports", against, budget=1.03)
    yield Figure(_SECTION, "modules imported without use", len(_unused(bench)), "", budget=0)


def _seconds_to_first_answer(bench: Bench, subject: Subject) -> float:
    with Process(bench, subject) as process:
        process.call(payloads.post(bodies.small()))
    return process.answered - process.started


def _cpu_seconds(bench: Bench, subject: Subject) -> float:
    """What it takes of a CPU, which depends less on what else runs here."""
    before = os.times()
    _seconds_to_first_answer(bench, subject)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def _unused(bench: Bench) -> list[str]:
    with Process(bench, bench.ours) as process:
        modules = process.call(payloads.post(bodies.small()), modules=True)["modules"]
    return [name for name in modules if name in _UNUSED]
