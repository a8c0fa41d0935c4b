"""What people hear: how much, how soon, and in which words, whatever happens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest

from chalicelib.records import alert
from chalicelib.records.alert import Facts, Sender
from chalicelib.records.incident import Incident
from chalicelib.services import aws
from chalicelib.telling import NotTold
from local.functions import A_MINUTE_HAS_PASSED, Context
from tests.support import cluster
from tests.support.cluster import Deployment, at, failed_check, healthy, task
from tests.support.faults import Handler, answer, injected, no_connection, silence
from tests.support.night import Night, at_call, attributes

WEB = "/shop/web"


@pytest.fixture
def night(stage: Stage) -> Night:
    return Night(stage)


def states(night: Night) -> list[str]:
    return [attributes(message)["state"] for _, message in night.heard]


def subjects(night: Night) -> list[str]:
    return [message["Subject"] for _, message in night.heard]


@contextmanager
def reads() -> Iterator[list[str]]:
    """The calls to the table meanwhile."""
    seen: list[str] = []

    def note(model: Any, **kwargs: Any) -> None:
        seen.append(model.name)

    events = aws.dynamodb().meta.events
    events.register("before-call", note)
    try:
        yield seen
    finally:
        events.unregister("before-call", note)


def test_a_crash_loop_of_an_hour_is_four_messages(night: Night) -> None:
    # make bench plays one of a thousand failures.
    night.play(task(at("01:00:00", 30 * n), WEB, n, "TASK_FAILED", "exit 1")[0] for n in range(120))
    assert subjects(night) == [
        "[prod] /shop/web is failing: 3 tasks in 1 minute",
        "[prod] /shop/web is still failing: 33 tasks in 16 minutes",
        "[prod] /shop/web is still failing: 120 tasks in 1 hour",
        "[prod] /shop/web: nothing more for 15 minutes (120 tasks failed in 1 hour)",
    ]


@pytest.mark.parametrize(("second", "apps"), [(0, 12), (19, 12), (21, 12), (40, 60)])
def test_apps_that_fail_within_a_minute_are_two_messages(
    second: int, apps: int, night: Night
) -> None:
    step = 59.9 / apps  # they fail evenly over a minute, whenever in it watch looks
    night.play(
        task(at("01:00:00", second + step * n), f"/app-{n:03d}", n, "TASK_FAILED", "no", "node-3")[
            0
        ]
        for n in range(apps)
    )
    assert states(night) == ["began", "over"]
    assert subjects(night)[0] == f"[prod] {apps} apps are failing, all on node-3.example.net"
    assert len(json.loads(attributes(night.heard[0][1])["apps"])) == min(apps, 100)


def test_nothing_open_is_one_read_however_much_is_stored(night: Night) -> None:
    with reads() as few:
        night.look()
    night.store(task(at("00:00:00", n), f"/app-{n}", n, "TASK_RUNNING")[0] for n in range(200))
    night.note()
    with reads() as many:
        night.look()
    assert few == many == ["Query"]
    assert night.heard == []


def test_alerts_is_not_called_for_what_is_neither_warning_nor_error(night: Night) -> None:
    night.store(
        [*task(at("00:00:01"), WEB, 1, "TASK_RUNNING"), *healthy(at("00:00:02"), WEB, 1, True)]
    )
    assert night.alerts.fetch() == []
    night.store(
        [failed_check(at("00:00:03"), WEB, 1), *task(at("00:00:04"), WEB, 1, "TASK_FAILED")]
    )
    kinds = [each["dynamodb"]["NewImage"]["severity"]["S"] for each in night.alerts.fetch()]
    assert sorted(kinds) == ["error", "error", "warning"]


def test_a_batch_is_one_write_for_each_subject_and_resumes_where_the_table_failed(
    night: Night,
) -> None:
    row = [task(at("00:00:00", n), f"/app-{n % 3}", n, "TASK_FAILED")[0] for n in range(12)]
    night.store(row)
    batch = night.alerts.fetch()
    numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
    subjects = [each["dynamodb"]["Keys"]["pk"]["S"] for each in batch]
    second = next(n for n, each in enumerate(subjects) if each != subjects[0])
    with reads() as calls, injected(aws.dynamodb(), "UpdateItem", _after_one(no_connection)):
        failures = night.functions.alerts({"Records": batch}, Context())["batchItemFailures"]
    assert failures == [{"itemIdentifier": numbers[second]}]
    with reads() as calls:
        night.note()
    assert calls.count("UpdateItem") == 3  # one of them finds that it was noted before
    assert [each.subject for each in night.stage.incidents.all()] == [
        f"app:/app-{n}" for n in range(3)
    ]


def _after_one(fault: Handler) -> Handler:
    """A fault that comes from the second call on."""
    seen: list[Any] = []

    def handler(request: Any, **kwargs: Any) -> Any:
        seen.append(request)
        return fault(request, **kwargs) if len(seen) > 1 else None

    return handler


def test_warnings_are_told_if_they_last(night: Night) -> None:
    short = [failed_check(at("01:00:00", 30 * n), WEB, 1) for n in range(9)]
    night.play(short)
    assert night.heard == []
    night.play([failed_check(at("02:00:00", 30 * n), WEB, 1) for n in range(13)])
    assert subjects(night) == [
        "[prod] /shop/web is unhealthy: 11 failed health checks in 5 minutes",
        "[prod] /shop/web: nothing more for 15 minutes (13 failed health checks in 6 minutes)",
    ]


def test_what_comes_a_day_late_is_told_once(night: Night) -> None:
    night.store(task(at("00:10:00", -86_400), WEB, 1, "TASK_FAILED"))
    night.now = at("00:10:00")
    night.note()
    for minute in range(40):
        night.now = at("00:10:00", 60 * minute)
        night.look()
    assert states(night) == ["began", "over"]
    assert "2026-03-01" in night.heard[0][1]["Message"]


@pytest.mark.parametrize(
    "fault", [answer("Throttled"), answer("InternalError", 500), no_connection]
)
def test_if_sns_refuses_the_next_look_tells(fault: Handler, night: Night) -> None:
    night.store(task(at("00:10:00"), WEB, 1, "TASK_FAILED"))
    night.note()
    night.now = at("00:12:00")
    with injected(aws.sns(once=True), "PublishBatch", fault), pytest.raises(NotTold):
        night.look()
    night.now = at("00:13:00")
    night.look()
    assert states(night) == ["began"]


def test_if_sns_does_not_answer_nobody_hears_it_twice(night: Night) -> None:
    night.store(task(at("00:10:00"), WEB, 1, "TASK_FAILED"))
    night.note()
    night.now = at("00:12:00")
    with injected(aws.sns(once=True), "PublishBatch", silence), pytest.raises(NotTold):
        night.look()
    for minute in range(13, 30):
        night.now = at("00:00:00", 60 * minute)
        night.look()
    assert states(night) == ["over"]


@pytest.mark.parametrize("call", range(1, 6))
def test_what_comes_while_an_end_is_told_is_told(call: int, night: Night) -> None:
    night.store(task(at("00:10:00"), WEB, 1, "TASK_FAILED"))
    night.now = at("00:10:00")
    night.note()
    night.now = at("00:12:00")
    night.look()

    def fail_again() -> None:
        night.store(task(at("00:25:30"), WEB, 2, "TASK_FAILED"))
        night.note()

    night.now = at("00:25:30")
    with at_call("before-call", call, fail_again):
        night.look()
    for minute in range(26, 45):
        night.now = at("00:00:00", 60 * minute)
        night.look()
    assert states(night)[0] == "began"
    assert states(night)[-1] == "over"
    told = "".join(message["Message"] for _, message in night.heard[1:])
    assert "00:25:30" in told


def test_one_that_can_not_be_told_does_not_keep_the_others_silent(night: Night) -> None:
    for app in ("/a", "/b", "/c"):
        night.store(task(at("00:10:00"), app, 1, "TASK_FAILED"))
    night.note()
    night.now = at("00:12:00")
    broken = client("dynamodb").update_item
    broken(
        TableName=night.stage.table_name,
        Key={"pk": {"S": "#trouble"}, "sk": {"S": "prod|app:/b"}},
        UpdateExpression="SET since = :no",
        ExpressionAttributeValues={":no": {"S": "no time"}},
    )
    with pytest.raises(NotTold, match="1 messages"):
        night.functions.watch(A_MINUTE_HAS_PASSED, Context())
    night.hear()
    assert len(night.heard) == 2


def test_a_deployment_that_another_replaced_is_silent(night: Night) -> None:
    begun = at("01:00:00")
    first, second = Deployment("one", begun, WEB), Deployment("two", at("01:02:00"), WEB)
    row = [first.step(begun), first.failed(at("01:04:00")), second.step(at("01:05:30"))]
    night.play(row)
    assert night.heard == []
    assert night.stage.incidents.all() == []


def test_many_deployments_and_apps_at_once_are_one_message_each(night: Night) -> None:
    begun = at("01:00:00")
    failed = [Deployment(f"d{n}", begun, f"/app-{n}") for n in range(6)]
    row = [each.failed(at("01:01:00"), "No offers") for each in failed]
    row += [task(begun, f"/app-{n}", n, "TASK_FAILED")[0] for n in range(6)]
    night.play(row)
    assert subjects(night) == [
        "[prod] 6 apps are failing, all on node-7.example.net",
        "[prod] 6 deployments failed, or were cancelled and not replaced",
        "[prod] Nothing more for 15 minutes: 6 apps were failing, all on node-7.example.net",
    ]


def test_a_silent_cluster_that_is_forgotten_is_no_incident(night: Night) -> None:
    night.functions.watching().silence = timedelta(minutes=10)
    night.stage.clusters.claim(cluster.registered())
    night.store(task(at("00:00:10"), WEB, 1, "TASK_RUNNING"))
    night.now = at("00:30:00")
    night.look()
    assert [each.subject for each in night.stage.incidents.all()] == ["marathon"]
    night.functions.watching().silence = timedelta(0)
    night.look()
    assert night.stage.incidents.all() == []
    assert states(night) == ["began"]


def test_hostile_text_is_one_visible_line() -> None:
    path = "/a\n\u202eb\x1b[31m" + "x" * 300
    title = "Task failed: \r\nSubject: you won\u2028https://user:secret@example.net/"
    incident = Incident(
        "prod",
        f"app:{path}",
        "2026-03-02T01:00:00.000Z",
        "2026-03-02T01:00:00.000Z",
        "error",
        title,
    )
    sent = alert.of_one("began", incident, Facts([], words=title), Sender("prod", "https://x/prod"))
    assert "secret" not in sent.message
    assert all(line.isprintable() for line in sent.message.split("\n"))
    assert len(sent.message.split("\n")) < 12
    assert sent.subject.isascii()
    assert len(sent.subject) < 100


def test_no_secret_is_in_any_message_and_no_id_before_the_last_line(night: Night) -> None:
    begun = at("01:00:00")
    bad = Deployment("bad", begun, WEB)
    night.play(
        [
            cluster.submitted(at("00:30:00"), WEB, "shop/web:1"),
            cluster.submitted(begun, WEB, "shop/web:2"),
            bad.step(at("01:00:00", 0.1)),
            *task(at("01:00:20"), WEB, 1, "TASK_FAILED", "exit 1"),
            bad.failed(at("01:03:00"), "No offers"),
        ]
    )
    assert len(night.heard) == 3
    for _, message in night.heard:
        *lines, last = message["Message"].rstrip("\n").split("\n")
        assert not any("instance-" in line or bad.id in line for line in lines)
        assert last.startswith(("Newest event: ", "Deployment "))
        assert not any(word in message["Message"] for word in ("hunter2", "correct", "./serve"))
        assert message["Subject"].startswith("[prod] ")
