"""What people hear: how much, how soon, and in which words, whatever happens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest

from chalicelib import evidence, story, watch
from chalicelib.judging import Judge
from chalicelib.records import alert, deployment
from chalicelib.records.alert import Context as Told
from chalicelib.records.alert import Facts
from chalicelib.records.incident import Incident
from chalicelib.records.notification import LIMIT_BYTES
from chalicelib.records.record import Record
from chalicelib.records.silence import Silence
from chalicelib.records.timing import TIMING
from chalicelib.sender import NotSent
from chalicelib.services import aws
from local.functions import A_MINUTE_HAS_PASSED, Context, Stream
from local.rehearsal import Heard
from tests.support import cluster
from tests.support.cluster import Deployment, Event, at, event, failed_check, flat, healthy, task
from tests.support.faults import (
    Handler,
    after,
    answer,
    injected,
    no_connection,
    only,
    silence,
    unanswered,
)
from tests.support.night import Night, at_call, every_minute, record_at

WEB = "/shop/web"


@pytest.fixture
def night(stage: Stage) -> Night:
    return Night(stage)


def states(heard: list[Heard]) -> list[str]:
    return [each.state for each in heard]


def titles(heard: list[Heard]) -> list[str]:
    return [each.title for each in heard]


def down(app: str, clock: str = "00:10:00", n: int = 1, host: str = "node-7") -> list[Event]:
    """A task that fails, and that nothing replaces."""
    return task(at(clock), app, n, "TASK_FAILED", "exit 1", host)


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


@pytest.mark.parametrize(("second", "apps"), [(0, 7), (19, 7), (40, 7)])
def test_apps_that_fail_within_a_minute_are_one_message(
    second: int, apps: int, night: Night
) -> None:
    step = 59.9 / apps  # they fail evenly over a minute, whenever in it watch looks
    failed = [
        task(at("01:00:00", second + step * n), f"/app-{n:03d}", n, "TASK_FAILED", "no", "node-3")
        for n in range(apps)
    ]
    (heard,) = night.happen(flat(*failed), timedelta(minutes=10))
    assert heard.title == f"[prod] {apps} apps are failing, all on node-3.example.net"
    assert len(heard.apps) == apps


def storm(*apps: str) -> list[tuple[Incident, Facts]]:
    """Apps that are down."""
    moment = at("01:00:00")
    return [
        (Incident("prod", f"app:{app}", moment, moment, "error"), Facts(moment, moment))
        for app in apps
    ]


def test_every_app_of_a_storm_is_in_its_attribute_and_twenty_in_its_text() -> None:
    apps = [f"/app-{n:03d}" for n in range(30)]
    (made,) = alert.of_many("opened", storm(*apps), Told("prod"))
    assert json.loads(made.apps) == apps
    assert "/app-019 and 10 more" in made.message
    assert "/app-020" not in made.message


def test_a_storm_that_sns_does_not_take_in_one_message_is_sent_in_parts() -> None:
    apps = [f"/{'x' * 400}/app-{n:03d}" for n in range(700)]
    parts = alert.of_many("opened", storm(*apps), Told("prod"))
    assert len(parts) == 2
    assert all(each.size <= LIMIT_BYTES for each in parts)
    assert [app for each in parts for app in json.loads(each.apps)] == apps


def test_where_many_incidents_keep_coming_they_are_gathered(night: Night) -> None:
    row = [
        each
        for n in range(14)
        for each in (
            *task(at("01:00:00", 25 * n), f"/app-{n}", n, "TASK_FAILED"),
            Deployment(f"d{n}", at("01:00:00"), f"/dep-{n}").failed(
                at("01:00:05", 25 * n), "No offers"
            ),
        )
    ]
    heard = night.happen(row, timedelta(minutes=8))
    assert len(heard) <= 10
    told = {app for each in heard for app in each.apps}
    assert told == {f"/{kind}-{n}" for kind in ("app", "dep") for n in range(14)}
    assert any("gathered for 5 minutes" in each.text for each in heard)


def test_a_look_with_nothing_open_is_one_read(night: Night) -> None:
    with reads() as few:
        night.look()
    night.arrive(
        flat(*(task(at("00:00:00", n), f"/app-{n}", n, "TASK_RUNNING") for n in range(30)))
    )
    with reads() as many:
        night.look()
    assert few == many == ["Query"]
    assert night.heard == []


def test_alerts_is_called_for_what_is_bad_or_was_killed_alone(night: Night) -> None:
    stream = Stream(night.functions, night.stage, "alerts")
    calm = [*task(at("00:00:01"), WEB, 1, "TASK_RUNNING"), *healthy(at("00:00:02"), WEB, 1, True)]
    night.arrive(calm)
    assert stream.fetch() == []
    night.arrive(
        [failed_check(at("00:00:03"), WEB, 1), *task(at("00:00:04"), WEB, 1, "TASK_KILLED")]
    )
    brought = [each["dynamodb"]["NewImage"]["type"]["S"] for each in stream.fetch()]
    assert sorted(brought) == [
        "failed_health_check_event",
        "instance_changed_event",
        "status_update_event",
    ]


def test_a_batch_is_one_write_for_each_subject_and_resumes_where_the_table_failed(
    night: Night,
) -> None:
    stream = Stream(night.functions, night.stage, "alerts")
    night.store(
        [
            each
            for n in range(12)
            for each in night.records_of(task(at("00:00:00", n), f"/app-{n % 3}", n, "TASK_FAILED"))
        ]
    )
    batch = list(stream.fetch())
    numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
    subjects = [each["dynamodb"]["Keys"]["pk"]["S"] for each in batch]
    second = next(n for n, each in enumerate(subjects) if each != subjects[0])
    with injected(aws.dynamodb(), "UpdateItem", _after_one(no_connection)):
        failures = night.functions.alerts({"Records": batch}, Context())["batchItemFailures"]
    assert failures == [{"itemIdentifier": numbers[second]}]
    with reads() as calls:
        stream.pump()
    assert calls.count("UpdateItem") <= 4  # the first was noted before
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


def test_a_failing_check_is_told_if_it_lasts(night: Night) -> None:
    short = [
        *(failed_check(at("01:00:00", 30 * n), WEB, 1) for n in range(9)),
        *healthy(at("01:04:40"), WEB, 1, True),
    ]
    assert night.happen(short) == []
    heard = night.happen(
        [
            *healthy(at("01:59:59"), WEB, 1, False),
            *(failed_check(at("02:00:00", 30 * n), WEB, 1) for n in range(13)),
            *healthy(at("02:06:40"), WEB, 1, True),
        ]
    )
    assert titles(heard) == [
        "[prod] /shop/web is unhealthy: 1 instance fails its checks",
        "[prod] /shop/web has recovered: it was bad for 7 minutes",
    ]
    assert "MESOS_HTTP /health on port index 0" in heard[0].text


def test_events_a_day_late_are_judged_by_their_arrival(night: Night) -> None:
    night.now = at("00:10:00")
    night.arrive(down(WEB, "00:10:00"), at("23:59:00"))
    night.look_at(*every_minute(at("23:59:30"), 10))
    assert states(night.heard) == ["opened"]


def test_times_from_outside_give_no_false_all_clear(night: Night) -> None:
    """Two events of 1970 and 2098, and a clock two hours ahead, within a real crash loop."""
    loop: list[Event] = []
    for n in range(47):
        loop += task(at("01:00:00", 60 * n), WEB, n, "TASK_FAILED", "exit 1")
    night.now = at("01:00:00")
    for minute in range(47):
        night.now = at("01:00:00", 60 * minute)
        night.arrive(loop[2 * minute : 2 * minute + 2], night.now)
        if minute == 3:
            for year in ("1970", "2098", "9999"):
                hostile = {**loop[0], "timestamp": f"{year}-12-31T23:59:59.999Z"}
                night.arrive([hostile], night.now)
            night.arrive(task(at("03:03:00"), WEB, 99, "TASK_FAILED"), night.now)
        night.look_at(at("01:00:20", 60 * minute))
    assert states(night.heard) == ["opened", "ongoing"]


def test_one_hostile_event_silences_nobody(night: Night) -> None:
    night.now = at("01:00:00")
    hostile = {
        "eventType": "deployment_failed",
        "id": "d9",
        "timestamp": "9999-12-31T23:59:59.999Z",
    }
    night.arrive([hostile], night.now)
    night.arrive(down(WEB, "01:00:00"))
    night.look_at(*every_minute(at("01:00:20"), 12))
    assert "[prod] /shop/web is failing: 1 instance failed, not replaced" in titles(night.heard)


@pytest.mark.parametrize(
    "fault", [answer("Throttled"), answer("InternalError", 500), no_connection]
)
def test_if_sns_refuses_the_next_look_tells(fault: Handler, night: Night) -> None:
    night.arrive(down(WEB))
    night.now = at("00:12:20")
    with injected(aws.sns(once=True), "PublishBatch", fault), pytest.raises(NotSent):
        night.functions.watch(A_MINUTE_HAS_PASSED, Context())
    night.look_at(at("00:13:20"))
    assert states(night.heard) == ["opened"]
    assert "You may have heard this" not in night.heard[0].text


def test_a_phone_gets_the_title_in_one_sms_and_the_others_the_text(night: Night) -> None:
    asked: list[Any] = []

    def note(params: dict[str, Any], **kwargs: Any) -> None:
        asked.extend(params["PublishBatchRequestEntries"])

    hooks = aws.sns(once=True).meta.events
    hooks.register("provide-client-params.sns.PublishBatch", note)
    try:
        night.happen(down(f"/shop/{'wéb' * 60}"))
    finally:
        hooks.unregister("provide-client-params.sns.PublishBatch", note)
    heard, entry = night.heard[0], asked[0]
    said = json.loads(entry["Message"])
    assert entry["MessageStructure"] == "json"
    assert said.keys() == {"default", "sms"}
    assert said["default"] == heard.text
    assert said["sms"].startswith("[prod] ...?bw?b")
    assert said["sms"].endswith("w?b... is failing: 1 instance failed, not replaced")
    assert said["sms"].isascii()
    assert len(said["sms"]) <= 140


@pytest.mark.parametrize(("fault", "came"), [(silence, 0), (unanswered, 1)])
def test_if_sns_does_not_answer_it_is_sent_once_more_and_says_so(
    fault: Handler, came: int, night: Night
) -> None:
    """It came already where SNS had taken it."""
    night.arrive(down(WEB))
    night.now = at("00:12:20")
    with injected(aws.sns(once=True), "PublishBatch", fault), pytest.raises(NotSent):
        night.functions.watch(A_MINUTE_HAS_PASSED, Context())
    night.look_at(*every_minute(at("00:13:20"), 10))
    assert states(night.heard) == ["opened"] * (came + 1)
    assert night.heard[-1].text.startswith("You may have heard this already")


@pytest.mark.parametrize("call", range(1, 4))
def test_people_are_notified_though_an_answer_of_the_table_is_lost(call: int, night: Night) -> None:
    """The SDK writes again, and what it wrote is not what was there."""
    night.arrive(down(WEB))
    night.now = at("00:12:20")
    with injected(aws.dynamodb(), "UpdateItem", after(only(unanswered, 1), call - 1)):
        night.look()
    night.look_at(*every_minute(at("00:13:20"), 10))
    assert set(states(night.heard)) == {"opened"}
    *_, last = night.heard
    assert len(night.heard) == 1 or last.text.startswith("You may have heard this already")


@pytest.mark.parametrize("call", range(1, 7))
def test_a_failure_during_a_resolved_message_is_notified(call: int, night: Night) -> None:
    night.arrive(down(WEB))
    night.look_at(at("00:12:20"))
    night.now = at("00:14:00")
    night.arrive(task(at("00:14:00"), WEB, 2, "TASK_RUNNING"))
    night.now = at("00:25:20")

    def fail_again() -> None:
        night.arrive(task(at("00:25:10"), WEB, 3, "TASK_FAILED"))

    with at_call("before-call", call, fail_again):
        night.look()
    night.look_at(*(at("00:26:20", 300 * n) for n in range(13)))
    assert "00:25:10" in "".join(each.text for each in night.heard)
    assert night.heard[-1].state != "resolved"  # it is down


@pytest.mark.parametrize("ago", [0, 40])  # what was spilled comes late
@pytest.mark.parametrize("call", [4, 5, 6])
def test_a_failure_while_an_incident_is_dropped_is_notified(
    call: int, ago: int, night: Night
) -> None:
    failed = at("00:12:00")
    night.arrive(task(failed, WEB, 1, "TASK_FAILED"), failed)
    night.arrive(task(failed, WEB, 2, "TASK_RUNNING"), failed)
    night.now = at("00:12:20")

    def fail_again() -> None:
        late = failed - timedelta(seconds=ago)
        night.arrive(task(late, WEB, 3, "TASK_FAILED"), late)

    with at_call("before-call", call, fail_again):
        night.look()
    night.look_at(*every_minute(at("00:13:20"), 10))
    assert states(night.heard) == ["opened"]


def test_an_incident_that_fails_to_be_notified_does_not_hold_up_others(night: Night) -> None:
    for app in ("/a", "/b", "/c"):
        night.arrive(down(app))
    client("dynamodb").update_item(
        TableName=night.stage.table_name,
        Key={"pk": {"S": "#open"}, "sk": {"S": "incident|prod|app:/b"}},
        UpdateExpression="SET since = :no",
        ExpressionAttributeValues={":no": {"S": "no time"}},
    )
    night.look_at(at("00:12:20"))
    assert sorted(each.apps[0] for each in night.heard) == ["/a", "/c"]


def test_errors_are_logged_without_the_secrets_of_events(
    night: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> str:
        raise ValueError(f"https://u:s3cret@h/ is no number {'x' * 10_000}")

    night.arrive(down(WEB))
    monkeypatch.setattr(evidence, "newest", fail)
    night.now = at("00:12:20")
    with pytest.raises(NotSent):
        night.functions.watch(A_MINUTE_HAS_PASSED, Context())
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "not notified" in each]
    assert "https://***@h/ is no number" in line
    assert len(line) < 600


def test_a_failure_within_a_day_reopens_the_incident(night: Night) -> None:
    for n, clock in enumerate(("01:00:00", "01:40:00", "03:30:00")):
        row = [down(WEB, clock, 10 * n + k) for k in range(4)]
        night.happen(
            [
                *flat(*row),
                *(
                    e
                    for k in range(4)
                    for e in task(at(clock, 60), WEB, 10 * n + 5 + k, "TASK_RUNNING")
                ),
            ],
            timedelta(minutes=85),
        )
    opened = [each for each in night.heard if each.state == "opened"]
    assert "third time since 01:01" in opened[2].text


def test_there_are_at_most_four_messages_in_two_hours(night: Night) -> None:
    """Whatever the rhythm: here two failures every 17 minutes."""
    row = [
        each
        for n in range(8)
        for k in range(2)
        for each in (
            *task(at("01:00:00", 1020 * n + 2 * k), WEB, 10 * n + k, "TASK_FAILED"),
            *task(at("01:00:30", 1020 * n + k), WEB, 10 * n + k + 5, "TASK_RUNNING"),
        )
    ]
    heard = night.happen(row, timedelta(minutes=60))
    for each in heard:
        assert sum(each.at <= other.at < each.at + timedelta(hours=2) for other in heard) <= 4


def test_a_deployment_that_another_replaced_is_silent(night: Night) -> None:
    begun = at("01:00:00")
    first, second = Deployment("one", begun, WEB), Deployment("two", at("01:02:00"), WEB)
    row = [first.step(begun), first.failed(at("01:04:00")), second.step(at("01:05:30"))]
    row += [second.stepped(at("01:06:30")), second.succeeded(at("01:06:30"))]
    assert night.happen(row) == []
    assert night.stage.incidents.all() == []


@pytest.mark.parametrize("apps", [3, 40])
def test_a_replaced_deployment_is_found_however_many_apps_it_has(apps: int, night: Night) -> None:
    names = [f"/app-{n:02d}" for n in range(apps)]
    first = Deployment("one", at("01:00:00"), *names)
    second = Deployment("two", at("01:03:00"), names[-1])
    row = [first.step(at("01:00:00")), first.failed(at("01:02:00")), second.step(at("01:03:00"))]
    row += [second.stepped(at("01:06:30")), second.succeeded(at("01:06:30"))]
    assert night.happen(row) == []


def test_however_many_deployments_follow_a_bounded_part_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of each of them a line, up to a bound; of the large ones some are read whole."""
    begun = at("01:00:00")
    lines: list[str] = []

    class Following:
        def deployments(self, *_: Any) -> Iterator[tuple[str, deployment.Facts]]:
            for n in range(20_000):
                lines.append(f"d{n:02}")
                if n == 3:
                    yield "", deployment.Facts("small", begun, (WEB,))
                else:
                    yield "", deployment.Facts(lines[-1], begun, ("/x",), apps_omitted=9)

    read: list[str] = []
    monkeypatch.setattr(story, "of_deployment", lambda _store, _cluster, id_: read.append(id_))
    told: Any = SimpleNamespace(id="one", cluster="prod", apps=[WEB], ended_at=begun)
    store: Any = Following()
    assert evidence.followers(store, told, begun) == ["small"]
    assert len(read) == 10
    assert len(lines) == evidence.MOST_ROWS


def test_however_many_have_followed_few_stories_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, now = at("01:00:00"), at("03:00:00")
    read: list[str] = []

    def of_deployment(_store: Any, _cluster: str, id_: str) -> Any:
        read.append(id_)
        return SimpleNamespace(id=id_, state="failed", reason="No offers", apps=[WEB], steps=[])

    monkeypatch.setattr(story, "of_deployment", of_deployment)
    monkeypatch.setattr(evidence, "followers", lambda *_: [f"d{n}" for n in range(1000)])
    incident = Incident("prod", "deployment:one", begun, begun, "error", opened_at=begun)
    open_: Any = SimpleNamespace(incidents=[], deployments=[])
    store: Any = None
    Judge(store, open_, now, TIMING).judge(replace(incident, state="opened"))
    assert read == ["one", *(f"d{n}" for n in range(5))]


def test_a_long_timeline_is_read_in_part_and_the_message_says_so() -> None:
    rows: list[str] = []
    failed = record_at(down(WEB)[-1], at("02:00:00"))

    class Long:
        def timeline(self, _cluster: str, subject: str, *_: Any, **__: Any) -> Iterator[Record]:
            for n in range(20_000) if subject == f"app:{WEB}" else ():
                rows.append(subject)
                yield replace(failed, id=f"{failed.id}{n}")

    store: Any = Long()
    found = evidence.read(store, "prod", f"app:{WEB}", at("00:00:00"))
    assert not found.complete
    assert len(rows) == evidence.MOST_ROWS + 1  # one more tells that there are more


def test_a_look_without_time_leaves_the_rest_to_the_next(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.arrive([*down("/a"), *down("/b")])
    with monkeypatch.context() as patched:
        patched.setattr(watch, "_SECONDS", 0.0)
        night.look_at(at("00:12:20"))
    assert night.heard == []
    night.look_at(at("00:13:20"))
    assert sorted(each.apps[0] for each in night.heard) == ["/a", "/b"]


def test_no_cluster_takes_another_clusters_time() -> None:
    now = 100.0
    whole = evidence.Budget(30.0, lambda: now)
    first = whole.share(3)
    now = 109.0
    assert not first.is_spent
    now = 110.0
    assert first.is_spent
    now = 118.0  # what it had begun took longer
    second = whole.share(2)
    now = 124.0
    assert second.is_spent
    assert not whole.is_spent
    now = 131.0
    assert whole.share(1).is_spent


def test_a_failed_deployment_is_over_when_a_later_one_succeeds(night: Night) -> None:
    first, second = Deployment("one", at("01:00:00"), WEB), Deployment("two", at("01:20:00"), WEB)
    row = [first.step(at("01:00:00")), first.failed(at("01:02:00"), "No offers")]
    row += [second.step(at("01:20:00")), second.stepped(at("01:21:00"))]
    heard = night.happen([*row, second.succeeded(at("01:21:00"))], timedelta(hours=2))
    assert states(heard) == ["opened", "resolved"]
    assert heard[1].title == "[prod] Over: deployment failed: /shop/web"
    assert "A later deployment has succeeded." in heard[1].text


def test_a_failed_deployment_that_none_followed_is_over_after_a_day(night: Night) -> None:
    failed = Deployment("one", at("01:00:00"), WEB).failed(at("01:02:00"), "No offers")
    night.arrive([failed])
    night.look_at(at("01:03:20"), at("01:33:20"), at("25:03:20"), at("25:33:20"))
    assert states(night.heard) == ["opened", "resolved"]
    assert "No later one has succeeded" in night.heard[1].text


def test_a_deployment_that_stands_still_is_over_when_it_moves(night: Night) -> None:
    stuck = Deployment("stuck", at("01:00:00"), WEB, "/shop/db")
    row = [stuck.step(at("01:00:00")), stuck.stepped(at("01:20:00")), stuck.step(at("01:20:00"), 2)]
    row += [stuck.stepped(at("01:22:00"), 2), stuck.succeeded(at("01:22:00"))]
    heard = night.happen(row)
    assert states(heard) == ["opened", "resolved"]
    assert "has not moved for 15 minutes" in heard[0].title


def test_many_deployments_at_once_are_one_message(night: Night) -> None:
    failed = [Deployment(f"d{n}", at("01:00:00"), f"/app-{n}") for n in range(6)]
    (heard,) = night.happen([each.failed(at("01:01:00"), "No offers") for each in failed])
    assert heard.title == "[prod] 6 deployments failed, were cancelled, or stand still"


def test_a_silenced_incident_is_seen_and_told_when_the_silence_ends(night: Night) -> None:
    quiet = Silence("s1", at("00:00:00"), at("00:40:00"), "new rack", "ada", apps=("/shop/*",))
    night.stage.incidents.add_silence(quiet)
    night.arrive([*down(WEB), *down("/other")])
    night.look_at(*every_minute(at("00:12:20"), 25))
    assert {each.apps[0] for each in night.heard} == {"/other"}
    (covered,) = (each for each in night.stage.incidents.all() if each.path == WEB)
    assert covered.silenced_until == at("00:40:00")
    night.look_at(at("00:40:20"))
    last = night.heard[-1]
    assert (last.apps, last.state) == ([WEB], "opened")
    assert "A silence covered it until now." in last.text
    assert "00:10:00" in last.text


def test_an_incident_opened_and_resolved_in_a_silence_is_not_notified(night: Night) -> None:
    quiet = Silence("s1", at("00:00:00"), at("00:40:00"), "new rack", "ada", ("prod",))
    night.stage.incidents.add_silence(quiet)
    night.arrive(down(WEB))
    night.look_at(*every_minute(at("00:12:20"), 5))
    night.arrive(task(at("00:20:00"), WEB, 2, "TASK_RUNNING"), at("00:20:00"))
    night.look_at(*(at("00:20:20", 300 * n) for n in range(12)))
    assert night.heard == []
    assert night.stage.incidents.all() == []


def test_a_known_incident_resolved_in_a_silence_is_notified_after_it(night: Night) -> None:
    night.arrive(down(WEB))
    night.look_at(at("00:12:20"))
    quiet = Silence("s1", at("00:13:00"), at("00:50:00"), "new rack", "ada", ("prod",))
    night.stage.incidents.add_silence(quiet)
    night.arrive(task(at("00:20:00"), WEB, 2, "TASK_RUNNING"), at("00:20:00"))
    night.look_at(at("00:20:20"), at("00:28:20"), at("00:36:20"), at("00:49:20"))
    assert states(night.heard) == ["opened"]
    night.look_at(at("00:50:20"), at("00:51:20"))
    assert states(night.heard) == ["opened", "resolved"]


def test_a_silence_that_is_ended_early_covers_nothing_any_more(night: Night) -> None:
    quiet = Silence("s1", at("00:00:00"), at("10:00:00"), "new rack", "ada")
    night.stage.incidents.add_silence(quiet)
    night.arrive(down(WEB))
    night.look_at(*every_minute(at("00:12:20"), 3))
    assert night.heard == []
    night.stage.incidents.end_silence(quiet, at("00:15:00"))
    night.look_at(at("00:15:20"))
    assert states(night.heard) == ["opened"]


def test_each_alert_that_was_sent_is_kept(night: Night) -> None:
    heard = night.happen([*down(WEB), *task(at("00:14:00"), WEB, 2, "TASK_RUNNING")])
    kept = list(night.stage.alerts_sent.newest_first("prod"))
    assert [(each.at, each.state, each.title, each.text) for each in reversed(kept)] == [
        (each.at, each.state, each.title, each.text) for each in heard
    ]


def test_a_cluster_without_events_that_is_forgotten_is_no_incident(night: Night) -> None:
    night.functions.watching().no_events = timedelta(minutes=10)
    night.stage.clusters.claim(cluster.registered())
    night.arrive(task(at("00:00:10"), WEB, 1, "TASK_RUNNING"), at("00:00:10"))
    night.look_at(at("00:30:00"))
    assert [each.subject for each in night.stage.incidents.all()] == ["marathon"]
    assert states(night.heard) == ["opened"]


def test_strange_events_alone_wake_nobody(night: Night) -> None:
    gap = event(
        at("01:00:00"), "relay_gap", relay="r", to="2026-03-02T01:00:00.000Z", cause="cut_off"
    )
    assert night.happen([gap, {"timestamp": "2026-03-02T01:00:01.000Z", "what": "ever"}]) == []


def test_hostile_text_is_one_visible_line() -> None:
    path = "/a\n\u202eb\x1b[31m" + "x" * 300
    title = "Task failed: \r\nSubject: you won\u2028https://user:secret@example.net/"
    moment = at("01:00:00")
    incident = Incident("prod", f"app:{path}", moment, moment, "error", title)
    facts = Facts(moment, moment, message=title)
    sent = alert.of_one("opened", incident, facts, Told("prod", "https://x/prod"))
    assert "secret" not in sent.message
    assert all(line.isprintable() for line in sent.message.split("\n"))
    assert len(sent.message.split("\n")) < 14
    assert sent.subject.isascii()
    assert len(sent.subject) < 100


def test_no_secret_is_in_any_message_and_no_id_before_the_last_line(night: Night) -> None:
    begun = at("01:00:00")
    bad = Deployment("bad", begun, WEB)
    words = "Failed to run 'docker run -e DB_PASSWORD=correct-horse web': no such image"
    heard = night.happen(
        flat(
            cluster.submitted(at("00:30:00"), WEB, "shop/web:1"),
            cluster.submitted(begun, WEB, "shop/web:2"),
            bad.step(at("01:00:00", 0.1)),
            task(at("01:00:20"), WEB, 1, "TASK_FAILED", words),
            bad.failed(at("01:03:00"), "No offers"),
        )
    )
    assert len(heard) >= 2
    for each in heard:
        *lines, last = each.text.rstrip("\n").split("\n")
        assert not any("instance-" in line or bad.id in line for line in lines)
        assert last.startswith(("Newest event: ", "Deployment "))
        assert not any(word in each.text for word in ("hunter2", "correct", "./serve"))
        assert each.title.startswith("[prod] ")
    assert any("no such image" in each.text for each in heard)
    assert any(
        "container.docker.image from shop/web:1 to shop/web:2" in each.text for each in heard
    )


def test_the_json_of_a_rehearsal_has_what_people_would_get(night: Night) -> None:
    (heard, *_) = night.happen(down(WEB))
    told = json.loads(json.dumps(heard.as_json()))
    assert list(told) == ["at", "state", "severity", "subject", "apps", "title", "text"]
    assert (told["state"], told["severity"], told["apps"]) == ("opened", "error", [WEB])
