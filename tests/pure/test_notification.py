"""A record as subscribers hear of it."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.records.notification import LIMIT_BYTES, Mark, Notification, notification
from chalicelib.records.record import identify
from chalicelib.services.topic import Topic
from tests.support.project import EVENTS
from tests.support.records import record, record_from


def test_a_failed_task_as_json_with_the_event_and_attributes_to_filter_by() -> None:
    body = (EVENTS / "status_update_event-1.11.0-failed.json").read_bytes()
    made = notification(record_from(body))
    message = json.loads(made.message)
    assert message.pop("event") == json.loads(body)
    assert message == {
        "id": identify(body, datetime(2019, 3, 21, 7, 8, 9, 11000, UTC)),
        "cluster": "prod",
        "type": "status_update_event",
        "timestamp": "2019-03-21T07:08:09.011Z",
        "received_at": "2026-01-02T03:04:05.678Z",
        "subject": "app:/shop/cart",
        "severity": "error",
        "title": "Task of /shop/cart failed on mesos-9.example.org: "
        "Container exited with status 137",
        "app": "/shop/cart",
        "task": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001._app.1",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "host": "mesos-9.example.org",
        "status": "TASK_FAILED",
    }
    assert made.attributes == {
        "type": "status_update_event",
        "cluster": "prod",
        "severity": "error",
        "subject": "app:/shop/cart",
        "app": "/shop/cart",
        "status": "TASK_FAILED",
    }
    assert json.loads(made.apps) == ["/shop/cart"]
    assert made.subject == (
        "Task of /shop/cart failed on mesos-9.example.org: Container exited with status 137"
    )


def test_passwords_are_masked_unless_the_stage_wants_them() -> None:
    plan = record_from((EVENTS / "deployment_info-1.4.13-pod.json").read_bytes())
    assert "hunter2" not in notification(plan).message
    assert notification(plan).message.count('"***"') == 4
    assert notification(plan, "full").message.count("hunter2") == 4


def test_a_body_that_is_not_json_goes_as_a_string_and_masked_too() -> None:
    broken = record_from(b'\xff{"id": 1, "env": {"PW": "hunter2"')
    assert json.loads(notification(broken).message)["event"] == '\ufffd{"id": 1, "env": ***'


def test_an_event_that_does_not_fit_is_left_out() -> None:
    body = json.dumps({"eventType": "x", "text": "é" * LIMIT_BYTES}, ensure_ascii=False).encode()
    made = notification(record_from(body))
    assert json.loads(made.message)["event"] is None
    assert json.loads(made.message)["event_omitted"] == "too large"
    assert made.size <= LIMIT_BYTES


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_the_size_is_counted_to_the_byte(over: int) -> None:
    def made(length: int) -> Notification:
        return notification(
            record_from(json.dumps({"eventType": "x", "appId": "/é", "t": "a" * length}).encode())
        )

    fullest = made(LIMIT_BYTES - made(0).size + over)
    attributes = sum(
        len(k) + len("String") + len(v.encode()) for k, v in fullest.attributes.items()
    )
    attributes += len("apps") + len("String.Array") + len(fullest.apps.encode())
    assert fullest.size == len(fullest.subject) + len(fullest.message.encode()) + attributes
    if over > 0:
        assert json.loads(fullest.message)["event"] is None
    else:
        assert fullest.size == LIMIT_BYTES + over


@pytest.mark.parametrize(
    ("event", "apps"),
    [
        ("deployment_info-1.4.13-pod", ["/shop/crew"]),
        ("deployment_success-0.10.0", ["/shop/cart"]),
        ("pod_updated_event-1.4.0", ["/shop/crew"]),
        ("app_terminated_event-0.7.4", ["/shop/cart"]),
        ("scheduler_disconnected_event-0.7.6", []),
    ],
)
def test_one_attribute_has_every_app_or_pod_that_an_event_is_about(
    event: str, apps: list[str]
) -> None:
    made = notification(record_from((EVENTS / f"{event}.json").read_bytes()))
    assert (json.loads(made.apps) if made.apps else []) == apps


def test_a_replay_says_so() -> None:
    assert (
        json.loads(notification(record_from(b"{}"), mark="replay", run="1").message)["replay"]
        is True
    )


def test_a_subject_is_ascii_on_one_line_below_100_characters() -> None:
    reason = "Grüße\r\nBcc: x " + "…" * 200
    body = json.dumps({"eventType": "group_change_failed", "groupId": "/a", "reason": reason})
    subject = notification(record_from(body.encode())).subject
    assert subject.startswith("Change in group /a rejected: Gr??e Bcc: x ...")
    assert len(subject) == 99
    assert subject.isascii()
    assert subject.isprintable()


def test_characters_that_a_queue_would_refuse_do_not_reach_it() -> None:
    body = '{"eventType": "x\\u0001", "appId": "a\\nb\\ud800", "raw": "\uffff"}'
    made = notification(record_from(body.encode()))
    assert "\uffff" not in made.message
    assert json.loads(made.message)["event"]["raw"] == "\uffff"
    assert made.attributes["type"] == "x "
    assert made.attributes["subject"] == "app:/a b\ufffd"


def cut(row: list[Notification], topic: str) -> list[list[Notification]]:
    """The batches of a topic; no client is needed to cut them."""
    nobody: Any = None
    return list(Topic(nobody, f"arn:aws:sns:us-east-1:1:{topic}").batches(row, lambda each: each))


def test_a_replay_is_no_repeat_of_what_it_replays_nor_of_another_replay() -> None:
    sent: list[tuple[Mark | None, str]] = [
        (None, ""),
        ("replay", "1"),
        ("replay", "2"),
        ("test", "1"),
    ]
    ids = [notification(record_from(b"{}"), mark=mark, run=run).deduplication for mark, run in sent]
    assert len(set(ids)) == 4
    assert ids[0] == record_from(b"{}").id
    longest = notification(record_from(b"{}"), mark="replay", run="20160424T092748069Z")
    assert re.fullmatch("[A-Za-z0-9-]{1,128}", longest.deduplication)


def test_the_group_is_that_of_cluster_and_subject_whatever_they_hold() -> None:
    groups = {
        notification(record(cluster, appId=app, n=n)).group
        for cluster in ("east", "west")
        for app in ("/a", "/ä ö", "/" + "x" * 5000)
        for n in (1, 2)
    }
    assert len(groups) == 6
    assert all(re.fullmatch("[a-z0-9]{1,128}", group) for group in groups)


def test_a_fifo_topics_batch_has_one_of_each_subject() -> None:
    apps = ["/a", "/b", "/a", "/a", "/c", "/b", "/d"]
    row = [notification(record(appId=app, n=n)) for n, app in enumerate(apps)]
    made = cut(row, "marathon-events-prod.fifo")
    assert [each for batch in made for each in batch] == row
    assert [len(batch) for batch in made] == [2, 1, 4]
    assert [len(batch) for batch in cut(row, "marathon-events-prod")] == [7]


def test_batches_keep_order_and_limits() -> None:
    sizes = [1, 100_000, 100_000, 100_000, *[10] * 25, 240_000, 240_000]
    row = [
        notification(record_from(json.dumps({"eventType": "x", "n": n, "t": "a" * size}).encode()))
        for n, size in enumerate(sizes)
    ]
    made = cut(row, "marathon-events-prod")
    assert [each for batch in made for each in batch] == row
    assert all(len(batch) <= 10 for batch in made)
    assert all(sum(each.size for each in batch) <= LIMIT_BYTES for batch in made)
    assert [len(batch) for batch in made] == [3, 10, 10, 7, 1]
