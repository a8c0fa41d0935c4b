"""The story of a deployment: what is told of it, whatever of its events is left."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ops.stage.resources import Stage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import story, times
from chalicelib.records.story import Case, Story, build
from tests.support.plans import (
    ID,
    LIGHT,
    OTHER,
    VERSION,
    Event,
    at,
    definition,
    end,
    group,
    plan,
    post,
    records,
    step,
    stored,
    task,
)
from tests.support.records import record


def told(made: Story | None) -> Event:
    assert made is not None
    return made.model_dump(by_alias=True, exclude_none=True)


BEFORE = post(
    "01:00.000",
    definition("web:1", "2020-03-02T08:00:59.000Z", env={"KEY": "old"}, cmd="serve"),
)


def test_who_when_what_failed_and_what_changed(stage: Stage) -> None:
    stored(stage.store, BEFORE, *LIGHT, task("15:33.000", "TASK_FAILED", app="/prod/other"))
    found = told(story.of_deployment(stage.store, "prod", ID))
    events, failures = found.pop("events"), found.pop("failures")
    assert [each["title"] for each in failures] == [
        "Task of /prod/web failed on node-7: Container exited with status 137"
    ]
    assert [each["timestamp"][14:23] for each in events] == sorted(
        each["timestamp"][14:23] for each in LIGHT
    )
    assert found == {
        "id": ID,
        "cluster": "prod",
        "state": "succeeded",
        "apps": ["/prod/web"],
        "started_at": at("15:30.600"),
        "ended_at": at("15:44.105"),
        "seconds": 13.505,
        "started_by": "198.51.100.7",
        "steps": [
            {
                "number": 1,
                "actions": [{"action": "StartApplication", "app": "/prod/web"}],
                "state": "succeeded",
                "started_at": at("15:30.600"),
                "ended_at": at("15:30.610"),
                "seconds": 0.01,
            },
            {
                "number": 2,
                "actions": [{"action": "ScaleApplication", "app": "/prod/web"}],
                "state": "succeeded",
                "started_at": at("15:30.620"),
                "ended_at": at("15:44.100"),
                "seconds": 13.48,
            },
        ],
        "changes": [
            {
                "app": "/prod/web",
                "fields": [
                    {"field": "cmd", "change": "changed", "before": "serve", "after": "serve -v"},
                    {
                        "field": "container.docker.image",
                        "change": "changed",
                        "before": "web:1",
                        "after": "web:2",
                    },
                    {"field": "env.ADDED", "change": "added"},
                    {"field": "env.KEY", "change": "changed"},
                ],
            }
        ],
    }


def heavy(before: Event, after: Event) -> Event:
    """A plan as Marathon before 1.5.9 sends it."""
    sides = [
        {"id": "/", "apps": [], "groups": [{"id": "/prod", "apps": [app], "groups": []}]}
        for app in (before, after)
    ]
    return plan(original=sides[0], target=sides[1])


def test_a_heavy_plan_tells_what_changed_by_itself() -> None:
    secret: Event = {"uris": ["https://user:hunter2@host/x"], "env": {"PASSWORD": "hunter2"}}
    made = heavy(
        definition("web:1", instances=2, **secret),
        definition("web:1", uris=["https://user:hunter3@host/y"], env={"PASSWORD": "hunter3"}),
    )
    found = build(Case("prod", ID, records(step("info", "15:30.620", 2, made))))
    assert "hunter" not in found.model_dump_json()
    (change,) = told(found)["changes"]
    assert [each["field"] for each in change["fields"]] == ["env.PASSWORD", "instances", "uris"]
    assert change["fields"][2]["after"] == ["https://***@host/y"]
    (_, scale) = told(found)["steps"]
    assert scale["actions"] == [
        {"action": "ScaleApplication", "app": "/prod/web", "from": 2, "to": 3}
    ]


def test_a_plan_of_thousands_of_apps_and_events_is_told_in_time() -> None:
    # Each definition is looked up, each event's step is found in the plan: not one by one.
    paths = [f"/a{n}" for n in range(2_000)]
    steps = [{"actions": [{"action": "ScaleApplication", "app": each}]} for each in paths]
    made = {"id": ID, "version": VERSION, "steps": steps}
    sides = [{"id": "/", "apps": [{"id": each, "instances": n} for each in paths]} for n in (1, 2)]
    whole = {**made, "original": sides[0], "target": sides[1]}
    first, last = records(
        step("info", "15:30.000", 1, made), end("success", "15:31.000", made=whole)
    )
    texts = first.body.partition(b'"currentStep"')
    between = (
        replace(
            first,
            id=f"20200302T091530{n:03}Z-{n:016}",
            body=texts[0] + texts[1] + texts[2].replace(b'"/a0"', f'"/a{n}"'.encode()),
        )
        for n in range(1, 100)
    )
    own = [first, *between, last]
    started = time.thread_time()
    found = build(Case("prod", ID, own))
    assert time.thread_time() - started < 5
    assert found.steps[0].actions[0].from_ == 1
    assert sum(each.started_at is not None for each in found.steps) == 100


def test_its_apps_can_be_stored_whatever_they_are_called() -> None:
    made = plan(app="/a\ud801")
    made["steps"].append({"actions": [{"action": "StartApplication", "app": "/" + "x" * 9000}]})
    odd, long = build(Case("prod", ID, records(step("info", "15:30.620", 1, made)))).apps
    assert odd == "/a\ufffd"
    assert len(long) == 512


def test_the_definition_of_a_pod_is_compared_container_by_container() -> None:
    def pod(image: str, value: str) -> Event:
        main = {"name": "main", "image": {"id": image}, "environment": {"KEY": value}}
        side = {"name": "side", "image": {"id": "side:1"}}
        containers = [main, side] if value == "a" else [side, main]
        return {"id": "/prod/web", "containers": containers, "scaling": {"instances": 1}}

    sides = [{"id": "/", "pods": [pod("a:1", "a")]}, {"id": "/", "pods": [pod("a:2", "b")]}]
    made = plan(original=sides[0], target=sides[1])
    (change,) = build(Case("prod", ID, records(step("info", "15:30.620", 2, made)))).changes
    assert [(each.field, each.change) for each in change.fields] == [
        ("containers.main.environment.KEY", "changed"),
        ("containers.main.image.id", "changed"),
    ]


@pytest.mark.parametrize(
    ("own", "around", "state"),
    [
        ([step("info", "15:30.600", 1)], [], "running"),
        ([step("info", "15:30.600", 1), end("success", "15:31.000")], [], "succeeded"),
        # 1.6.352 and later say why.
        ([end("failed", "15:31.000", reason="The upgrade has been cancelled")], [], "cancelled"),
        ([end("failed", "15:31.000", reason="App is locked")], [], "failed"),
        # Before, one that was replaced shows by what replaced it.
        ([end("failed", "15:31.000", made=plan())], [], "failed"),
        (
            [end("failed", "15:31.000", made=plan())],
            [step("info", "15:30.990", 1, plan(OTHER))],
            "cancelled",
        ),
        # The end was missed: another deployment of the app has begun since.
        ([step("info", "15:30.600", 1)], [step("info", "18:00.000", 1, plan(OTHER))], "unknown"),
        # A new leader told of the end again, and of a step.
        (
            [
                end("success", "15:31.000"),
                step("info", "15:31.500", 1),
                end("success", "15:31.900"),
            ],
            [],
            "succeeded",
        ),
    ],
)
def test_how_it_ended(own: list[Event], around: list[Event], state: str) -> None:
    assert build(Case("prod", ID, records(*own), records(*around))).state == state


def test_steps_run_one_after_the_other_so_the_missing_ends_are_known() -> None:
    def states(*events: Event) -> list[str]:
        return [each.state for each in build(Case("prod", ID, records(*events))).steps]

    assert states(step("info", "15:30.600", 1)) == ["running", "waiting"]
    assert states(step("info", "15:30.620", 2)) == ["succeeded", "running"]
    failed = end("failed", "15:31.000", made=plan(), reason="cancelled")
    assert states(step("info", "15:30.600", 1), failed) == ["failed", "waiting"]
    assert states(end("success", "15:31.000", made=plan())) == ["succeeded", "succeeded"]
    assert states(step("step_failure", "15:31.000", 2)) == ["succeeded", "failed"]


def test_two_equal_steps_are_told_apart_by_their_order() -> None:
    made = plan()
    made["steps"] = [made["steps"][0], made["steps"][0]]
    events = [
        step(type_, f"15:30.{n}00", 1, made)
        for n, type_ in enumerate(("info", "step_success", "info"), 1)
    ]
    found = build(Case("prod", ID, records(*events))).steps
    assert [(each.state, each.started_at and times.iso(each.started_at)) for each in found] == [
        ("succeeded", at("15:30.100")),
        ("running", at("15:30.300")),
    ]


def test_the_events_of_0_7_0_have_no_names_of_actions_and_no_versions() -> None:
    app = {"id": "/prod/web", "version": {"dateTime": {}}, "instances": 1}
    made = {
        "id": ID,
        "steps": [{"actions": [{"app": app, "scaleTo": 5}]}],
        "version": {"dateTime": {}},
    }
    near = [post("15:30.481", definition("web:2")), group("15:30.470")]
    own = records(step("info", "15:30.600", 1, made), end("success", "15:31.000"))
    found = told(build(Case("prod", ID, own, records(*near))))
    assert found["steps"][0]["actions"] == [{"action": "scale", "app": "/prod/web", "to": 5}]
    assert found["started_by"] == "198.51.100.7"
    assert found["state"] == "succeeded"


def test_a_request_for_an_earlier_deployment_is_not_taken_for_this_one() -> None:
    own = records(step("info", "15:38.000", 1, plan(version="2020-03-02T08:15:37.900Z")))
    around = records(
        post("15:30.481", definition("web:2", "2014-09-09T05:57:50.866Z")),
        step("info", "15:30.600", 1, plan(OTHER)),
        task("15:31.000", "TASK_RUNNING"),
        task("15:38.100", "TASK_RUNNING"),
    )
    found = build(Case("prod", ID, own, around))
    assert found.started_by is None
    assert [each.timestamp for each in found.events] == [at("15:38.000"), at("15:38.100")]


def test_many_apps_are_read_from_the_feed_instead_of_their_timelines(stage: Stage) -> None:
    apps = [f"/prod/a{n}" for n in range(40)]
    steps = [{"actions": [{"action": "RestartApplication", "app": app} for app in apps]}]
    made = {"id": ID, "steps": steps, "version": VERSION}
    stored(
        stage.store,
        group("15:30.470"),
        step("info", "15:30.600", 1, made),
        task("15:33.000", "TASK_FAILED", app="/prod/a39"),
        task("15:33.100", "TASK_FAILED", app="/stage/a39"),
        end("success", "15:44.105", made=made),
    )
    found = told(story.of_deployment(stage.store, "prod", ID))
    assert [each["app"] for each in found["failures"]] == ["/prod/a39"]
    assert found["events"][0]["type"] == "group_change_success"


def test_a_plan_that_is_kept_in_parts_is_read_once(stage: Stage) -> None:
    noise = [{"id": f"/n{n}", "cmd": os.urandom(300).hex()} for n in range(1500)]
    made = plan(original={"id": "/", "apps": noise}, target={"id": "/", "apps": []})
    stored(stage.store, step("info", "15:30.600", 1, made))
    (bare,) = stage.store.timeline("prod", f"deployment:{ID}", bodies=("deployment_info",))
    assert bare.body == b""
    found = story.of_deployment(stage.store, "prod", ID)
    assert found is not None
    assert [each.state for each in found.steps] == ["running", "waiting"]


def test_an_unknown_deployment_has_no_story(stage: Stage) -> None:
    assert story.of_deployment(stage.store, "prod", ID) is None


# Whatever is left of its events.

OWN = [each for each in LIGHT if each["eventType"].startswith("deployment_")]
AROUND = [each for each in LIGHT if each not in OWN]
REPEATED = [step("info", "15:35.000", 1), step("step_success", "15:35.100", 1)]
subsets = st.lists(st.sampled_from([*OWN, *REPEATED]), min_size=1, max_size=14)


def fields(found: Story) -> dict[str, Any]:
    return {
        name: value
        for name, value in told(found).items()
        if name in ("state", "apps", "started_by", "ended_at", "reason")
    }


@given(subsets, st.lists(st.sampled_from(AROUND), max_size=8))
def test_shuffled_thinned_and_doubled_events_agree_with_the_whole_story(
    own: Sequence[Event], around: Sequence[Event]
) -> None:
    whole = build(Case("prod", ID, records(*OWN, *REPEATED), records(*AROUND)))
    left = build(Case("prod", ID, records(*own), records(*around)))
    whole_fields, left_fields = fields(whole), fields(left)
    for name, value in left_fields.items():
        if name == "state":
            assert value in ("running", "succeeded")
        elif name == "apps":
            assert set(value) <= set(whole_fields[name])
        else:
            assert value == whole_fields[name]
    ended = any(each["eventType"] == "deployment_success" for each in own)
    assert (left.state == "succeeded") == ended
    assert {each.id for each in left.events} <= {each.id for each in whole.events}
    assert {each.id for each in left.failures} <= {each.id for each in whole.failures}
    assert left.started_at
    assert times.iso(left.started_at) == min(each["timestamp"] for each in own)
    for mine, full in zip(left.steps, whole.steps, strict=False):
        assert mine.actions == full.actions
        assert mine.state in (full.state, "running", "waiting")
    assert json.loads(left.model_dump_json())["id"] == ID


# Any JSON at all in the place of what Marathon sends.

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "apps", "groups", "actions", "app", "env"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(junk, junk, junk, junk), min_size=1, max_size=4))
def test_no_event_makes_the_story_fail(events: list[tuple[Any, Any, Any, Any]]) -> None:
    own = [
        record(
            eventType=type_,
            id=ID,
            timestamp=at("15:30.600"),
            plan={"id": ID, "steps": steps, "version": version, "original": a, "target": a},
            currentStep=steps,
            reason=version,
        )
        for (steps, version, a, b), type_ in zip(
            events, ("deployment_info", "deployment_failed", "deployment_success") * 2, strict=False
        )
    ]
    around = [
        record(eventType="api_post_event", appDefinition=b, clientIp=a, timestamp=at("15:30.500"))
        for _, _, a, b in events
    ]
    assert build(Case("prod", ID, own, around)).id == ID


def test_a_running_deployment_says_why_nothing_launches(stage: Stage) -> None:
    waiting = {
        "eventType": "relay_waiting",
        "relay": "r",
        "appId": "/prod/web",
        "state": "waiting",
        "count": 3,
        "since": "2020-03-02T08:15:31.000Z",
        "offers": {
            "processed": 15,
            "declined": [{"reason": "InsufficientMemory", "declined": 14, "processed": 15}],
        },
        "timestamp": at("18:31.000"),
    }
    stored(stage.store, step("info", "15:30.600", 1), waiting)
    found = told(story.of_deployment(stage.store, "prod", ID))
    assert found["waiting"] == [
        "3 instances of /prod/web wait for offers since 08:15: "
        "14 of 15 agents have too little memory"
    ]
    launched = {**waiting, "state": "launched", "timestamp": at("19:31.000")}
    stored(stage.store, launched)
    assert "waiting" not in told(story.of_deployment(stage.store, "prod", ID))
