"""``make run``, as its user has it: on a terminal, in a pipe, from another terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ops import ROOT

from tests.support import terminal

RUN = [sys.executable, "scripts/run.py"]


def test_ctrl_c_ends_make_run_without_an_error(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"run:\n\t@cd {ROOT} && {' '.join(RUN)}\n")
    with terminal.running(["make", "-C", str(tmp_path), "run"], ROOT) as shown:
        shown.wait_for("Ctrl-C ends it")
        shown.wait_for("●")
        (log,) = re.findall(r"functions log to (\S+)", shown.shown)
        shown.type("\x03")
        assert shown.end() == 0
    assert "Error" not in shown.shown
    assert "***" not in shown.shown
    assert "Traceback" not in shown.shown
    assert not Path(log).exists()


def test_on_a_terminal_it_fits_and_from_another_the_scripts_work_against_it() -> None:
    with terminal.running(RUN, ROOT) as shown:
        text = shown.wait_for("Ctrl-C ends it")
        (exports,) = re.findall(r"export (.*)", text)
        environment = dict(each.split("=", 1) for each in exports.split())
        commands = re.findall(r"  \.venv/bin/python (scripts/.*)", text)
        assert len(commands) == 2
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
            assert "Event subscription" in done.stdout or "cluster local, accepted" in done.stdout
        # More rows than there is room for: the newest and the hint are in sight.
        text = shown.wait_for(" 16 sent")
        last = text[text.rindex("time (UTC)") :]
        assert last.count("\n") < 24
        assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} ", text, re.MULTILINE)  # of today
        shown.type("\x03")
        assert shown.end() == 0


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


def test_a_login_goes_with_a_marathon_alone() -> None:
    done = subprocess.run(
        [*RUN, "--user", "ops"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--user and --ca go with --marathon" in done.stderr
