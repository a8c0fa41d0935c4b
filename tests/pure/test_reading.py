"""What is made of states, odd shapes, broken bodies and times."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.marathon import ids
from chalicelib.marathon.models import MODELS, DeploymentInfo
from chalicelib.marathon.reading import Reading, event, read
from chalicelib.times import usable_timestamp

TASK = "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001"


def reading(**event: Any) -> Reading:
    return read(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("state", "severity", "words"),
    [
        ("TASK_STAGING", "info", "is staging"),
        ("TASK_STARTING", "info", "is starting"),
        ("TASK_RUNNING", "info", "is running"),
        ("TASK_KILLING", "info", "is being killed"),
        ("TASK_KILLED", "notice", "was killed"),
        ("TASK_FINISHED", "warning", "finished"),
        ("TASK_UNREACHABLE", "warning", "is unreachable"),
        ("TASK_GONE_BY_OPERATOR", "warning", "was declared gone by an operator"),
        ("TASK_FAILED", "error", "failed"),
        ("TASK_ERROR", "error", "could not be started"),
        ("TASK_LOST", "error", "was lost"),
        ("TASK_GONE", "error", "is gone"),
        ("TASK_DROPPED", "error", "was dropped before it started"),
        ("TASK_UNKNOWN", "error", "is unknown to Mesos"),
        ("TASK_NEW_KIND", "warning", "is in state TASK_NEW_KIND"),
    ],
)
def test_a_task_in_each_state(state: str, severity: str, words: str) -> None:
    found = reading(
        eventType="status_update_event", taskId=TASK, taskStatus=state, appId="/shop", host="h"
    )
    assert (found.severity, found.title) == (severity, f"Task of /shop {words} on h")
    assert found.about.status == state


@pytest.mark.parametrize(
    ("number", "state"),
    list(enumerate(["STARTING", "RUNNING", "FINISHED", "FAILED", "KILLED", "LOST", "STAGING"])),
)
def test_the_numbers_before_0_5_are_states(number: int, state: str) -> None:
    found = reading(eventType="status_update_event", taskId="web_0-1", taskStatus=number)
    assert found.about.status == f"TASK_{state}"


@pytest.mark.parametrize(
    ("steps", "left", "actions"),
    [
        ([{}] * 20_000, 10_000, 0),
        ([{"actions": [{"app": "/a"}] * 20_000}], 1, 9_999),
        ([{"actions": [{"app": "/a"}] * 4_999}] * 3, 2, 4_999),
        ([{"actions": [{"app": "/a"}] * 4_999}] * 2, 2, 4_999),
    ],
)
def test_a_plan_is_read_up_to_a_bound(steps: list[Any], left: int, actions: int) -> None:
    body = {"eventType": "deployment_info", "plan": {"id": "x", "steps": steps}}
    body["currentStep"] = steps[-1]
    whole = sum(1 + len(each.get("actions", ())) for each in steps) <= 10_000
    assert ("plan.steps" in reading(**body).misfits) is not whole
    made = event(json.dumps(body).encode())
    assert isinstance(made, DeploymentInfo)
    assert made.plan
    assert made.plan.steps
    assert made.currentStep
    assert len(made.plan.steps) == left
    assert len(made.currentStep.actions or ()) == actions


@pytest.mark.parametrize("number", [-1, 7, 10**30])
def test_an_unknown_number_of_a_state_is_shown_as_it_is(number: int) -> None:
    found = reading(eventType="status_update_event", taskId="web_0-1", taskStatus=number)
    assert found.about.status == f"TASK_STATE_{number}"
    assert found.severity == "warning"


@pytest.mark.parametrize(
    ("condition", "severity", "words"),
    [
        ("Created", "info", "was created"),
        ("Reserved", "info", "has its resources reserved"),
        ("Scheduled", "info", "is scheduled"),
        ("Provisioned", "info", "is provisioned"),
        ("Staging", "info", "is staging"),
        ("Starting", "info", "is starting"),
        ("Running", "info", "is running"),
        ("Killing", "info", "is being killed"),
        ("Killed", "notice", "was killed"),
        ("Finished", "warning", "finished"),
        ("Unreachable", "warning", "is unreachable"),
        ("UnreachableInactive", "warning", "has been unreachable for too long"),
        ("Failed", "error", "failed"),
        ("Error", "error", "could not be started"),
        ("Gone", "error", "is gone"),
        ("Dropped", "error", "was dropped before it started"),
        ("Unknown", "error", "is unknown to Mesos"),
        ("Elsewhere", "warning", "is Elsewhere"),
    ],
)
def test_an_instance_in_each_condition(condition: str, severity: str, words: str) -> None:
    found = reading(
        eventType="instance_changed_event",
        instanceId="shop.instance-x",
        condition=condition,
        runSpecId="/shop",
        host="h",
    )
    assert (found.severity, found.title) == (severity, f"Instance of /shop {words} on h")
    assert found.about.status == condition


NEW_TASK = "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001._app.2"
NEW_INSTANCE = "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001"


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "status_update_event", "taskId": TASK},
        {"eventType": "failed_health_check_event", "taskId": TASK},
        {"eventType": "failed_health_check_event", "taskId": NEW_INSTANCE},
        {"eventType": "health_status_changed_event", "instanceId": NEW_INSTANCE},
        {"eventType": "unhealthy_task_kill_event", "taskId": TASK},
        {"eventType": "unhealthy_instance_kill_event", "instanceId": NEW_INSTANCE},
        {"eventType": "unknown_task_terminated_event", "taskId": TASK},
        {"eventType": "unknown_instance_terminated_event", "instanceId": NEW_INSTANCE},
        {"eventType": "instance_changed_event", "instanceId": NEW_INSTANCE},
        {"eventType": "instance_health_changed_event", "instanceId": NEW_INSTANCE},
    ],
)
def test_an_event_without_its_app_is_filed_by_the_id_that_it_has(event: dict[str, Any]) -> None:
    assert reading(**event).about.subject == "app:/shop/cart"


@pytest.mark.parametrize(
    "type_", ["status_update_event", "unhealthy_task_kill_event", "unknown_task_terminated_event"]
)
def test_the_instance_is_taken_from_a_task_id_that_holds_it(type_: str) -> None:
    found = reading(eventType=type_, taskId=NEW_TASK)
    assert (found.about.instance, found.about.subject) == (NEW_INSTANCE, "app:/shop/cart")


def test_0_4_calls_the_app_by_a_name_of_its_own() -> None:
    found = reading(eventType="status_update_event", taskId="x", appID="web", taskStatus=1)
    assert found.about.subject == "app:/web"


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_an_event_that_names_nothing_is_about_marathon(type_: str) -> None:
    for found in (reading(eventType=type_), reading(eventType=type_, appDefinition={"id": 7})):
        assert found.about.subject == "marathon"
        assert not [name for name in found.misfits if name.endswith("Error")]


def test_a_step_of_very_many_actions_is_told_by_the_first() -> None:
    apps = [{"id": f"/a{n}", "instances": 1} for n in range(3000)]
    step = {"actions": [{"action": "ScaleApplication", "app": app["id"]} for app in apps]}
    plan = {"id": "d1", "steps": [step], "original": {"id": "/", "apps": apps}}
    found = reading(eventType="deployment_info", plan=plan, currentStep=step)
    assert found.title == "Deployment step 1 of 1 began: scale /a0, scale /a1 and 2998 more"


@pytest.mark.parametrize("step", [{}, {"actions": []}, {"actions": None}])
def test_a_step_without_actions_touches_nothing(step: dict[str, Any]) -> None:
    plan = {"id": "d1", "steps": [step, {"app": "/not-an-action"}]}
    found = reading(eventType="deployment_info", plan=plan, currentStep=step)
    assert found.about.apps == ()
    assert found.title == "Deployment step 1 of 2 began"


@pytest.mark.parametrize("reason", ["The upgrade has been cancelled", "canceled by user"])
def test_a_deployment_that_says_it_was_cancelled_is_a_warning(reason: str) -> None:
    found = reading(eventType="deployment_failed", id="d1", reason=reason)
    assert (found.severity, found.title) == ("warning", f"Deployment d1 was cancelled: {reason}")


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "not_json"),
        (b"no json", "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        (b'{"eventType": "x", "n": NaN}', "not_json"),
        (b'{"eventType": "x", "n": -Infinity}', "not_json"),
        (b'\xef\xbb\xbf{"eventType": "x"}', "not_json"),
        (b"[" * 100_000 + b"]" * 100_000, "not_json"),
        (b"1", "not_an_object"),
        (b"1" * 10_000, "not_an_object"),
        (b'["eventType"]', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "no_type"),
        (b'{"eventType": ""}', "no_type"),
        (b'{"eventType": 7}', "no_type"),
        (b'{"eventType": "brand_new_event"}', "unknown_type"),
        (b'{"eventType": "status_update_event"}', "unexpected_shape"),
        (b'{"eventType": "scheduler_disconnected_event", "timestamp": 7}', "unexpected_shape"),
        (b'{"eventType": "event_stream_attached", "new": 1}', None),
        (b'{"eventType": "event_stream_attached", "n": 1e999}', None),
        (b'{"eventType": "event_stream_attached", "n": ' + b"9" * 5000 + b"}", None),
    ],
)
def test_every_event_that_is_not_understood_has_a_cause(body: bytes, cause: str | None) -> None:
    found = read(body)
    assert found.cause == cause
    if cause in ("not_json", "not_an_object", "no_type"):
        assert (found.type, found.about.subject, found.severity) == (
            "unknown",
            "marathon",
            "warning",
        )


def test_an_event_of_an_unknown_type_is_filed_under_the_app_that_it_names() -> None:
    found = reading(eventType="brand_new_event", runSpecId="/shop")
    assert (found.about.subject, found.severity) == ("app:/shop", "info")
    assert found.title == "Event of unknown type brand_new_event about /shop"


def test_a_field_of_another_shape_is_left_out_and_named() -> None:
    found = reading(
        eventType="status_update_event",
        taskId=TASK,
        taskStatus="TASK_FAILED",
        appId=["/shop"],
        host="h",
        ports="many",
    )
    assert set(found.misfits) == {"ports", "appId"}
    assert (found.about.subject, found.severity) == ("app:/shop/cart", "error")


def test_a_rule_that_trips_costs_nothing_but_the_understanding() -> None:
    deep: Any = "/shop"
    for _ in range(300):
        deep = {"id": deep}
    step = {"actions": [{"action": "StartApplication", "app": deep}]}
    plan = {"id": "d1", "steps": [step], "version": "v"}
    found = reading(eventType="deployment_info", plan=plan, currentStep=step)
    assert found.about.subject == "deployment:d1"


@pytest.mark.parametrize("name", ["action", "type"])
def test_a_step_that_is_itself_an_action_is_read_as_one(name: str) -> None:
    step = {name: "ScaleApplication", "app": "/shop"}
    found = reading(
        eventType="deployment_info", plan={"id": "d1", "steps": [step]}, currentStep=step
    )
    assert found.about.apps == ("/shop",)
    assert found.title == "Deployment step 1 of 1 began: scale /shop"


@pytest.mark.parametrize(
    "unknown", [{"host": None}, {"host": ""}, {"host": "unknown"}, {"host": "n/a"}, {}]
)
def test_unknown_values_read_alike(unknown: dict[str, Any]) -> None:
    found = reading(eventType="status_update_event", taskId=TASK, taskStatus="TASK_LOST", **unknown)
    assert found.about.host is None
    assert found.title == "Task of /shop/cart was lost"


def test_a_title_is_one_line_of_at_most_140_characters() -> None:
    found = reading(
        eventType="group_change_failed",
        groupId="/a\r\nBcc: x",
        reason="\x00\x1b[31m\u202e" + "y" * 9999,
    )
    assert found.title.startswith("Change in group /a Bcc: x rejected: [31m yyy")
    assert len(found.title) == 140
    assert found.title.isprintable()


def test_a_title_holds_no_secret() -> None:
    definition = {"id": "/a", "cmd": "run --pw hunter2", "env": {"P": "hunter2"}, "instances": 1}
    post = reading(eventType="api_post_event", appDefinition=definition)
    url = "https://u:hunter2@example.org/hunter2?token=hunter2"
    subscribed = reading(eventType="subscribe_event", callbackUrl=url)
    assert "hunter2" not in post.title + subscribed.title


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2014-03-01T23:29:30.158Z", datetime(2014, 3, 1, 23, 29, 30, 158000, UTC)),
        ("2014-03-01T23:29:30.1589Z", datetime(2014, 3, 1, 23, 29, 30, 158000, UTC)),
        ("2014-03-02T01:29:30+02:00", datetime(2014, 3, 1, 23, 29, 30, 0, UTC)),
        ("20140301T232930.158Z", datetime(2014, 3, 1, 23, 29, 30, 158000, UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999Z", datetime(9999, 12, 31, 23, 59, 59, 999000, UTC)),
        ("1969-12-31T23:59:59.999Z", None),
        ("1970-01-01T00:00:00+00:01", None),
        ("9999-12-31T23:59:59-00:01", None),
        ("2014-03-01T23:29:30.158", None),
        ("2014-03-01", None),
        ("2014-02-30T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (1393716570158, None),
        (None, None),
    ],
)
def test_a_timestamp_is_used_if_it_is_iso_8601_with_an_offset(
    text: object, utc: datetime | None
) -> None:
    assert usable_timestamp(text) == utc


@pytest.mark.parametrize(
    ("task", "app"),
    [
        ("shop_2-1388534400123", "/shop"),
        ("my_shop.x_2-1388534400123", "/my_shop.x"),
        ("shop.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/shop"),
        ("a.b_c.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/a.b/c"),
        ("a_b.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001.17", "/a/b"),
        ("a_b.marathon-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/a/b"),
        ("a_b.marathon-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001._app.2", "/a/b"),
        ("a_b.instance-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001.$anon", "/a/b"),
        ("a_b.instance-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001.we.ird.3", "/a/b"),
        ("another-frameworks-task", None),
        ("", None),
    ],
)
def test_the_app_is_found_in_each_form_of_task_id(task: str, app: str | None) -> None:
    assert ids.app_of_task(task) == app


@pytest.mark.parametrize(
    ("executor", "app"),
    [
        ("marathon-a_b.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/a/b"),
        ("instance-a_b.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/a/b"),
        ("a_b.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001", "/a/b"),
        ("custom", None),
    ],
)
def test_the_app_is_found_in_each_form_of_executor_id(executor: str, app: str | None) -> None:
    assert ids.app_of_executor(executor) == app


@pytest.mark.parametrize(
    ("uri", "pod"),
    [
        ("/v2/pods//prod/x", "/prod/x"),
        ("/v2/pods/x?force=true", "/x"),
        ("/v2/pods/%2Fprod%2Fx", "/prod/x"),
        ("/v2/pods", None),
        ("/v2/pods/", None),
        ("/v2/apps/x", None),
    ],
)
def test_the_pod_is_found_in_the_path(uri: str, pod: str | None) -> None:
    assert ids.pod_of_uri(uri) == pod
