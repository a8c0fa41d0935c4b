"""What a stage costs in a month."""

import json
from collections.abc import Callable
from typing import Any

from ops.cli import Failure
from ops.cost import parts
from ops.stage import templates
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES

import cost
import pytest

from chalicelib import times
from local.journal import Journal
from tests.support.world import World

MEMORY = {"api": 1024, "fanout": 512, "alerts": 256, "watch": 512}

Told = Callable[..., dict[str, Any]]


@pytest.fixture
def told(stage: Stage, alone: None, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command for the stage; what it says as JSON."""

    def run(*args: str) -> dict[str, Any]:
        capsys.readouterr()
        assert cost.main(["--stage", stage.name, "--json", *args]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


@pytest.mark.usefixtures("unhurried")
def test_a_stages_own_events_are_counted(stage: Stage, told: Told) -> None:
    with pytest.raises(Failure, match="--events N"):
        told()
    world = World(stage, Journal())
    now = times.iso(times.now())
    for n in range(9):
        body = {"eventType": "app_terminated_event", "appId": f"/a{n}", "timestamp": now}
        world.send(json.dumps(body).encode())
    found = told()
    assert found["events_a_day"] == 9
    assert 0 < found["total"] < 20


@pytest.mark.usefixtures("unhurried")
def test_only_the_newest_events_of_a_busy_day_are_read(
    stage: Stage, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost, "_MOST", 5)
    world = World(stage, Journal())
    today = times.iso(times.now())[:10]
    for n in range(10):
        body = {"eventType": "scheduler_registered_event", "timestamp": f"{today}T00:00:0{n}.000Z"}
        world.send(json.dumps(body).encode())
    assert told()["events_a_day"] == 5 * 86_400 / 4


def test_people_see_parts_and_their_sum(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--events", "1000000", "--size", "2000"]) == 0
    shown = capsys.readouterr()
    assert "105.00  API Gateway" in shown.out
    assert "in all" in shown.out
    assert "1,000,000 events of 2,000 bytes a day" in shown.err


def test_twice_the_events_cost_twice_as_much_apart_from_what_is_fixed() -> None:
    once, twice = (parts(n, 800, MEMORY) for n in (1000, 2000))
    fixed = {"SQS", "CloudWatch metrics", "CloudWatch alarms", "Dashboard", "Lambda watch"}
    logs = "CloudWatch logs"  # watch logs, whatever comes
    assert once[logs] < twice.pop(logs) < 2 * once.pop(logs)
    for part, dollars in once.items():
        assert twice[part] == pytest.approx(dollars * (1 if part in fixed else 2)), part


def test_every_alarm_is_counted() -> None:
    template = templates.parse((TEMPLATES / "messaging.yaml").read_text())
    alarms = [e for e in template["Resources"].values() if e["Type"] == "AWS::CloudWatch::Alarm"]
    assert parts(1, 1, MEMORY)["CloudWatch alarms"] == pytest.approx(len(alarms) * 0.10)
