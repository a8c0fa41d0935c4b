"""How much people hear of a bad hour, in the local system."""

import contextlib
import os
from collections.abc import Iterator

from local import cloud
from tests.bench.figures import Figure
from tests.support.cluster import at, task
from tests.support.night import Night

_FAILURES = 1_000
_APPS = 300
_SECTION = "Messages to people"


def telling() -> Iterator[Figure]:
    """A crash loop, a rack that goes down, and a night of which nothing is bad."""
    loop = [
        task(at("01:00:00", 3600 / _FAILURES * n), "/web", n, "TASK_FAILED", "exit 1")[0]
        for n in range(_FAILURES)
    ]
    rack = [
        task(at("01:00:00", 60 / _APPS * n), f"/app-{n}", n, "TASK_FAILED", "gone", "node-3")[0]
        for n in range(_APPS)
    ]
    calm = [task(at("01:00:00", 60 * n), "/web", n, "TASK_RUNNING")[0] for n in range(60)]
    with (
        open(os.devnull, "w") as log,  # noqa: PTH123
        contextlib.redirect_stdout(log),
        cloud.running(),
    ):
        for name, events, budget in (
            (f"{_FAILURES:,} failures of an app in an hour", loop, 4),
            (f"{_APPS} apps that fail within a minute", rack, 2),
            ("an hour in which nothing is bad", calm, 0),
        ):
            night = Night(cloud.make_stage(f"n{budget}"))
            night.play(events)
            yield Figure(_SECTION, name, len(night.heard), "", budget=budget)
