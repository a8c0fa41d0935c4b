"""The list of deployments: what it shows of each, whatever the order in which its events come."""

import itertools
import json
from typing import Any

from ops.stage import access
from ops.stage.resources import Stage

import pytest

from chalicelib.deployments import Wanted, page
from chalicelib.services.clusters import Cluster
from chalicelib.services.store import Store
from local.system import System
from tests.support.plans import (
    ID,
    LIGHT,
    OTHER,
    VERSION,
    definition,
    end,
    plan,
    post,
    records,
    step,
    stored,
)
from tests.support.records import keep, record_from
from tests.support.web import get

Event = dict[str, Any]


@pytest.fixture
def store(stage: Stage) -> Store:
    return stage.store


def listed(store: Store, limit: int = 100, **wanted: Any) -> list[Event]:
    found = page(store, Wanted("prod", **wanted), limit).deployments
    return [each.model_dump(exclude_none=True) for each in found]


def sides(before: Event, after: Event) -> Event:
    return {
        "original": {"id": "/", "groups": [{"id": "/prod", "apps": [before]}]},
        "target": {"id": "/", "groups": [{"id": "/prod", "apps": [after]}]},
    }


def test_a_deployment_is_listed_with_who_what_how_and_how_long(store: Store) -> None:
    heavy = plan(**sides(definition("shop/web:4.17", cmd="a"), definition("shop/web:4.18")))
    stored(
        store,
        post("15:30.481", definition("shop/web:4.18")),
        step("info", "15:30.600", 1, heavy),
        step("step_success", "15:31.000", 1, heavy),
        step("info", "15:31.100", 2, heavy),
        end("success", "17:30.600", made=heavy),
    )
    assert listed(store) == [
        {
            "id": ID,
            "cluster": "prod",
            "state": "succeeded",
            "apps": ["/prod/web"],
            "started_at": "2020-03-02T08:15:30.600Z",
            "ended_at": "2020-03-02T08:17:30.600Z",
            "seconds": 120.0,
            "started_by": "198.51.100.7",
            "changed": "4.17 → 4.18, cmd",
        }
    ]


def test_a_running_deployment_is_listed_without_an_end(store: Store) -> None:
    stored(store, step("info", "15:30.600", 1))
    assert [(each["state"], each["changed"]) for each in listed(store)] == [
        ("running", "start, scale")
    ]


BOTH = [
    step("info", "15:30.600", 1),
    end("failed", "16:00.000", made=plan()),
    end("success", "16:00.005", made=plan()),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_failed_and_succeeded_means_cancelled_in_any_order_of_arrival(
    store: Store, order: tuple[int, ...]
) -> None:
    for n in (*order, *order):  # and each twice
        stored(store, BOTH[n])
    (found,) = listed(store)
    assert (found["state"], found["started_at"], found["seconds"]) == (
        "cancelled", "2020-03-02T08:15:30.600Z", 29.405,
    )  # fmt: skip
    assert found["changed"] == "start, scale"


def test_one_that_another_replaced_was_cancelled_and_else_it_failed(store: Store) -> None:
    stored(
        store,
        step("info", "15:00.000", 1),
        end("failed", "16:00.000", made=plan()),
        step("info", "16:30.000", 1, plan(OTHER)),
    )
    assert [(each["id"], each["state"]) for each in listed(store)] == [
        (OTHER, "running"),
        (ID, "cancelled"),
    ]
    elsewhere = plan("d3", app="/other")
    stored(
        store, step("info", "15:10.000", 1, elsewhere), end("failed", "15:50.000", "d3", elsewhere)
    )
    assert [each["id"] for each in listed(store, outcome="failed")] == ["d3"]
    assert [each["id"] for each in listed(store, outcome="cancelled")] == [ID]
    until = records(step("info", "15:05.000", 1))[0].id[:19]
    assert page(store, Wanted("prod", before=f"{until}|"), 9).deployments[0].state == "cancelled"


def test_the_end_of_a_deployment_before_0_10_names_no_plan(store: Store) -> None:
    app = {"id": "/prod/web", "instances": 2, "cmd": "x"}
    old = {
        "id": ID,
        "version": VERSION,
        "steps": [{"actions": [{"app": app, "scaleTo": 2}]}],
    }
    stored(
        store,
        end("success", "16:00.000"),
        {
            "plan": old,
            "currentStep": old["steps"][0],
            "eventType": "deployment_info",
            "timestamp": "2020-03-02T08:15:00.000Z",
        },
    )
    (found,) = listed(store)
    assert (found["state"], found["apps"], found["changed"]) == (
        "succeeded", ["/prod/web"], "scale to 2",
    )  # fmt: skip


def test_light_plans_are_listed_by_what_they_do(store: Store) -> None:
    stored(store, *LIGHT)
    (found,) = listed(store)
    assert (found["changed"], found["started_by"]) == ("start, scale", "198.51.100.7")


def test_an_end_whose_beginning_an_older_version_stored_lists_both(store: Store) -> None:
    for each in records(step("info", "15:30.600", 1)):
        store.put(each)
    stored(store, end("success", "16:00.000", made=plan()))
    assert [(each["state"], each["seconds"]) for each in listed(store)] == [("succeeded", 29.4)]


LONG = {"action": "x" * 9999, "app": "/\ud801"}
HOSTILE = [
    {"id": "\ud800|#\u0000" * 900, "steps": [{"actions": [LONG]}]},
    {"id": "a", "steps": [{"actions": [{"app": {"id": "/x", "scaleTo": {}}}]}], "version": 7},
    {"id": "b", "steps": [], "original": {"apps": "x"}, "target": {"groups": [None]}},
    {
        "id": "c",
        "steps": [{"actions": [{"action": "Scale", "app": f"/a{n}"} for n in range(300)]}],
        "original": {"apps": [{"id": "/a0", "instances": {"a": "x" * 9999}}]},
        "target": {"apps": [{"id": "/a0", "instances": [1e308], "env": {"PW": "secret"}}]},
    },
]  # fmt: skip


@pytest.mark.parametrize("made", HOSTILE)
def test_hostile_plans_are_listed_too(store: Store, made: Event) -> None:
    body = {
        "eventType": "deployment_info",
        "timestamp": "9999-12-31T23:59:59.999Z",
        "plan": made,
        "currentStep": (made["steps"] or [None])[0],
    }
    record = record_from(json.dumps(body).encode())
    keep(store, record)
    (found,) = listed(store)
    assert len(found.get("changed", "")) <= 200
    assert "secret" not in json.dumps(found)


def test_readers_page_through_it_and_filter_it(served: System) -> None:
    served.stage.clusters.claim(Cluster("prod", "http://m", "f"))
    for n in range(7):
        made = plan(f"d{n}", app=f"/prod/app-{n % 2}")
        for event in (
            step("info", f"1{n}:00.000", 1, made),
            end("success", f"1{n}:09.000", f"d{n}", made),
        ):
            keep(served.stage.store, *records(event))
    token = access.grant(served.stage, "test", "", None)[0]
    found: list[str] = []
    cursor = ""
    while True:
        answer = get(served.api, f"/deployments?limit=3&cursor={cursor}", token).json
        found += [each["id"] for each in answer["deployments"]]
        if not (cursor := answer.get("cursor", "")):
            break
    assert found == [f"d{n}" for n in range(6, -1, -1)]

    def ids(query: str) -> list[str]:
        return [
            e["id"] for e in get(served.api, f"/deployments?{query}", token).json["deployments"]
        ]

    assert ids("app=/prod/app-1") == ["d5", "d3", "d1"]
    assert ids("app=/prod/*&outcome=failed") == []
    assert ids("since=2020-03-02T08:14:00Z&until=2020-03-02T08:15:00Z") == ["d5", "d4"]
    for bad in ("outcome=well", "limit=0", "since=x", "type=x", "cursor=eHh4", "cursor=%F0"):
        reply = get(served.api, f"/deployments?{bad}", token)
        assert (reply.status, reply.json["error"]["code"]) == (400, "bad_parameter"), bad
    assert get(served.api, "/deployments").status == 401


def test_the_list_costs_one_query_however_many_events_there_are(store: Store) -> None:
    steps = [step("step_success", f"15:{n:02d}.000", 1) for n in range(10, 59)]
    stored(store, step("info", "15:00.000", 1), *steps)
    rows = list(store.deployments("prod"))
    assert len(rows) == 1
    assert rows[0][0] == f"20200302T081500000Z|{ID}"
