"""How much people hear of a bad hour, and what it takes to tell them, in the local system."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from ops.cli import Failure
from ops.stage import queues
from ops.stage.resources import Stage
from ops.subscribing import subscriptions, targets
from ops.subscribing.filters import Filters

from chalicelib.services import aws
from chalicelib.services.targets import queue_name
from local import cloud
from local.delivering import make_deliver
from tests.bench.figures import Figure
from tests.support.cluster import LATEST, at, task
from tests.support.night import Night
from tests.support.nights import back_off, out_of_memory_every_20_minutes

_FAILURES = 1_000
_APPS = 300
_TARGETS = 10
_SECTION = "Messages to people"


def telling() -> Iterator[Figure]:
    """A crash loop, a rack that goes down, and a night of which nothing is bad."""
    loop = [
        task(at("01:00:00", 3600 / _FAILURES * n), "/web", n, "TASK_FAILED", "exit 1")[0]
        for n in range(_FAILURES)
    ]
    loop.append(task(at("02:00:05"), "/web", _FAILURES, "TASK_RUNNING")[0])
    rack = [
        task(at("01:00:00", 60 / _APPS * n), f"/app-{n}", n, "TASK_FAILED", "gone", "node-3")[0]
        for n in range(_APPS)
    ]
    rack += [task(at("01:04:00"), f"/app-{n}", n + 1, "TASK_RUNNING")[0] for n in range(_APPS)]
    calm = [task(at("01:00:00", 60 * n), "/web", n, "TASK_RUNNING")[0] for n in range(60)]
    soon = timedelta(minutes=20)
    with (
        open(os.devnull, "w") as log,  # noqa: PTH123
        contextlib.redirect_stdout(log),
        cloud.running(),
    ):
        nights = (
            (f"{_FAILURES:,} failures of an app in an hour", loop, soon, 4),
            (f"{_APPS} apps that fail within a minute", rack, soon, 2),
            ("a back-off of 30 hours", back_off(LATEST, hours=30), soon, 10),
            (
                "six hours of an app that runs out of memory every 20 minutes",
                out_of_memory_every_20_minutes(LATEST),
                timedelta(hours=1),
                6,
            ),
            ("an hour in which nothing is bad", calm, soon, 0),
        )
        for n, (name, events, until, budget) in enumerate(nights):
            night = Night(cloud.make_stage(f"n{n}"))
            night.happen(events, until)
            yield Figure(_SECTION, name, len(night.heard), "", budget=budget)
        publishes = _publishes(cloud.make_stage("targets"))
    yield Figure(_SECTION, f"publishes for an alert to {_TARGETS} targets", publishes, "", budget=1)


def _publishes(stage: Stage) -> int:
    """How often an alert is published that as many targets' queues get."""
    make_deliver(stage)
    for n in range(_TARGETS):
        target = targets.target(f"jsons://host-{n}.example.net/in", stage)
        subscriptions.subscribe(stage, target, "alerts", Filters())
    night = Night(stage)
    made = 0

    def count(**_: Any) -> None:
        nonlocal made
        made += 1

    aws.sns(once=True).meta.events.register("before-call.sns", count)
    night.happen(task(at("01:00:00"), "/web", 1, "TASK_FAILED", "exit 1"), timedelta(minutes=4))
    got = [queues.waiting(url) for url in queues.find_all(queue_name(stage.name, ""))]
    if got != [1] * _TARGETS:
        raise Failure(f"Each target should have got one message, but they got {got}.")
    return made
