"""``make run``, as its user has it: on a terminal, in a pipe, from another terminal."""

import contextlib
import importlib
import io
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ops import ROOT

import pytest
import run
from rich.console import Console

from chalicelib.records.timing import TIMING
from chalicelib.sender import NotSent
from local import cloud, functions, scenario, screen
from local.journal import Journal
from tests.support import terminal

HURRIED = """
import contextlib, run

@contextlib.contextmanager
def hurried(*args):
    with showing(*args) as pause:
        yield lambda seconds: pause(seconds / 20 if seconds < 60 else seconds)

showing, run.showing = run.showing, hurried
run.cli.run(run.main)
"""


@pytest.fixture
def hurried(tmp_path: Path) -> str:
    """The command of ``make run``, but for shorter pauses within a round."""
    (tmp_path / "hurried.py").write_text(HURRIED)
    return f"cd {ROOT} && PYTHONPATH=scripts {sys.executable} {tmp_path / 'hurried.py'}"


def test_on_a_terminal_it_fits_the_scripts_work_against_it_and_ctrl_c_is_its_normal_end(
    hurried: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Makefile").write_text(f"run:\n\t@{hurried}\n")
    with terminal.running(["make", "-C", str(tmp_path), "run"], ROOT) as shown:
        text = shown.wait_for("Ctrl-C ends it")
        (log,) = re.findall(r"functions log to (\S+)", text)
        (exports,) = re.findall(r"export (.*)", text)
        commands = re.findall(r"  \.venv/bin/python (scripts/.*)", text)
        assert len(commands) == 3
        with exported(exports):
            for command in commands:
                name, *args = command.split()
                assert importlib.import_module(Path(name).stem).main(args) == 0
                told = capsys.readouterr().out
                expected = ("Event subscription", "cluster local, accepted", "Pager Duty ...")
                assert any(each in told for each in expected), told
        shown.wait_for("→ Slack: 🔴 [local]")
        shown.wait_for("→ PagerDuty: triggered: [local]")
        subscribed_and_all = 1 + sum(map(len, scenario.LIFE))
        text = shown.wait_for(f" {subscribed_and_all} notified")
        # More rows than there is room for: the newest and the hint are in sight.
        end = text.rindex("Ctrl-C ends it")
        last = text[text.rindex("time (UTC)", 0, end) : end]
        assert last.count("\n") < 24
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} .*●", last, re.MULTILINE)  # of today
        shown.type("\x03")
        assert shown.end() == 0
    assert not re.search(r"\wError|\*\*\*|Traceback", shown.shown)
    assert not Path(log).exists()


@contextlib.contextmanager
def exported(variables: str) -> Iterator[None]:
    """The scripts of this process see them, as ``export`` names them."""
    with pytest.MonkeyPatch.context() as patched:
        for each in variables.split():
            patched.setenv(*each.split("=", 1))
        cloud.forget_clients()
        yield
    cloud.forget_clients()


def test_make_run_ends_when_its_reader_ends(hurried: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {hurried} | head -3"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert len(done.stdout.splitlines()) == 3
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    (log,) = re.findall(r"functions log to (\S+)", done.stderr)
    assert not Path(log).exists()


def test_sigterm_is_a_normal_end_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(cloud, "running", lambda: signal.raise_signal(signal.SIGTERM))
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert run.main([]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    told = capsys.readouterr().err
    assert told.splitlines()[-1] == "Ended."
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
        assert again.wait(60)
