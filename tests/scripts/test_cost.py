"""What a stage costs in a month, and what would lower it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ops import costs, prices, usage
from ops.cli import Failure
from ops.costs import Settings
from ops.stage import config
from ops.stage.clients import client
from ops.stage.resources import Stage

import cost
import pytest

from chalicelib import times
from local.journal import Journal
from tests.support.world import World

MEMORY = {"api": 1024, "fanout": 512, "restore": 512}
KNOWN = Settings(memory=MEMORY, architecture="x86_64", retention_days=90, alarms=13)

Told = Callable[..., dict[str, Any]]


@pytest.fixture
def told(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command for the stage; what it says as JSON."""
    known = config.config()
    known["stages"] = {stage.name: known["stages"]["dev"]}
    monkeypatch.setattr(config, "config", lambda: known)

    def run(*args: str) -> dict[str, Any]:
        capsys.readouterr()
        assert cost.main(["--stage", stage.name, "--json", *args]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


def measure(namespace: str, name: str, value: float, **dimensions: str) -> None:
    """A metric of each of the last two days."""
    for days in (0, 1):
        client("cloudwatch").put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": datetime.now(UTC) - timedelta(days=days, hours=1),
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                }
            ],
        )


def test_a_stage_is_measured_by_its_metrics(stage: Stage, told: Told) -> None:
    name = f"marathon-events-{stage.name}"
    measure("MarathonEvents", "Stored", 100_000, Function=name)
    measure("AWS/ApiGateway", "Count", 1_000, ApiName="marathon-events", Stage="dev")
    measure("AWS/Lambda", "Invocations", 1_000, FunctionName=name)
    measure("AWS/Lambda", "Duration", 1_000_000, FunctionName=name)
    measure("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 100_000, TableName=name)
    feed = {"TableName": name, "GlobalSecondaryIndexName": "feed"}
    measure("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 100_000, **feed)
    measure("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 5, TableName=f"{name}-other")
    measure("AWS/Logs", "IncomingBytes", 1024**3, LogGroupName=f"/aws/lambda/{name}-fanout")
    found = told()
    assert found["how"] == "from the metrics of its last week"
    assert found["events_a_day"] == 100_000
    parts = found["parts"]
    assert parts["API Gateway"] == pytest.approx(30_000 * 3.5e-6, abs=1e-4)
    assert parts["Lambda api"] == pytest.approx(30_000 * 0.2e-6 + 30_000 * 16.6667e-6, abs=1e-4)
    assert parts["DynamoDB writes"] == pytest.approx(6_000_000 * 0.625e-6, abs=1e-4)
    assert parts["CloudWatch logs"] == pytest.approx(30 * 0.53, abs=1e-4)
    assert parts["CloudWatch metrics"] == pytest.approx(0.30)
    assert found["total"] == pytest.approx(sum(parts.values()), abs=1e-3)
    # A hundred events a request: a relay is there already.
    assert "relay" not in json.dumps(found["advice"])
    assert found["prices"] == {"region": "us-east-1", "as_of": prices.AS_OF, "fetched": False}


@pytest.mark.usefixtures("unhurried")
def test_without_metrics_it_is_estimated_from_the_table(stage: Stage, told: Told) -> None:
    world = World(stage, Journal())
    now = times.iso(times.now())
    for n in range(8):
        body = {"eventType": "app_terminated_event", "appId": f"/a{n}", "timestamp": now}
        world.send(json.dumps(body).encode())
    large = {"eventType": "group_change_success", "groupId": "/x" * 900, "timestamp": now}
    world.send(json.dumps(large).encode())
    found = told()
    assert found["how"] == "estimated from the table: no metrics"
    assert found["events_a_day"] == 9
    assert 0 < found["total"] < 20


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("quiet", [50, 10])
def test_the_types_are_told_by_a_sample(
    quiet: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "_QUIET_DAY", quiet)
    world = World(stage, Journal())
    sizes = {}
    for n in range(40):
        kind = ("app_terminated_event", "group_change_success")[n % 2]
        fields = {"eventType": kind, "appId": "/a", "groupId": "/g" * (n % 2) * 9}
        body = json.dumps({**fields, "timestamp": times.iso(times.now())}).encode()
        world.send(body)
        sizes[kind] = len(body)
    found = usage.sample(stage)
    assert {each.name: each.size for each in found} == sizes
    assert sum(each.share for each in found) == pytest.approx(1)
    if quiet == 50:
        assert [each.share for each in found] == [0.5, 0.5]


def test_a_stage_without_events_is_told_to_say_how_many(stage: Stage, told: Told) -> None:
    with pytest.raises(Failure, match="--events N"):
        told()
    with pytest.raises(Failure, match="--size goes with --events"):
        told("--size", "3")
    assert told("--events", "1000", "--size", "500")["events_a_day"] == 1000


def test_people_see_parts_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    assert cost.main(["--events", "1000000", "--size", "2000"]) == 0
    shown = capsys.readouterr()
    assert "105.00  API Gateway" in shown.out
    assert "in all" in shown.out
    assert "us-east-1, list prices of the first half of 2026, not fetched" in shown.err
    assert "would lower it most, by 9" in shown.err


def test_twice_the_events_cost_twice_as_much_apart_from_what_is_fixed() -> None:
    once, twice = (costs.parts(costs.estimated(n, 800, KNOWN)) for n in (1000, 2000))
    fixed = {"SQS", "CloudWatch metrics", "CloudWatch alarms", "CloudWatch dashboard"}
    for part, dollars in once.items():
        assert twice[part] == pytest.approx(dollars * (1 if part in fixed else 2)), part


@pytest.mark.parametrize(
    ("events", "size", "relayed", "setting"),
    [
        (100_000, 600, False, "a relay"),
        (100_000, 20_000, True, "RETENTION_DAYS 90 → 30"),
        (10, 600, False, ""),
    ],
)
def test_the_advice_is_the_setting_that_saves_most(
    events: int, size: int, relayed: bool, setting: str
) -> None:
    found = costs.estimated(events, size, KNOWN)
    best = costs.advice(replace(found, relayed=relayed))
    assert (best.setting if best else "").startswith(setting)
    assert bool(best) == bool(setting)
    if best:
        assert 0.01 <= best.saves < costs.total(found)
