"""``make run``, as its user has it: on a terminal, in a pipe, from another terminal."""

import io
import os
import re
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ops import ROOT

import pytest
import run
from rich.console import Console

from chalicelib import times
from chalicelib.records.timing import TIMING
from chalicelib.sender import NotSent
from local import functions, scenario, screen
from local.journal import Journal
from tests.support import terminal

RUN = [sys.executable, "scripts/run.py"]


def test_on_a_terminal_it_fits_the_scripts_work_against_it_and_ctrl_c_is_its_normal_end(
    tmp_path: Path,
) -> None:
    (tmp_path / "Makefile").write_text(f"run:\n\t@cd {ROOT} && {' '.join(RUN)}\n")
    with terminal.running(["make", "-C", str(tmp_path), "run"], ROOT) as shown:
        text = shown.wait_for("Ctrl-C ends it")
        (log,) = re.findall(r"functions log to (\S+)", text)
        (exports,) = re.findall(r"export (.*)", text)
        environment = dict(each.split("=", 1) for each in exports.split())
        commands = re.findall(r"  \.venv/bin/python (scripts/.*)", text)
        assert len(commands) == 3
        for command in commands:
            done = subprocess.run(
                [sys.executable, *command.split()],
                cwd=ROOT,
                env=os.environ | environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            told = ("Event subscription", "cluster local, accepted", "Pager Duty ...")
            assert any(each in done.stdout for each in told)
        # More rows than there is room for: the newest and the hint are in sight.
        text = shown.wait_for(" 10 notified")
        shown_whole = text[: text.rindex(" notified")]
        last = shown_whole[shown_whole.rindex("time (UTC)") :]
        assert last.count("\n") < 24
        assert "●" in last
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} ", text, re.MULTILINE)  # of today
        shown.wait_for("→ Slack: 🔴 [local]")
        shown.wait_for("→ PagerDuty: triggered: [local]")
        shown.type("\x03")
        assert shown.end() == 0
    assert not re.search(r"\wError|\*\*\*|Traceback", shown.shown)
    assert not Path(log).exists()


def test_make_run_ends_when_its_reader_ends() -> None:
    command = f"set -o pipefail; {' '.join(RUN)} | head -3"
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert len(done.stdout.splitlines()) == 3
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    (log,) = re.findall(r"functions log to (\S+)", done.stderr)
    assert not Path(log).exists()


def test_sigterm_is_a_normal_end_too() -> None:
    with subprocess.Popen(RUN, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert re.match(rb"\d{4}-\d\d-\d\d ", process.stdout.readline())
        process.terminate()
        told = process.communicate(timeout=60)[1].decode()
    assert (process.returncode, told.splitlines()[-1]) == (0, "Ended.")
    (log,) = re.findall(r"functions log to (\S+)", told)
    assert not Path(log).exists()


def test_the_first_alert_is_shown_whole_and_the_next_by_its_title(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(screen, "console", Console(file=out))
    journal = Journal()
    with screen.showing(journal, "a Marathon", "an API", lambda: 0) as pause:
        for name in ("one", "two"):
            journal.alerted({"Subject": f"[local] {name}", "Message": f"It is {name}.\nHelp!"})
        pause(0)
    shown = ["✉ [local] one", "  │ It is one.", "  │ Help!", "✉ [local] two"]
    assert out.getvalue().splitlines() == shown


def test_a_login_goes_with_a_marathon_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.main(["--user", "ops"])
    assert ended.value.code == 2
    assert "--user and --ca go with --marathon" in capsys.readouterr().err


def test_no_event_is_dated_after_the_one_behind_it_by_more_than_a_blink() -> None:
    """Marathon's own order of events is only nearly that of their times."""
    events = [event for chapter in scenario.LIFE for event in chapter]
    times_of = [times.from_iso(event["timestamp"]) for event in events]
    steps = [later - earlier for earlier, later in pairwise(times_of)]
    assert min(steps) >= timedelta(milliseconds=-1)


def test_people_are_told_on_after_a_look_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[object] = []
    again = threading.Event()

    def watch(*event: object) -> None:
        tries.append(event)
        if len(tries) == 1:
            raise NotSent("SNS did not answer")
        again.set()

    fake: Any = SimpleNamespace(watching=lambda: SimpleNamespace(timing=TIMING), watch=watch)
    idle: Any = SimpleNamespace(pump=lambda: 0)
    monkeypatch.setattr(functions, "Stream", lambda *_: idle)
    nothing: Any = None
    with functions.alerting(fake, nothing, 1000):
        assert again.wait(10)
