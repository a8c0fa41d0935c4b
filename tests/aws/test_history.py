"""Looking back: any filters give exactly the records that match, each once, newest first."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.deploying.upgrade import upgrade
from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.clusters import Cluster
from chalicelib.services.store import EVERYTHING, Store, Window
from local import functions
from local.functions import Stream
from tests.support.records import keep, record, record_from

APPS = ("/prod/web", "/prod/db", "/prod", "/stage/web")
DEPLOYMENTS = ("d1", "d2")
PLAN_TYPES = ("deployment_info", "deployment_success", "deployment_failed")


def plan(id_: str, apps: Sequence[str]) -> dict[str, Any]:
    steps = [{"actions": [{"action": "RestartApplication", "app": app}]} for app in apps]
    return {"id": id_, "steps": steps}


def deploying(type_: str, id_: str, apps: Sequence[str], **more: Any) -> Record:
    made = plan(id_, apps)
    if type_ == "deployment_info":
        return record(eventType=type_, plan=made, currentStep=made["steps"][0], **more)
    return record(eventType=type_, id=id_, plan=made, **more)


def test_an_app_shows_the_steps_that_change_it_and_the_end_of_each_deployment(
    stage: Stage,
) -> None:
    first = deploying("deployment_info", "d1", ["/web", "/db"], timestamp="2016-04-24T09:00:01Z")
    end = deploying("deployment_success", "d1", ["/web", "/db"], timestamp="2016-04-24T09:00:02Z")
    own = record(appId="/db", timestamp="2016-04-24T09:00:03Z")
    for each in (first, end, own):
        stage.store.put(each)
    Stream(functions.load(stage), stage).pump()
    assert list(history.newest_first(stage.store, Wanted(("prod",), "/db"))) == [
        replace(own, body=b""),
        replace(end, body=b""),
    ]
    assert [r.id for r in history.newest_first(stage.store, Wanted(("prod",), "web"))] == [
        end.id,
        first.id,
    ]


def test_pointers_to_a_large_deployment_cost_one_write_unit_each() -> None:
    apps = [f"/some/group/with/a/long/path/app-{n:03d}" for n in range(150)]
    end = deploying("deployment_success", "d1", apps, timestamp="2016-04-24T09:00:02Z")
    pointers = items.pointer_items(end, 1_800_000_000)
    assert [each["pk"]["S"] for each in pointers] == [f"prod|app:{app}" for app in apps[:100]]
    for each in pointers:
        # As DynamoDB counts: names and values, and a little for lists and numbers.
        size = sum(len(name) + len(json.dumps(value)) for name, value in each.items())
        assert size <= 1024 + 20 * len(each["apps"]["L"]) + 12 * len(each)
        shown = items.to_record(items.plain(each), [])
        assert shown.title == end.title
        assert len(shown.apps) + (shown.apps_omitted or 0) == 150


def test_filtering_by_severity_reads_only_warnings_and_errors(stage: Stage) -> None:
    bad = record(
        eventType="status_update_event",
        taskId="a",
        taskStatus="TASK_FAILED",
        timestamp="2016-04-01T00:00:00Z",
    )
    good = [record(appId=f"/a{n}", timestamp=f"2016-04-24T10:{n:02d}:00.000Z") for n in range(50)]
    keep(stage.store, bad, *good)
    read: list[int] = []

    def count(parsed: dict[str, Any], **_: Any) -> None:
        read.append(parsed.get("ScannedCount", 0))

    events = client("dynamodb").meta.events
    events.register("after-call.dynamodb.Query", count)
    try:
        found = list(history.newest_first(stage.store, Wanted(("prod",), severity="warning")))
    finally:
        events.unregister("after-call.dynamodb.Query", count)
    assert [each.id for each in found] == [bad.id]
    assert sum(read) == 1 + len(list(stage.store.days("prod")))


def test_a_page_ends_where_reading_has_its_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_ROWS", 3)
    records = [record(appId=f"/a{n}", timestamp=f"2016-04-24T10:{n:02d}:00Z") for n in range(8)]
    keep(stage.store, *records)
    wanted = Wanted(("prod",), text="/a0 ")
    page = history.page(stage.store, wanted, 2)
    assert (page.records, page.last) == ([], records[5].id)
    page = history.page(stage.store, replace(wanted, window=EVERYTHING.before(records[5].id)), 2)
    assert (page.records, page.last) == ([], records[2].id)
    page = history.page(stage.store, replace(wanted, window=EVERYTHING.before(records[2].id)), 2)
    assert ([each.id for each in page.records], page.last) == ([records[0].id], None)


# Any records, any filters. Each example has a cluster of its own.

_numbers = itertools.count()

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
moments = st.integers(0, 40).map(lambda n: times.iso(NOW - timedelta(hours=n * 7, seconds=n)))
tasks = st.builds(
    lambda app, state, time: record(
        eventType="status_update_event", appId=app, taskId="t", taskStatus=state, timestamp=time
    ),
    st.sampled_from(APPS),
    st.sampled_from(("TASK_RUNNING", "TASK_FAILED", "TASK_KILLED", "TASK_UNREACHABLE")),
    moments,
)
pods = st.builds(
    lambda app, time: record(eventType="pod_deleted_event", uri=f"/v2/pods/{app}", timestamp=time),
    st.sampled_from(APPS),
    moments,
)
plans = st.builds(
    lambda type_, id_, apps, time: deploying(type_, id_, apps, timestamp=time),
    st.sampled_from(PLAN_TYPES),
    st.sampled_from(DEPLOYMENTS),
    st.lists(st.sampled_from(APPS), min_size=1, max_size=3, unique=True),
    moments,
)
strange = st.builds(lambda n: record_from(b"\xff%d" % n), st.integers(0, 3))
everything = st.lists(tasks | pods | plans | strange, max_size=40)
filters = st.builds(
    Wanted,
    clusters=st.just(("prod",)),
    app=st.sampled_from(("", "", "/prod/*", "/*", *APPS)),
    subject=st.sampled_from(("", "", "", "marathon", "deployment:d1", "app:/prod/web")),
    type=st.sampled_from(("", "", "deployment_info", "status_update_event", "unknown")),
    severity=st.sampled_from(SEVERITIES),
    text=st.sampled_from(("", "", "FAILED", "web")),
    window=st.builds(
        lambda a, b: Window(*(times.compact(times.from_iso(each)) for each in sorted((a, b)))),
        moments,
        moments,
    )
    | st.just(EVERYTHING),
)


def belongs(each: Record, wanted: Wanted) -> bool:
    """What each filter means, said once more."""
    paths = each.touched
    if wanted.app.endswith("/*"):
        in_app = any(path.startswith(wanted.app[:-1]) for path in paths)
    elif wanted.app:
        in_app = (
            each.subject in (f"app:{wanted.app}", f"pod:{wanted.app}")
            or wanted.app in each.pointers
        )
    else:
        in_app = True
    return (
        in_app
        and (not wanted.subject or each.subject == wanted.subject)
        and (not wanted.type or each.type == wanted.type)
        and SEVERITIES.index(each.severity) >= SEVERITIES.index(wanted.severity)
        and wanted.text.lower() in each.title.lower()
        and wanted.window.since <= each.id < wanted.window.until + "~"
    )


def pages(store: Store, wanted: Wanted, limit: int, meanwhile: Sequence[Record]) -> list[str]:
    """All pages, one after the other, while new records are written."""
    new = iter(meanwhile)
    found: list[str] = []
    for n in itertools.count():
        page = history.page(store, wanted, limit)
        assert len(page.records) <= limit
        found += [each.id for each in page.records]
        if page.last is None:
            return found
        assert n < 200
        assert len(page.records) == limit
        wanted = replace(wanted, window=wanted.window.before(page.last))
        if (each := next(new, None)) is not None:
            keep(store, each)
    raise AssertionError("unreachable")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=everything, wanted=filters, limit=st.integers(1, 7))
def test_paging_through_any_filters_gives_each_match_once_newest_first(
    stage: Stage, records: list[Record], wanted: Wanted, limit: int
) -> None:
    cluster = f"c{next(_numbers)}"
    mine = [replace(each, cluster=cluster) for each in records]
    wanted = replace(wanted, clusters=(cluster,))
    store = stage.store
    keep(store, *mine)
    expected = {each.id for each in mine if belongs(each, wanted)}
    later = times.iso(NOW + timedelta(days=1))
    new = [
        replace(record(appId="/prod/web", timestamp=later, n=n), cluster=cluster) for n in range(5)
    ]
    found = pages(store, wanted, limit, new)
    assert found == sorted(expected, reverse=True)


def test_a_table_of_an_older_version_gets_its_index_once(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    bad, good = (
        record(eventType=type_, timestamp="2016-04-24T10:00:00Z")
        for type_ in ("deployment_failed", "deployment_success")
    )
    for each in (bad, good):
        (_, item) = items.to_items(each, None)
        stage.table.put({name: value for name, value in item.items() if name != "trouble"})
    stage.store.note_day("prod", "2016-04-24")
    wanted = Wanted(("prod",), severity="warning")
    assert list(history.newest_first(stage.store, wanted)) == []
    upgrade(stage)
    assert "Indexed 1 warnings and errors." in capsys.readouterr().err
    assert [each.id for each in history.newest_first(stage.store, wanted)] == [bad.id]
    upgrade(stage)
    assert capsys.readouterr().err == ""
