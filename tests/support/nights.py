"""Nights of operators, most of them taken from public reports of Marathon's bugs, retold in the ids
of three eras. Each says why what people get is right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from tests.support.cluster import Deployment, Era, Event, accepted, at, event, flat, submitted

WEB = "/shop/web"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Story:
    """``right``: why ``states``, those of the messages that people get, are right. ``eras``: in
    which it is played. ``until``: how long people listen after it.
    """

    events: Callable[[Era], list[Event]]
    states: tuple[str, ...]
    right: str
    eras: tuple[str, ...] = ("1.8",)
    until: timedelta = timedelta(minutes=20)

    @property
    def name(self) -> str:
        return self.events.__name__

    @property
    def words(self) -> str:
        return " ".join((self.events.__doc__ or "").split())


def calm_deploy(era: Era) -> list[Event]:
    """A rolling deploy that goes well: /shop/web gets a new image, task by task. A health result
    comes after the end of each old task.
    """
    begun = at("01:30:00")
    deployment = Deployment("calm", begun, WEB)
    rolled = [
        each
        for n in range(3)
        for each in (
            *era.task(at("01:30:05", 40 * n), WEB, n + 10, "TASK_RUNNING"),
            *era.healthy(at("01:30:25", 40 * n), WEB, n + 10, True),
            *era.task(at("01:30:30", 40 * n), WEB, n, "TASK_KILLED", "Command terminated"),
            *era.healthy(at("01:30:30", 40 * n + 0.4), WEB, n, False),
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


def one_failure(era: Era) -> list[Event]:
    """One task fails, and is replaced after 12 seconds."""
    return flat(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.task(at("01:10:00"), WEB, 1, "TASK_FAILED", "Container exited with status 1"),
        era.task(at("01:10:06"), WEB, 2, "TASK_STAGING"),
        era.task(at("01:10:12"), WEB, 2, "TASK_RUNNING"),
    )


def bad_image(era: Era) -> list[Event]:
    """A new image that can't be fetched: Marathon tries again and again, until somebody rolls back
    a quarter of an hour later.
    """
    begun, back = at("02:11:00"), at("02:29:30")
    bad, good = Deployment("bad", begun, WEB), Deployment("good", back, WEB)
    words = (
        "Failed to launch container: Failed to run 'docker -H unix:///var/run/docker.sock pull "
        "registry.example.net/shop/web:1.9.O': exited with status 1; "
        "stderr='Error: image shop/web:1.9.O not found'"
    )
    delays = [5, 12, 22, 37, 60, 95, 140, 200, 280, 390, 520, 690, 880, 1080]
    tries = [
        each
        for n, delay in enumerate(delays)
        for each in (
            *era.task(at("02:11:00", delay), WEB, n + 20, "TASK_STAGING", "", f"node-{n % 3 + 5}"),
            *era.task(
                at("02:11:03", delay), WEB, n + 20, "TASK_FAILED", words, f"node-{n % 3 + 5}"
            ),
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
        era.task(at("02:29:40"), WEB, 90, "TASK_RUNNING"),
        good.stepped(at("02:29:45")),
        good.succeeded(at("02:29:45", 0.01)),
    )


def out_of_memory(era: Era) -> list[Event]:
    """An app that runs out of memory again and again for an hour and a quarter, until it gets more
    of it.
    """
    begun = at("02:40:00")
    words = "Container exceeded its memory limit: Memory limit exceeded: Requested: 256MB"
    loop = [
        each
        for n in range(45)
        for each in (
            *era.task(begun + 100 * n * _SECOND, "/shop/search", n, "TASK_RUNNING"),
            *era.task(begun + (100 * n + 81) * _SECOND, "/shop/search", n, "TASK_FAILED", words),
        )
    ]
    return flat(loop, era.task(at("03:55:30"), "/shop/search", 100, "TASK_RUNNING"))


def out_of_memory_every_20_minutes(era: Era) -> list[Event]:
    """An app that runs out of memory every 20 minutes, for six hours. It runs again in seconds."""
    words = "Memory limit exceeded: Requested: 4096MB Maximum Used: 4096MB"
    return flat(
        *(
            [
                *era.task(at("01:00:00", 1200 * n), "/etl/loader", n, "TASK_FAILED", words),
                *era.task(at("01:00:09", 1200 * n), "/etl/loader", n + 1, "TASK_RUNNING"),
            ]
            for n in range(18)
        )
    )


def back_off(era: Era, hours: int = 9) -> list[Event]:
    """A container that can't run, tried for nine hours with pauses that grow to an hour."""
    row: list[list[Event]] = []
    pause, time, n = 1.0, 0.0, 0
    while time < hours * 3600:
        row.append(era.task(at("01:00:00", time), "/hello/bad", n, "TASK_STAGING"))
        words = "Failed to pull image: manifest unknown"
        row.append(era.task(at("01:00:03", time), "/hello/bad", n, "TASK_FAILED", words))
        pause, n = min(pause * 1.15, 3600), n + 1
        time += 3 + pause
    return flat(*row)


def ends_with_0(era: Era) -> list[Event]:
    """The command of an app ends with status 0 after six seconds, 40 times in 20 minutes, while its
    deployment runs.
    """
    begun = at("01:00:00")
    deployment = Deployment("ends", begun, "/batch/landscape")
    words = "Container exited with status 0"
    loop = [
        each
        for n in range(40)
        for each in (
            *era.task(at("01:00:04", 30 * n), "/batch/landscape", n, "TASK_RUNNING"),
            *era.task(at("01:00:10", 30 * n), "/batch/landscape", n, "TASK_FINISHED", words),
        )
    ]
    return flat(
        submitted(begun, "/batch/landscape", "batch:1", instances=1),
        deployment.step(at("01:00:00", 0.1)),
        loop,
    )


def killed_in_staging(era: Era) -> list[Event]:
    """Twelve tasks, one after the other, are killed after five minutes in staging: the image is too
    large to be fetched in that time.
    """
    return flat(
        *(
            [
                *era.task(at("01:00:00", 310 * n), "/ml/train", n, "TASK_STAGING"),
                *era.task(at("01:05:00", 310 * n), "/ml/train", n, "TASK_KILLED"),
            ]
            for n in range(12)
        )
    )


def lost_agent(era: Era) -> list[Event]:
    """An agent goes away with the tasks of 25 apps on it. Marathon starts them elsewhere after five
    minutes and a half.
    """
    return flat(
        *(
            [
                *era.task(at("03:00:10", 0.3 * n), app, 0, "TASK_UNREACHABLE", "", "node-3"),
                *era.task(at("03:05:40", 0.3 * n), app, 1, "TASK_RUNNING", "", f"node-{n % 4 + 4}"),
            ]
            for n, app in enumerate(f"/shop/svc-{n:02d}" for n in range(25))
        )
    )


def lost_and_replaced_at_once(era: Era) -> list[Event]:
    """A task becomes unreachable and is replaced after three seconds (``unreachableStrategy`` 0/0).
    An hour later Marathon gives the lost one up.
    """
    return flat(
        era.task(at("01:00:00"), WEB, 1, "TASK_UNREACHABLE", "", "node-3"),
        era.task(at("01:00:03"), WEB, 2, "TASK_RUNNING", "", "node-4"),
        era.changed(at("02:00:00"), WEB, 1, "Killed", "node-3"),
    )


def lost_and_back(era: Era) -> list[Event]:
    """Two tasks are lost; after 70 seconds their agent is back, and they run."""
    return flat(
        *(era.task(at("01:00:00", n), WEB, n, "TASK_LOST", "Agent disconnected") for n in (1, 2)),
        *(era.task(at("01:01:10", n), WEB, n, "TASK_RUNNING") for n in (1, 2)),
    )


def race_for_an_offer(era: Era) -> list[Event]:
    """Mesos takes an offer back while Marathon uses it; the next try runs three seconds later."""
    words = "Task launched with invalid offers: Offer O250453 is no longer valid"
    lost = "TASK_LOST" if era.version == "1.3" else "TASK_DROPPED"
    return flat(
        era.task(at("01:00:00"), WEB, 1, lost, words),
        era.task(at("01:00:02"), WEB, 2, "TASK_STAGING"),
        era.task(at("01:00:05"), WEB, 2, "TASK_RUNNING"),
    )


def drained_agents(era: Era) -> list[Event]:
    """Agents are drained one after the other for maintenance; each task is replaced in seconds."""
    words = "Agent is being drained"
    return flat(
        *(
            [
                *era.task(at("01:00:00", 240 * n), WEB, n, "TASK_GONE_BY_OPERATOR", words),
                *era.task(at("01:00:08", 240 * n), WEB, n + 10, "TASK_RUNNING"),
            ]
            for n in range(5)
        )
    )


def ended_143_after_killing(era: Era) -> list[Event]:
    """A rolling restart whose old tasks end as failed, with status 143, after they were asked to
    end.
    """
    begun = at("01:00:00")
    deployment = Deployment("restart", begun, WEB)
    words = "Command exited with status 143"
    rolled = [
        each
        for n in range(6)
        for each in (
            *era.task(at("01:00:05", 20 * n), WEB, n + 10, "TASK_RUNNING"),
            *era.task(at("01:00:08", 20 * n), WEB, n, "TASK_KILLING"),
            *era.task(at("01:00:14", 20 * n), WEB, n, "TASK_FAILED", words),
        )
    ]
    return flat(
        deployment.step(at("01:00:00", 0.1)),
        rolled,
        deployment.stepped(at("01:02:10")),
        deployment.succeeded(at("01:02:10", 0.01)),
    )


def scaled_to_0(era: Era) -> list[Event]:
    """An app fails six times; then somebody scales it to 0, seven seconds after its last instance
    began to run.
    """
    broken, stopped = "/shop/broken", at("01:03:12")
    fails = [
        each
        for n in range(6)
        for each in (
            *era.task(at("01:00:00", 30 * n), broken, n, "TASK_RUNNING"),
            *era.task(at("01:00:20", 30 * n), broken, n, "TASK_FAILED", "exited with status 1"),
        )
    ]
    deployment = Deployment("scale", stopped, broken, action="ScaleApplication")
    return flat(
        fails,
        era.task(at("01:03:05"), broken, 9, "TASK_RUNNING"),
        submitted(stopped, broken, "shop/broken:1", instances=0),
        deployment.step(at("01:03:12", 0.1)),
        era.task(at("01:03:14"), broken, 9, "TASK_KILLED", "Container exited with status 137"),
        deployment.stepped(at("01:03:14", 0.2)),
        deployment.succeeded(at("01:03:14", 0.21)),
    )


def flapping_check(era: Era) -> list[Event]:
    """A health check that fails now and then for a few seconds; later for so long that Marathon
    kills the task.
    """
    row: list[Event | list[Event]] = []
    for clock in ("01:10:00", "02:20:00"):
        row += [
            era.healthy(at(clock), WEB, 1, False),
            era.failed_check(at(clock, 0.01), WEB, 1),
            era.healthy(at(clock, 12), WEB, 1, True),
        ]
    row += [
        era.healthy(at("03:00:00"), WEB, 1, False),
        [era.failed_check(at("03:00:00", 10 * n + 0.01), WEB, 1) for n in range(6)],
        era.killed_for_health(at("03:00:50", 0.02), WEB, 1, "Timed out after 20 seconds"),
        era.task(
            at("03:00:53"), WEB, 1, "TASK_KILLED", "Command terminated with signal Terminated"
        ),
        era.task(at("03:01:05"), WEB, 2, "TASK_RUNNING"),
        era.healthy(at("03:01:25"), WEB, 2, True),
    ]
    return flat(*row)


def killed_for_one_of_three_checks(era: Era) -> list[Event]:
    """An app with three checks is killed for one of them, again and again."""
    row: list[Event | list[Event]] = []
    for n in range(5):
        row += [
            era.task(at("01:00:00", 120 * n), WEB, n, "TASK_RUNNING"),
            era.healthy(at("01:00:20", 120 * n), WEB, n, False),
            [era.failed_check(at("01:00:20", 120 * n + k), WEB, n, "/db") for k in (0.1, 10, 20)],
            era.killed_for_health(at("01:00:41", 120 * n), WEB, n, "503 Service Unavailable"),
            era.task(at("01:00:43", 120 * n), WEB, n, "TASK_KILLED"),
        ]
    row.append(era.task(at("01:11:00"), WEB, 9, "TASK_RUNNING"))
    return flat(*row)


def check_that_never_kills(era: Era) -> list[Event]:
    """A check that may fail as often as it wants (``maxConsecutiveFailures`` 0) fails for half an
    hour, while Marathon says that the app is healthy.
    """
    return flat(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.healthy(at("01:00:10"), WEB, 1, True),
        [era.failed_check(at("01:01:00", 20 * n), WEB, 1) for n in range(90)],
    )


def unhealthy_and_well_again(era: Era) -> list[Event]:
    """An app fails its check for six minutes, and is healthy from then on."""
    return flat(
        era.task(at("00:50:00"), WEB, 1, "TASK_RUNNING"),
        era.healthy(at("01:00:00"), WEB, 1, False),
        [era.failed_check(at("01:00:00", 20 * n + 0.1), WEB, 1) for n in range(18)],
        era.healthy(at("01:06:05"), WEB, 1, True),
    )


def pod_of_three_containers(era: Era) -> list[Event]:
    """A pod of three containers fails once, and runs again after 20 seconds."""

    def pod(clock: str, n: int, status: str) -> list[Event]:
        id_ = era.instance("/crew", n).replace(".marathon-", ".instance-")
        ends = [".1"] if era.version == "1.8" else [""]
        tasks = [
            {**era.task(at(clock), "/crew", n, status)[0], "taskId": f"{id_}.{name}{end}"}
            for name in ("web", "proxy", "log")
            for end in ends
        ]
        return [*tasks, {**era.task(at(clock), "/crew", n, status)[1], "instanceId": id_}]

    return flat(
        pod("01:00:00", 1, "TASK_RUNNING"),
        pod("01:10:00", 1, "TASK_FAILED"),
        pod("01:10:20", 2, "TASK_RUNNING"),
    )


def deployment_that_hangs(era: Era) -> list[Event]:
    """After the first step of a deployment nothing comes for hours: no offer fits."""
    begun = at("01:00:00")
    return flat(
        submitted(begun, WEB, "shop/web:2.0.0", by="10.0.9.77"),
        accepted(begun, "/shop", begun),
        Deployment("hangs", begun, WEB).step(at("01:00:00", 0.1)),
    )


def stuck_and_cancelled(era: Era) -> list[Event]:
    """A deployment that gets nowhere. After 25 minutes somebody cancels it by force, and goes to
    bed.
    """
    begun = at("01:05:00")
    stuck = Deployment("stuck", begun, "/shop/db", WEB)
    return flat(
        submitted(begun, WEB, "shop/web:2.0.0", by="10.0.9.77"),
        accepted(begun, "/shop", begun),
        stuck.step(at("01:05:00", 0.1)),
        era.task(at("01:05:20"), "/shop/db", 1, "TASK_RUNNING"),
        stuck.stepped(at("01:05:25")),
        stuck.step(at("01:05:25", 0.01), 2),
        stuck.failed(at("01:30:10"), "The upgrade has been cancelled"),
    )


def failed_deployment(era: Era) -> list[Event]:
    """A deployment that fails, in the words of an exception."""
    begun = at("04:15:00")
    broken = Deployment("broken", begun, "/shop/db", WEB)
    return flat(
        submitted(begun, WEB, "shop/web:2.0.1", by="10.0.9.77"),
        accepted(begun, "/shop", begun),
        broken.step(at("04:15:00", 0.1)),
        era.task(at("04:15:21"), "/shop/db", 1, "TASK_RUNNING"),
        broken.stepped(at("04:15:26")),
        broken.step(at("04:15:26", 0.01), 2),
        broken.failed(at("04:16:40"), "Futures timed out after [60 seconds]"),
    )


def failed_and_succeeded(era: Era) -> list[Event]:
    """A forced cancel is told as failed and as succeeded, within a millisecond. Then another
    deployment takes its place.
    """
    begun, later = at("01:00:00"), at("01:06:45")
    first, second = Deployment("first", begun, WEB), Deployment("second", later, WEB)
    return flat(
        submitted(begun, WEB, "shop/web:2"),
        first.step(at("01:00:00", 0.1)),
        first.failed(at("01:06:40")),
        first.succeeded(at("01:06:40", 0.001)),
        submitted(later, WEB, "shop/web:1"),
        second.step(at("01:06:45", 0.1)),
        second.stepped(at("01:07:45")),
        second.succeeded(at("01:07:45", 0.01)),
    )


def rolled_back(era: Era) -> list[Event]:
    """Somebody changes an app; eight seconds later it is rolled back, of which no request is told.
    The rollback fails.
    """
    begun, back = at("01:00:00"), at("01:00:08")
    first, second = Deployment("change", begun, WEB), Deployment("rollback", back, WEB)
    return flat(
        first.step(at("01:00:00", 0.01)),
        submitted(begun, WEB, "shop/web:2", by="10.0.9.4"),
        accepted(begun, "/shop", begun),
        second.step(at("01:00:08", 0.1)),
        accepted(at("01:00:08", 0.05), "/shop", back),
        first.failed(at("01:00:08", 0.02)),
        second.failed(at("01:02:00"), "Futures timed out after [60 seconds]"),
    )


def refused_change(era: Era) -> list[Event]:
    """Somebody changes an app while it is being deployed, and Marathon refuses."""
    refused = Deployment("refused", at("01:00:00"), WEB)
    reason = "App is locked by one or more deployments. Override with the option '?force=true'."
    change = event(
        at("01:00:00"),
        "group_change_failed",
        groupId="/shop",
        version="2026-03-02T01:00:00.000Z",
        reason=reason,
    )
    return [change, refused.failed(at("01:00:00", 0.01), reason)]


def mesos_lost_for_a_minute_and_for_20(era: Era) -> list[Event]:
    """The Mesos master is away for a minute; later for twenty."""
    gone, back = "scheduler_disconnected_event", "scheduler_reregistered_event"
    return [
        event(at("01:00:00"), gone),
        event(at("01:01:02"), back, master="mesos-2.example.net"),
        event(at("02:00:00"), gone),
        event(at("02:20:30"), back, master="mesos-1.example.net"),
    ]


def mesos_lost_30_times(era: Era) -> list[Event]:
    """Marathon's leader loses Mesos 30 times in two hours, for twenty seconds each time."""
    gone, back = "scheduler_disconnected_event", "scheduler_reregistered_event"
    return [
        each
        for n in range(30)
        for each in (
            event(at("01:00:00", 240 * n), gone),
            event(at("01:00:20", 240 * n), back, master="mesos-1.example.net"),
        )
    ]


def nothing_launches(era: Era) -> list[Event]:
    """A new version of an app finds no offer that fits. A relay tells why; later it is launched."""
    begun = at("01:00:00")
    waits = Deployment("waits", begun, WEB)
    declined = [{"reason": "InsufficientMemory", "declined": 14, "processed": 15}]
    waiting = {
        "relay": "relay-1",
        "appId": WEB,
        "count": 3,
        "since": "2026-03-02T01:00:01.000Z",
        "delaySeconds": 0,
        "offers": {"processed": 15, "declined": declined},
    }
    return flat(
        submitted(begun, WEB, "shop/web:3"),
        accepted(begun, "/shop", begun),
        waits.step(at("01:00:00", 0.1)),
        event(at("01:03:30"), "relay_waiting", state="waiting", **waiting),
        event(at("01:40:00"), "relay_waiting", state="launched", relay="relay-1", appId=WEB),
        *(era.task(at("01:40:05", n), WEB, n, "TASK_RUNNING") for n in range(3)),
        waits.stepped(at("01:40:10")),
        waits.succeeded(at("01:40:10", 0.01)),
    )


ALL_ERAS = ("1.8", "1.5", "1.3")
SINCE_14 = ("1.8", "1.5")
# Of heavy nights: 1.5 differs from 1.8 by its ids alone, which the tests of lives compare.
LAST_AND_FIRST = ("1.8", "1.3")
_DAY = timedelta(days=1)

STORIES = [
    Story(calm_deploy, (), "nobody is woken: each old task was asked to end.", eras=ALL_ERAS),
    Story(
        one_failure, (), "nobody is woken: it healed by itself within two minutes.", eras=ALL_ERAS
    ),
    Story(
        bad_image,
        ("opened", "ongoing", "resolved"),
        "told at once with Mesos' cause, once more since it goes on, and that it is over.",
        eras=LAST_AND_FIRST,
    ),
    Story(
        out_of_memory,
        ("opened", "ongoing", "ongoing", "resolved"),
        "four messages, however often it fails; each says how often.",
    ),
    Story(
        out_of_memory_every_20_minutes,
        ("opened", "ongoing", "ongoing", "resolved"),
        "told at the fourth failure within two hours, then by the schedule, and its end when it "
        "has run for twice its usual time.",
        until=timedelta(hours=1),
    ),
    Story(
        back_off,
        ("opened", *["ongoing"] * 3),
        "four messages in nine hours, and never that it has recovered: nothing runs.",
    ),
    Story(
        ends_with_0,
        ("opened", "ongoing", "ongoing"),
        "an app is meant to run, so its end with status 0 is one like any other; the message also "
        "tells of the deployment, which is no incident of its own.",
        until=timedelta(hours=1),
        eras=LAST_AND_FIRST,
    ),
    Story(
        killed_in_staging,
        ("opened", "ongoing", "ongoing"),
        "nobody asked for these kills: the tasks did not run in time.",
    ),
    Story(
        lost_agent,
        ("opened", "resolved"),
        "one message for the agent, one for its end, a quarter of an hour after they run again.",
    ),
    Story(
        lost_and_replaced_at_once, (), "nobody is woken: another one runs in its place.", SINCE_14
    ),
    Story(lost_and_back, (), "nobody is woken: they were not lost after all.", eras=ALL_ERAS),
    Story(race_for_an_offer, (), "nobody is woken: the next try runs."),
    Story(drained_agents, (), "nobody is woken: an operator asked for it.", SINCE_14),
    Story(ended_143_after_killing, (), "nobody is woken: they were asked to end.", eras=ALL_ERAS),
    Story(
        scaled_to_0,
        ("opened", "resolved"),
        "told once, and then that it was stopped; not that it has recovered, nor that it is still "
        "failing.",
        eras=LAST_AND_FIRST,
    ),
    Story(
        flapping_check, (), "nobody is woken: the one that was killed was replaced.", eras=ALL_ERAS
    ),
    Story(
        killed_for_one_of_three_checks,
        ("opened", "resolved"),
        "the message names the check and Marathon's reason.",
        eras=LAST_AND_FIRST,
    ),
    Story(check_that_never_kills, (), "nobody is woken: Marathon says that it is healthy."),
    Story(
        unhealthy_and_well_again,
        ("opened", "resolved"),
        "told after five minutes; then that it has recovered, not that it is still unhealthy.",
    ),
    Story(
        pod_of_three_containers,
        (),
        "nobody is woken: three containers are one instance, which was replaced.",
        SINCE_14,
    ),
    Story(
        deployment_that_hangs,
        ("opened", "ongoing", "ongoing"),
        "somebody hears after a quarter of an hour, since no event will ever say it.",
        until=timedelta(hours=2),
    ),
    Story(
        stuck_and_cancelled,
        ("opened", "resolved"),
        "told when it stood still, and that it was cancelled; the cancelling itself is no news.",
    ),
    Story(failed_deployment, ("opened",), "told at once, with its story."),
    Story(failed_and_succeeded, (), "it was cancelled, and another one took its place."),
    Story(
        rolled_back,
        ("opened",),
        "the rollback is told of, by nobody known: the request next to it has another version.",
    ),
    Story(refused_change, (), "nobody is woken: who asked for it has the answer."),
    Story(
        mesos_lost_for_a_minute_and_for_20,
        ("opened", "ongoing", "resolved"),
        "a minute heals by itself, twenty do not.",
    ),
    Story(
        mesos_lost_30_times,
        ("opened", "ongoing", "ongoing", "resolved"),
        "one incident; each message says how often.",
    ),
    Story(
        nothing_launches,
        ("opened", "ongoing", "resolved"),
        "told why nothing launches, as a sentence; the deployment is part of it.",
    ),
]
