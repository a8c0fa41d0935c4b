"""scripts/silence.py: made, listed, ended; and that people hear nothing meanwhile."""

from datetime import timedelta

from ops.cli import Failure
from ops.stage.resources import Stage

import pytest
import silence

from chalicelib import times
from tests.support.cluster import registered
from tests.support.desk import Desk


@pytest.fixture
def desk(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Desk:
    stage.clusters.claim(registered())
    return Desk(silence.main, stage, capsys)


def test_a_silence_covers_what_its_filters_say_until_its_end(desk: Desk) -> None:
    args = ["--app", "/shop/*", "--cluster", "prod", "--severity", "warning", "--for", "2h"]
    (made,) = desk.json(*args, "--comment", "new rack", "--by", "ada")
    assert made["filters"] == {"cluster": ["prod"], "app": ["/shop/*"], "severity": "warning"}
    assert (made["comment"], made["by"]) == ("new rack", "ada")
    lasting = times.from_iso(made["until"]) - times.from_iso(made["since"])
    assert lasting == timedelta(hours=2)
    (kept,) = desk.stage.incidents.read().silences
    assert kept.matches("prod", "error", ["/shop/web"])
    assert not kept.matches("prod", "error", ["/shop/web", "/other"])
    assert desk.json("--list") == [made]


def test_a_silence_ends_by_the_beginning_of_its_id(desk: Desk) -> None:
    (made,) = desk.json("--for", "1h", "--comment", "quiet")
    (line,) = desk.run("--end", made["id"][:4])
    assert line.startswith(f"Ended: {made['id']}  everything  until ")
    assert desk.run("--list") == []
    assert "Nothing is silenced" in desk.told
    with pytest.raises(Failure, match="no silence"):
        desk.run("--end", made["id"])


def test_more_than_a_day_asks(desk: Desk) -> None:
    with pytest.raises(Failure, match="pass --yes"):
        desk.run("--for", "25h", "--comment", "quiet")
    assert desk.run("--list") == []
    (line,) = desk.run("--for", "25h", "--comment", "quiet", "--yes")
    assert line.startswith("Silenced: ")


def test_a_time_of_day_is_the_next_one(desk: Desk) -> None:
    for clock in ("00:00", "12:00", "23:59"):
        (made,) = desk.json("--until", clock, "--comment", "quiet", "--tz", "Europe/Berlin")
        lasting = times.from_iso(made["until"]) - times.from_iso(made["since"])
        assert timedelta(0) < lasting <= timedelta(days=1)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["--until", "2016-04-24", "--comment", "x"], "has passed"),
        (["--for", "2h", "--comment", "x", "--app", "web*"], "give a path"),
    ],
)
def test_invalid_silences_are_rejected_with_a_reason(args: list[str], why: str, desk: Desk) -> None:
    with pytest.raises(Failure, match=why):
        desk.run(*args)
    assert desk.run("--list") == []


def test_a_comment_is_needed(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        silence.main(["--stage", desk.stage.name, "--for", "2h"])
    assert "--comment TEXT is needed" in capsys.readouterr().err


def test_an_unregistered_cluster_is_warned_of(desk: Desk) -> None:
    desk.run("--cluster", "east", "--for", "1h", "--comment", "soon")
    assert "no cluster 'east' yet" in desk.told
