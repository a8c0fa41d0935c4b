"""Lives: the same from the events in any order, doubled, and with a companion left out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import times
from chalicelib.marathon import ids
from chalicelib.records.lives import History, history
from chalicelib.records.record import Record
from tests.support.cluster import ERAS, Deployment, Era, Event, at, event, flat, submitted
from tests.support.night import record_at

WEB = "/shop/web"
UUID = "5b1c1f0e-5c5d-11ea-8f1c-0a1b2c3d4e5f"


def lives(*events: Event | list[Event]) -> History:
    return history(records(flat(*events)))


def records(events: Iterable[Event]) -> list[Record]:
    return [record_at(each, times.from_iso(each["timestamp"])) for each in events]


@dataclass(frozen=True)
class Kind:
    """What of a life must not depend on which of its events came."""

    ran: bool
    unhealthy: bool
    asked: bool
    ended: bool
    failed: bool


def kinds(found: History) -> list[Kind]:
    return [
        Kind(bool(e.ran), bool(e.unhealthy), bool(e.asked), bool(e.end), e.failed)
        for e in found.lives
    ]


@pytest.mark.parametrize(
    "id_",
    [
        f"shop_web.{UUID}",
        f"shop_web.{UUID}.3",
        f"shop_web.marathon-{UUID}",
        f"shop_web.marathon-{UUID}._app.1",
        f"shop_web.instance-{UUID}",
        f"shop_web.instance-{UUID}._app.12",
        f"shop_web.instance-{UUID}.side.car",
        f"shop_web.instance-{UUID}.$anon",
        f"shop_web.instance-{UUID.upper()}.proxy.2",
    ],
)
def test_all_ids_of_one_instance_are_one_life(id_: str) -> None:
    assert ids.life_of(id_) == UUID


def test_ids_of_the_first_versions_are_lives_of_their_own() -> None:
    first, second = "web_0-1388534400123", "web_1-1388534400123"
    assert ids.life_of(first) == first != ids.life_of(second)


_STATES = st.sampled_from(
    ["TASK_STAGING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED", "TASK_FAILED", "TASK_FINISHED"]
)
_STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 400), _STATES), max_size=14)


def _played(era: Era, steps: list[tuple[int, int, str]]) -> list[Event]:
    """Events of some instances, each some seconds after the one before."""
    row: list[list[Event]] = []
    time = 0
    ended: set[int] = set()
    for n, pause, state in steps:
        time += pause
        if n in ended:
            continue
        if state in ("TASK_KILLED", "TASK_FAILED", "TASK_FINISHED"):
            ended.add(n)
        row.append(era.task(at("01:00:00", time), WEB, n, state))
    return flat(*row)


@given(_STEPS, st.sampled_from(sorted(ERAS)), st.randoms(use_true_random=False))
def test_order_and_repeats_of_events_change_nothing(
    steps: list[tuple[int, int, str]], era: str, random: object
) -> None:
    found = records(_played(ERAS[era], steps))
    mixed = [*found, *found[::2]]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert history(mixed) == history(found)


@given(_STEPS, st.sampled_from(["1.5", "1.8"]))
def test_either_companion_alone_tells_the_same(steps: list[tuple[int, int, str]], era: str) -> None:
    found = records(_played(ERAS[era], steps))
    whole = kinds(history(found))
    for kind in ("status_update_event", "instance_changed_event"):
        assert kinds(history(each for each in found if each.type != kind)) == whole


@pytest.mark.parametrize("era", ERAS.values(), ids=ERAS)
def test_one_failure_is_one_failure(era: Era) -> None:
    found = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.task(at("01:10:00"), WEB, 1, "TASK_FAILED"),
        era.task(at("01:10:12"), WEB, 2, "TASK_RUNNING"),
    )
    assert len(found.failures) == 1
    assert list(found.replaced.values()) == [at("01:10:12")]
    assert len(found.running) == 1


def test_each_try_of_a_resident_task_is_a_life() -> None:
    era = ERAS["1.5"]
    tries = [
        {**each, "taskId": f"{each['taskId']}.{n}"} if "taskId" in each else each
        for n in range(3)
        for each in flat(
            era.task(at("01:00:00", 60 * n), WEB, 1, "TASK_STAGING"),
            era.task(at("01:00:05", 60 * n), WEB, 1, "TASK_RUNNING"),
            era.task(at("01:00:30", 60 * n), WEB, 1, "TASK_FAILED"),
        )
    ]
    assert len(lives(tries).failures) == 3


def test_a_kill_for_failed_checks_is_a_failure_and_any_other_is_not() -> None:
    era = ERAS["1.8"]
    by_marathon = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.killed_for_health(at("01:00:40"), WEB, 1, "503"),
        era.task(at("01:00:42"), WEB, 1, "TASK_KILLED"),
    )
    by_mesos = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.healthy(at("01:00:40"), WEB, 1, False),
        era.task(at("01:00:42"), WEB, 1, "TASK_KILLED"),
    )
    by_somebody = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.healthy(at("01:00:40"), WEB, 1, True),
        era.task(at("01:00:42"), WEB, 1, "TASK_KILLED"),
    )
    assert [each.way for each in by_marathon.failures] == ["unhealthy"]
    assert [each.way for each in by_mesos.failures] == ["unhealthy"]
    assert by_somebody.failures == ()
    assert by_somebody.stopped


@pytest.mark.parametrize(
    ("status", "message", "failed"),
    [
        ("TASK_FAILED", "Container exited with status 143", False),
        ("TASK_FAILED", "Container exited with status 1", True),
        ("TASK_FINISHED", "", False),
        ("TASK_LOST", "", True),
    ],
)
def test_tasks_that_a_deployment_stops_did_not_fail_unless_their_end_says_so(
    status: str, message: str, failed: bool
) -> None:
    era = ERAS["1.3"]
    deployment = Deployment("restart", at("01:10:00"), WEB)
    found = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        deployment.step(at("01:10:00")),
        era.task(at("01:10:30"), WEB, 1, status, message),
        deployment.succeeded(at("01:11:00")),
    )
    assert bool(found.failures) is failed


def test_tasks_that_a_deployment_launched_are_not_stopped_by_it() -> None:
    era = ERAS["1.3"]
    deployment = Deployment("restart", at("01:10:00"), WEB)
    found = lives(
        deployment.step(at("01:10:00")),
        era.task(at("01:10:05"), WEB, 2, "TASK_RUNNING"),
        era.task(at("01:10:30"), WEB, 2, "TASK_FINISHED"),
    )
    assert [each.way for each in found.failures] == ["finished"]


def test_health_results_after_an_end_or_a_kill_are_about_nothing() -> None:
    era = ERAS["1.5"]
    found = lives(
        era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"),
        era.task(at("01:10:00"), WEB, 1, "TASK_KILLING"),
        era.healthy(at("01:10:01"), WEB, 1, False),
        era.task(at("01:10:04"), WEB, 1, "TASK_KILLED"),
        era.healthy(at("01:10:04", 0.4), WEB, 1, False),
    )
    assert found.failures == found.unhealthy == ()


def test_an_app_that_wants_no_instance_is_stopped_and_one_that_is_deleted_too() -> None:
    era = ERAS["1.8"]
    row = records(
        flat(
            era.task(at("01:00:00"), WEB, 1, "TASK_FAILED"),
            submitted(at("01:05:00"), WEB, "web:1", instances=0),
        )
    )
    (defined,) = (each for each in row if each.type == "api_post_event")
    assert history(row, {defined.id: 0}).stopped is defined
    assert history(row, {defined.id: 2}).stopped is None
    deleted = event(at("01:06:00"), "app_terminated_event", appId=WEB)
    assert lives(era.task(at("01:00:00"), WEB, 1, "TASK_RUNNING"), deleted).stopped


def test_a_time_after_the_receipt_is_not_believed_and_one_long_before_it_decides_nothing() -> None:
    era = ERAS["1.8"]
    came = at("01:00:00")
    for far in (timedelta(hours=2), timedelta(days=-400), timedelta(days=26_000)):
        (record, _) = (record_at(e, came) for e in era.task(came + far, WEB, 1, "TASK_FAILED"))
        assert came - timedelta(minutes=5) <= record.heard <= came
        assert record.time == min(came + far, came)
