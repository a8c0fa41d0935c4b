"""What people were told, and how incidents are shown that they were told of together."""

import json
from datetime import timedelta

from ops.stage.resources import Stage

import events
import pytest

from chalicelib.records.silence import Silence
from tests.support.cluster import at, registered, task
from tests.support.night import Night, every_minute


@pytest.fixture
def night(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setenv("RETENTION_DAYS", "0")  # the night may be long ago
    stage.clusters.claim(registered())
    return Night(stage)


def run(night: Night, capsys: pytest.CaptureFixture[str], *args: str) -> list[str]:
    capsys.readouterr()
    assert events.main([*args, "--stage", night.stage.name]) == 0
    return capsys.readouterr().out.splitlines()


def test_the_alerts_that_were_sent_are_listed_newest_first(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(night, capsys, "alerts") == []
    night.happen(task(at("00:10:00"), "/web", 1, "TASK_FAILED", "exit 1"), timedelta(minutes=20))
    sent = [json.loads(line) for line in run(night, capsys, "alerts", "--json")]
    assert [each["state"] for each in sent] == ["ongoing", "opened"]
    lines = run(night, capsys, "alerts", "--since", "2026-03-02")
    assert "opened" in lines[1]
    assert "[prod] /web" in lines[1]
    assert len(run(night, capsys, "alerts", "--limit", "1")) == 1
    assert run(night, capsys, "alerts", "--until", "2026-03-01") == []


def test_incidents_that_were_told_together_stand_together(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(7):
        night.arrive(task(at("00:10:00"), f"/app-{n}", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*every_minute(at("00:12:20"), 2))
    for command in ("incidents", "status"):
        lines = run(night, capsys, command)
        (heading,) = [n for n, line in enumerate(lines) if line.lstrip().startswith("7 apps")]
        assert all("app:/app-" in line for line in lines[heading + 1 : heading + 8])


def test_a_silenced_incident_says_until_when(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = Silence("s1", at("00:00:00"), at("10:00:00"), "new rack", "ada")
    night.stage.incidents.add_silence(quiet)
    night.arrive(task(at("00:10:00"), "/web", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*every_minute(at("00:12:20"), 2))
    (line,) = run(night, capsys, "incidents")
    assert line.endswith("(silenced until 2026-03-02 10:00:00)")
