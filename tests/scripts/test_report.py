"""What was deployed, and what the last hours brought, on a terminal."""

import json
from datetime import timedelta

from ops.looking.report import Report
from ops.stage.resources import Stage
from ops.view import Screen

import events
import pytest

from chalicelib import times
from chalicelib.deployments import Deployment
from chalicelib.incident_log import PastIncident
from chalicelib.records.incident import Incident
from chalicelib.services.clusters import Cluster
from tests.support.plans import end, plan, step, stored
from tests.support.records import record


def ago(minutes: float) -> str:
    return times.iso(times.now() - timedelta(minutes=minutes))


@pytest.fixture
def night(stage: Stage) -> Stage:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    well, bad = plan("d-well", app="/prod/api"), plan("d-bad")
    gap = {"eventType": "relay_gap", "relay": "r", "from": ago(50), "to": ago(40)}
    stored(
        stage.store,
        step("info", "0", 1, well) | {"timestamp": ago(30)},
        end("success", "0", "d-well", well) | {"timestamp": ago(29)},
        step("info", "0", 1, bad) | {"timestamp": ago(20)},
        end("failed", "0", "d-bad", bad, reason="it was not healthy") | {"timestamp": ago(10)},
        gap | {"timestamp": ago(40), "cause": "relay_stopped"},
    )
    return stage


def run(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert events.main([*args]) == 0
    return capsys.readouterr().out


def test_deployments_are_listed_newest_first(
    night: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run(capsys, "deployments", "--stage", night.name)
    first, second = shown.splitlines()
    assert "failed     /prod/web  start, scale  10 minutes  d-bad" in first
    assert "succeeded  /prod/api  start, scale  1 minute  d-well" in second
    only = run(capsys, "deployments", "--stage", night.name, "--outcome", "succeeded", "--json")
    assert [json.loads(line)["id"] for line in only.splitlines()] == ["d-well"]
    assert run(capsys, "deployments", "--stage", night.name, "--app", "/other/*") == ""


def test_the_report_says_what_failed_in_one_screen(
    night: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run(capsys, "report", "--stage", night.name)
    assert "deployments: 1 failed, 1 succeeded" in shown
    assert "/prod/web  start, scale" in shown
    assert "gaps of a relay: 1" in shown
    assert len(shown.splitlines()) < 24
    made = json.loads(run(capsys, "report", "--stage", night.name, "--json"))
    assert made["outcomes"] == {"failed": 1, "succeeded": 1}
    assert [each["id"] for each in made["deployments"]] == ["d-bad", "d-well"]
    of_app = run(capsys, "report", "--stage", night.name, "--app", "/prod/api")
    assert "deployments: 1 succeeded" in of_app


def test_an_unknown_app_is_no_calm_night(night: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("report", "deployments"):
        assert run(capsys, command, "--stage", night.name, "--app", "/prod/wep") == ""
    assert run(capsys, "report", "--stage", night.name, "--app", "/prod/*")
    assert events.main(["report", "--stage", night.name, "--app", "/prod/wep"]) == 0
    assert "No event of /prod/wep is stored. Did you mean /prod/web?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        events.main(["reprot"])
    assert "did you mean report?" in capsys.readouterr().err


def test_the_report_of_a_calm_night_is_calm(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    shown = run(capsys, "report", "--stage", stage.name, "--since", "1h")
    assert "deployments: none" in shown
    assert "nothing went wrong" in shown


@pytest.mark.parametrize(("columns", "rows"), [(80, 23), (160, 49), (80, 11)])
def test_the_report_of_the_worst_night_is_at_most_a_screen(columns: int, rows: int) -> None:
    now = times.now()
    app = f"/{'long-name/' * 12}web"
    incidents = [
        Incident("prod", f"app:{app}-{n}", now, now, "error", "Failed. " * 40, cause="x" * 300)
        for n in range(40)
    ]
    resolved = [
        PastIncident(f"app:{app}-{n}", "error", "Recovered. " * 30, now, (app,), n, "", now)
        for n in range(40)
    ]
    failed = Deployment(
        id="d" * 36, cluster="prod", state="failed", apps=[app] * 9, started_at=times.iso(now)
    )
    gaps = [record(eventType="relay_gap", relay="r" * 200)] * 40
    made = Report("prod", now, incidents, resolved, [failed] * 40, gaps)
    lines = made.text(Screen(columns), rows).plain.splitlines()
    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns
    assert lines[1] == "  open incidents: 40"
