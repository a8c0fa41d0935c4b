"""scripts/events.py where people look: stories, what runs, what is wrong, how much of what."""

import json
import sys
import uuid
from datetime import timedelta
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.looking.tail import as_they_come
from ops.stage.clients import client
from ops.stage.resources import Stage

import events
import pytest
from rich.console import Console

from chalicelib import times
from chalicelib.history import Wanted
from chalicelib.services.clusters import Cluster
from local import cloud
from local.scenario import CREATED, FAILED, SCALED
from tests.support.records import keep, record
from tests.support.terminal import running

CREATING, SCALING = CREATED[2]["plan"]["id"], SCALED[1]["plan"]["id"]


def lived(stage: Stage) -> Stage:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    keep(stage.store, *(record(**event) for event in (*CREATED, *SCALED, *FAILED)))
    return stage


@pytest.fixture
def life(stage: Stage) -> Stage:
    return lived(stage)


@pytest.fixture(scope="module")
def shared(aws: str) -> Stage:
    """A life that tests share: they only look at it."""
    return lived(cloud.make_stage(f"t{uuid.uuid4().hex[:12]}"))


def run(stage: Stage, capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert events.main([args[0], "--stage", stage.name, *args[1:]]) == 0
    return capsys.readouterr().out


def test_the_story_of_a_deployment_by_the_beginning_of_its_id(
    shared: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run(shared, capsys, "deployment", SCALING[:6])
    assert shown.startswith(
        f"""\
Deployment {SCALING} in cluster prod: succeeded
  /my-app
  2016-04-24 09:28:30.107Z – 2016-04-24 09:28:31.310Z (1.2 seconds)

Steps
  ✓ 1  scale /my-app from 2 to 4  succeeded in 1.2 seconds

What changed
  /my-app  instances: 2 → 4

Events
  2016-04-24 09:28:30.101Z  info     Change in group / accepted"""
    )
    assert json.loads(run(shared, capsys, "deployment", CREATING, "--json"))["started_by"] == (
        "10.0.9.4"
    )


def test_an_unknown_or_ambiguous_id_of_a_deployment_is_rejected(life: Stage) -> None:
    other = {**SCALED[1], "plan": {**SCALED[1]["plan"], "id": f"{SCALING[:6]}-other"}}
    keep(life.store, record(**other))
    with pytest.raises(Failure, match="2 deployments have ids that begin"):
        events.main(["deployment", "--stage", life.name, SCALING[:6]])
    with pytest.raises(Failure, match="give the whole id"):
        events.main(["deployment", "--stage", life.name, "zz"])


def test_an_app_is_listed_with_its_deployments_in_both_directions(
    shared: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = run(shared, capsys, "list", "--app", "/my-app", "--limit", "3").splitlines()
    assert "Task of /my-app failed on node-4" in newest[0]
    assert "Deployment" in newest[2]
    oldest = run(shared, capsys, "list", "--app", "/my-app", "--limit", "3", "--oldest-first")
    assert oldest.splitlines() == newest[::-1]
    below = run(shared, capsys, "list", "--app", "/*", "--text", "deployment of", "--json")
    assert len(below.splitlines()) == 2


def test_incidents_of_every_cluster_are_listed(
    life: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(life, capsys, "incidents") == ""
    incident(life, "prod|app:/my-app")
    shown = run(life, capsys, "incidents")
    assert shown == "error    since 2016-04-24 09:29:52  Task of /my-app failed\n"
    assert json.loads(run(life, capsys, "incidents", "--json"))["subject"] == "app:/my-app"


def incident(stage: Stage, key: str) -> None:
    time = "2016-04-24T09:29:52.774Z"
    item: dict[str, Any] = {
        "pk": "#open",
        "sk": f"incident|{key}",
        "kind": "incident",
        "since": time,
        "last": time,
        "severity": "error",
        "title": "Task of /my-app failed",
    }
    typed = {name: {"S": value} for name, value in item.items()}
    client("dynamodb").put_item(TableName=stage.table_name, Item=typed)


def test_status_shows_deployments_incidents_and_queues(
    life: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    life.clusters.claim(Cluster("silent", "http://n", "g"))
    begun = {**SCALED[1], "plan": {**SCALED[1]["plan"], "id": "another"}}
    keep(life.store, record(**begun))
    incident(life, "prod|app:/my-app")
    client("sqs").send_message(QueueUrl=life.dead_letter_queue_url, MessageBody="x")
    assert events.main(["status", "--stage", life.name]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].startswith("prod  last event ")
    assert lines[1:] == [
        "  deployment of /my-app: step 1 of 1, since 2016-04-24 09:28:30  another",
        "  error    since 2016-04-24 09:29:52  Task of /my-app failed",
        "silent  no event has ever arrived",
        "spill queue: empty",
        "dead-letter queue: 1",
        "alarms: none is in ALARM",
    ]
    assert shown.err == ""
    (prod, silent, itself) = map(json.loads, run(life, capsys, "status", "--json").splitlines())
    assert itself == {"stage": life.name, "spilled": 0, "dead_letters": 1, "alarms": []}
    assert prod["deployments"][0]["step"] == 1
    assert silent == {"cluster": "silent", "deployments": [], "incidents": []}


def test_events_are_counted_by_anything(shared: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for by, first in {
        "type": ("status_update_event", 4),
        "severity": ("info", 11),
        "app": ("/my-app", 14),
        "day": ("2016-04-24", 16),
        "hour": ("2016-04-24 09:00", 16),
        "cluster": ("prod", 16),
    }.items():
        args = ("stats", "--by", by, "--since", "2016-04-24")
        shown = run(shared, capsys, *args).splitlines()
        assert shown[0].split("  ")[0].rstrip() == first[0]
        assert shown[0].endswith("█" * 40)
        counted = json.loads(run(shared, capsys, *args, "--json").splitlines()[0])
        assert counted == {by: first[0], "events": first[1]}
    assert run(shared, capsys, "stats") == ""


def test_tail_can_begin_with_earlier_events(stage: Stage) -> None:
    now = times.now()
    old, new, newest = (
        record(appId=f"/a{n}", timestamp=times.iso(now - timedelta(minutes=n))) for n in (90, 9, 1)
    )
    keep(stage.store, old, new, newest)
    coming = as_they_come(stage.store, Wanted(("prod",)), now - timedelta(hours=1))
    assert [next(coming).id, next(coming).id] == [new.id, newest.id]


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """From here on the scripts of this process have a terminal."""

    def console() -> Console:
        return Console(file=sys.stdout, force_terminal=True, color_system=None, width=width)

    monkeypatch.setattr(events, "_console", console)


def test_bars_fit_a_terminal(
    shared: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_terminal(monkeypatch, 50)
    shown = run(shared, capsys, "stats", "--by", "type", "--since", "2016-04-24")
    lines = [line for line in shown.splitlines() if "█" in line]
    assert lines
    assert max(map(len, lines)) == 50


def test_on_a_terminal_a_list_is_newest_last_with_one_line_an_event(
    life: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {
        **FAILED[0],
        "message": "Container exited with a very long message " * 5 + "status 137",
    }
    for second in range(3):
        time = f"2016-04-25T09:28:5{second}.000Z"
        keep(life.store, record(**{**failed, "timestamp": time, "taskId": f"my-app.{second}"}))
    with running([sys.executable, "scripts/events.py", "list", "--stage", life.name], ROOT) as its:
        assert its.end() == 0
        lines = its.shown.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == "2016-04-24 UTC"
    assert lines[-2] == "2016-04-25 UTC"
    assert lines[-1].startswith("09:28:52  ")
    assert " … " in lines[-1]
    assert "×3" in lines[-1]
    short = lines[-1].split()[-1]
    assert len(short) == 8
    on_terminal(monkeypatch, 80)
    for command in (["show", short], ["list", "--limit", "1"]):
        shown = run(life, capsys, *command, "--json")
        assert json.loads(shown)["id"].partition("-")[2].startswith(short)
    berlin = run(life, capsys, "list", "--tz", "Europe/Berlin").splitlines()
    assert berlin[-2:] == ["2016-04-25 CEST", lines[-1].replace("09:28:52", "11:28:52")]


def test_an_event_is_found_by_the_beginning_of_its_id(
    shared: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = json.loads(run(shared, capsys, "list", "--limit", "1", "--json"))["id"]
    for beginning in (newest[:19], newest.partition("-")[2][:8], newest[:-1]):
        assert json.loads(run(shared, capsys, "show", beginning, "--json"))["id"] == newest
    with pytest.raises(Failure, match="Several events have ids that begin with '20160424T'"):
        events.main(["show", "--stage", shared.name, "20160424T"])
    with pytest.raises(Failure, match="no event whose id begins with '20170424'"):
        events.main(["show", "--stage", shared.name, "20170424"])


def test_an_unknown_app_or_cluster_is_rejected_with_the_nearest(
    shared: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert events.main(["list", "--stage", shared.name, "--app", "/my-ap"]) == 0
    told = "No event of /my-ap is stored. Did you mean /my-app?"
    assert told in capsys.readouterr().err
    assert events.main(["list", "--stage", shared.name, "--app", "/my-app", "--since", "1m"]) == 0
    assert "No events." in capsys.readouterr().err
    with pytest.raises(Failure, match=r"has no cluster 'prd'\. Did you mean prod\?"):
        events.main(["list", "--stage", shared.name, "--cluster", "prd"])


def test_hours_without_events_are_counted_too(
    life: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(life.store, record(**{**FAILED[0], "timestamp": "2016-04-24T12:00:00.000Z"}))
    shown = run(life, capsys, "stats", "--by", "hour", "--since", "2016-04-24", "--json")
    counted = {each["hour"]: each["events"] for each in map(json.loads, shown.splitlines())}
    assert list(counted) == [f"2016-04-24 {hour:02}:00" for hour in (9, 10, 11, 12)]
    assert list(counted.values())[1:] == [0, 0, 1]
    args = ("stats", "--by", "hour", "--since", "2016-04-24", "--tz", "Asia/Tokyo")
    assert run(life, capsys, *args).startswith("2016-04-24 18:00")


def test_a_deployments_failures_are_not_repeated_among_its_events(
    life: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = {
        **FAILED[0],
        "timestamp": "2016-04-24T09:28:30.500Z",
        "version": SCALED[1]["timestamp"],
    }
    keep(life.store, record(**failing))
    shown = run(life, capsys, "deployment", SCALING)
    told = json.loads(run(life, capsys, "deployment", SCALING, "--json"))
    for each in told["failures"]:
        assert shown.count(each["id"]) == 1
    assert {each["id"] for each in told["events"]} <= set(shown.split())
