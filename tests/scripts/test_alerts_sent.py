"""What people were told, and how incidents are shown that they were told of together."""

import itertools
import json
from datetime import timedelta

from ops.stage.resources import Stage

import events
import pytest

from chalicelib import incident_log
from chalicelib.records.notification import message
from chalicelib.records.silence import Silence
from chalicelib.services.store import EVERYTHING
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


def test_incidents_that_were_told_together_are_one_line(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(7):
        night.arrive(task(at("00:10:00"), f"/app-{n}", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*every_minute(at("00:12:20"), 2))
    for command in ("incidents", "status"):
        (line,) = [line for line in run(night, capsys, command) if "/app-" in line]
        assert (
            "7 apps failing, all on node-7.example.net: /app-0, /app-1, /app-2 and 4 more" in line
        )
    assert len(run(night, capsys, "incidents", "--json")) == 7


def test_the_report_says_of_an_incident_what_people_were_told(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    died = ("TASK_FAILED", "exit 137")
    over = [task(at(f"00:1{n}:00"), "/over", n, *died) for n in range(4)]
    over += [task(at(f"00:1{n}:30"), "/over", n + 1, "TASK_RUNNING") for n in range(4)]
    night.happen(itertools.chain(*over), timedelta(hours=2))
    open_ = [task(at(f"03:0{n}:00"), "/open", n, *died) for n in range(3)]
    night.happen(itertools.chain(*open_))
    arguments = ("report", "--since", "2026-03-02", "--tz", "Europe/Berlin")
    lines = run(night, capsys, *arguments)
    assert lines[0] == "prod  since 2026-03-02 00:00 CET"
    assert "  open incidents: 1" in lines
    assert "    2026-03-02 04:00  /open is still failing: 3 instances failed" in lines[2]
    assert lines[2].endswith("; exit 137")
    assert any(
        " – " in line and "/over has recovered: 4 instances failed" in line for line in lines
    )
    assert "  failed most: /over 4×, /open 3×" in lines
    (told,) = run(night, capsys, *arguments, "--json")
    assert json.loads(told)["resolved"][0]["count"] == 4


def test_a_silenced_incident_says_until_when(
    night: Night, capsys: pytest.CaptureFixture[str]
) -> None:
    quiet = Silence("s1", at("00:00:00"), at("10:00:00"), "new rack", "ada")
    night.stage.incidents.add_silence(quiet)
    night.arrive(task(at("00:10:00"), "/web", 1, "TASK_FAILED", "exit 1"))
    night.look_at(*every_minute(at("00:12:20"), 2))
    (line,) = run(night, capsys, "incidents")
    assert line.endswith("(silenced until 2026-03-02 10:00:00)")


def test_incidents_notified_together_resolve_one_by_one(night: Night) -> None:
    sent, opened, over = night.stage.alerts_sent, at("00:10:00"), at("01:10:00")
    about = {"severity": "error", "subject": "marathon"}
    both = message("[prod] 2 apps are failing", "text", about, ["/a", "/b"])
    sent.note("prod", "opened", both, opened, {"app:/a": 3, "app:/b": 1})
    one = message("[prod] /a has recovered", "text", {**about, "subject": "app:/a"}, ["/a"])
    sent.note("prod", "resolved", one, over, {"app:/a": 4})
    found = {each.path: each for each in incident_log.past(sent, "prod", EVERYTHING)}
    assert (found["/a"].resolved_at, found["/a"].count) == (over, 4)
    assert (found["/b"].resolved_at, found["/b"].count) == (None, 1)
    assert {each.group for each in found.values()} == {"2 apps are failing"}
