"""Nights: what people would have got. Each is kept as a file in ``tests/nights`` that one reads
like a story; ``make nights`` writes them anew.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from ops import ROOT
from ops.stage.resources import Stage

import pytest

from tests.support import cluster
from tests.support.cluster import Deployment, Event, accepted, at, flat, submitted, task
from tests.support.night import Night

FOLDER = ROOT / "tests" / "nights"
WEB = "/shop/web"


def calm_deploy() -> list[Event]:
    """A rolling deploy that goes well: /shop/web gets a new image, task by task."""
    begun = at("01:30:00")
    deployment = Deployment("calm", begun, WEB)
    rolled = [
        each
        for n in range(3)
        for each in (
            *task(at("01:30:05", 40 * n), WEB, n + 10, "TASK_RUNNING"),
            *cluster.healthy(at("01:30:25", 40 * n), WEB, n + 10, True),
            *task(at("01:30:30", 40 * n), WEB, n, "TASK_KILLED", "Command terminated with signal"),
        )
    ]
    return flat(
        submitted(begun, WEB, "shop/web:1.8.0"),
        accepted(begun, "/shop", begun),
        deployment.step(at("01:30:00", 0.1)),
        rolled,
        deployment.stepped(at("01:32:10")),
        deployment.succeeded(at("01:32:10", 0.01)),
    )


def bad_image() -> list[Event]:
    """A new image that can't be fetched: Marathon tries again and again, until somebody rolls back
    a quarter of an hour later.
    """
    begun, back = at("02:11:00"), at("02:29:30")
    bad, good = Deployment("bad", begun, WEB), Deployment("good", back, WEB)
    words = "Failed to pull image 'registry.example.net/shop/web:1.9.O': manifest unknown"
    delays = [5, 12, 22, 37, 60, 95, 140, 200, 280, 390, 520, 690, 880, 1080]
    tries = [
        each
        for n, delay in enumerate(delays)
        for each in (
            *task(at("02:11:00", delay), WEB, n + 20, "TASK_STAGING", host=f"node-{n % 3 + 5}"),
            *task(at("02:11:03", delay), WEB, n + 20, "TASK_FAILED", words, f"node-{n % 3 + 5}"),
        )
    ]
    return flat(
        submitted(at("00:10:00"), WEB, "shop/web:1.8.0"),
        submitted(begun, WEB, "shop/web:1.9.O"),
        accepted(begun, "/shop", begun),
        bad.step(at("02:11:00", 0.1)),
        tries,
        submitted(back, WEB, "shop/web:1.8.0", by="10.0.9.21"),
        bad.failed(at("02:29:30", 0.05), "The upgrade has been cancelled"),
        good.step(at("02:29:30", 0.1)),
        task(at("02:29:40"), WEB, 90, "TASK_RUNNING"),
        good.stepped(at("02:29:45")),
        good.succeeded(at("02:29:45", 0.01)),
    )


def out_of_memory() -> list[Event]:
    """An app that runs out of memory again and again for an hour and a quarter, until it gets more
    of it.
    """
    begun = at("02:40:00")
    words = "Container exceeded its memory limit: Memory limit exceeded: Requested: 256MB"
    loop = [
        each
        for n in range(45)
        for each in (
            *task(begun + timedelta(seconds=100 * n), "/shop/search", n, "TASK_RUNNING"),
            *task(begun + timedelta(seconds=100 * n + 81), "/shop/search", n, "TASK_FAILED", words),
        )
    ]
    return flat(loop, task(at("03:55:30"), "/shop/search", 100, "TASK_RUNNING"))


def lost_agent() -> list[Event]:
    """An agent goes away with the tasks of 40 apps on it. Marathon starts them elsewhere after five
    minutes.
    """
    apps = [f"/shop/svc-{n:02d}" for n in range(40)]
    lost = [
        each
        for n, app in enumerate(apps)
        for each in (
            *task(at("03:00:10", 0.3 * n), app, 0, "TASK_UNREACHABLE", "", "node-3"),
            *task(at("03:05:30", 0.3 * n), app, 1, "TASK_RUNNING", "", f"node-{n % 4 + 4}"),
        )
    ]
    return flat(lost)


def crashed_agent() -> list[Event]:
    """An agent of eight apps breaks down for good, in a cluster that takes its tasks for lost at
    once. They run elsewhere within a minute.
    """
    apps = [f"/shop/svc-{n:02d}" for n in range(8)]
    words = "Agent node-3.example.net removed: health check timed out"
    lost = [
        each
        for n, app in enumerate(apps)
        for each in (
            *task(at("03:00:10", 0.6 * n), app, 0, "TASK_LOST", words, "node-3"),
            *task(at("03:00:50", 0.3 * n), app, 1, "TASK_RUNNING", "", f"node-{n % 4 + 4}"),
        )
    ]
    return flat(lost)


def flapping_check() -> list[Event]:
    """A health check that fails now and then for a few seconds; later for so long that Marathon
    kills the task.
    """
    row: list[Event | list[Event]] = []
    for clock in ("01:10:00", "02:20:00"):
        row += [
            cluster.healthy(at(clock), WEB, 1, False),
            cluster.failed_check(at(clock, 0.01), WEB, 1),
            cluster.healthy(at(clock, 12), WEB, 1, True),
        ]
    row += [
        cluster.healthy(at("03:00:00"), WEB, 1, False),
        [cluster.failed_check(at("03:00:00", 10 * n + 0.01), WEB, 1) for n in range(6)],
        cluster.event(
            at("03:00:50", 0.02),
            "unhealthy_instance_kill_event",
            appId=WEB,
            taskId=f"{cluster.instance(WEB, 1)}._app.1",
            instanceId=cluster.instance(WEB, 1),
            version="2026-03-01T16:20:00.000Z",
            reason="Timed out after 20 seconds",
            host="node-7.example.net",
            slaveId="7d0e-node-7",
        ),
        task(at("03:00:53"), WEB, 1, "TASK_KILLED", "Command terminated with signal Terminated"),
        task(at("03:01:05"), WEB, 2, "TASK_RUNNING"),
        cluster.healthy(at("03:01:25"), WEB, 2, True),
    ]
    return flat(*row)


def stuck_deployment() -> list[Event]:
    """A deployment that gets nowhere, because no offer has enough memory. After a quarter of an
    hour somebody cancels it by force, and goes to bed.
    """
    begun = at("01:05:00")
    stuck = Deployment("stuck", begun, "/shop/db", WEB)
    return flat(
        submitted(begun, WEB, "shop/web:2.0.0", by="10.0.9.77"),
        accepted(begun, "/shop", begun),
        stuck.step(at("01:05:00", 0.1)),
        task(at("01:05:20"), "/shop/db", 1, "TASK_RUNNING"),
        stuck.stepped(at("01:05:25")),
        stuck.step(at("01:05:25", 0.01), 2),
        stuck.failed(at("01:20:10"), "The upgrade has been cancelled"),
    )


def failed_deployment() -> list[Event]:
    """A deployment that fails, in the words of an exception."""
    begun = at("04:15:00")
    broken = Deployment("broken", begun, "/shop/db", WEB)
    return flat(
        submitted(begun, WEB, "shop/web:2.0.1", by="10.0.9.77"),
        accepted(begun, "/shop", begun),
        broken.step(at("04:15:00", 0.1)),
        task(at("04:15:21"), "/shop/db", 1, "TASK_RUNNING"),
        broken.stepped(at("04:15:26")),
        broken.step(at("04:15:26", 0.01), 2),
        broken.failed(at("04:16:40"), "Futures timed out after [60 seconds]"),
    )


def refused_change() -> list[Event]:
    """Somebody changes an app while it is being deployed, and Marathon refuses: who asked for it
    knows.
    """
    refused = Deployment("refused", at("01:00:00"), WEB)
    reason = "App is locked by one or more deployments. Override with the option '?force=true'."
    change = cluster.event(
        at("01:00:00"),
        "group_change_failed",
        groupId="/shop",
        version="2026-03-02T01:00:00.000Z",
        reason=reason,
    )
    return [change, refused.failed(at("01:00:00", 0.01), reason)]


def mesos_away_for_a_minute() -> list[Event]:
    """The Mesos master is away for a minute; later for twenty."""
    gone, back = "scheduler_disconnected_event", "scheduler_reregistered_event"
    return [
        cluster.event(at("01:00:00"), gone),
        cluster.event(at("01:01:02"), back, master="mesos-2.example.net"),
        cluster.event(at("02:00:00"), gone),
        cluster.event(at("02:20:30"), back, master="mesos-1.example.net"),
    ]


def silence() -> list[Event]:
    """Nothing comes from the cluster for three quarters of an hour, where people want to hear of it
    after a quarter.
    """
    row = [task(at("00:30:00", 300 * n), WEB, n, "TASK_RUNNING") for n in (0, 1, 10, 11)]
    return flat(*row)


NIGHTS: list[Callable[[], list[Event]]] = [
    calm_deploy,
    bad_image,
    out_of_memory,
    lost_agent,
    crashed_agent,
    flapping_check,
    stuck_deployment,
    failed_deployment,
    refused_change,
    mesos_away_for_a_minute,
    silence,
]


@pytest.mark.parametrize("made", NIGHTS, ids=lambda made: made.__name__)
def test_what_people_got_in_the_night(made: Callable[[], list[Event]], stage: Stage) -> None:
    night = Night(stage)
    if made is silence:
        stage.clusters.claim(cluster.registered())
        night.functions.watching().silence = timedelta(minutes=15)
    night.play(made())
    words = " ".join((made.__doc__ or "").split())
    title = made.__name__.replace("_", " ").capitalize()
    _compare(FOLDER / f"{made.__name__.replace('_', '-')}.md", night.story(title, words))


def test_every_night_that_is_kept_is_played() -> None:
    kept = {path.stem for path in FOLDER.glob("*.md")}
    assert kept == {made.__name__.replace("_", "-") for made in NIGHTS}


def _compare(path: Path, text: str) -> None:
    if os.environ.get("WRITE_NIGHTS"):
        path.write_text(text)
    assert path.read_text() == text
