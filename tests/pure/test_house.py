"""How the house is kept: what layers and tests may know of each other."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from ops import ROOT

import pytest

from tests.support.package import LAMBDA_ENVIRONMENT

TESTS = sorted((ROOT / "tests").glob("*/test_*.py"))


def test_tests_stand_alone() -> None:
    for test in TESTS:
        names = imported(test)
        wrong = [name for name in names if ".test_" in f".{name}" or "conftest" in name]
        assert wrong == [], test


def imported(file: Path) -> list[str]:
    """The names of all that a file imports."""
    names = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{each.name}" for each in node.names]
        elif isinstance(node, ast.Import):
            names += [each.name for each in node.names]
    return names


def test_the_app_is_imported_with_little_and_keeps_a_garbage_collector_as_it_was() -> None:
    """With all of reading and telling each cold start would take longer, and Marathon's events
    wait for it.
    """
    code = """
import gc, sys, app
assert gc.isenabled(); assert not gc.get_freeze_count()
app.ingest()
later = ("web.readers", "web.models", "web.openapi", "story", "history", "records.summary")
loaded = {name for name in later if f"chalicelib.{name}" in sys.modules}
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | LAMBDA_ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_each_script_is_a_command() -> None:
    """The relay's tests run the relay's."""
    scripts = set((ROOT / "scripts").glob("*.py")) - {ROOT / "scripts" / "relay.py"}
    for script in scripts:
        text = script.read_text()
        assert text.endswith('\n\nif __name__ == "__main__":\n    cli.run(main)\n'), script


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for target in ("run", "test", "deploy", "destroy", "check", "bench", "clean"):
        assert f"  make {target} " in done.stdout


@pytest.mark.parametrize(
    "hostile", ['x"; touch {file}; "', "$(shell touch {file})", "`touch {file}`", "$(touch {file})"]
)
def test_no_name_that_make_is_given_runs_a_command(hostile: str, tmp_path: Path) -> None:
    """What make would run is run here but for its program, which only says what it was given."""
    stage, out = (hostile.format(file=tmp_path / name) for name in ("by-stage", "by-out"))
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    given = [f"STAGE={stage}", f"OUT={out}", f"BIN={tmp_path}", "OPS=README.md"]
    for target in ("deploy", "plan", "destroy", "package", "live-check"):
        done = subprocess.run(
            ["make", "--old-file", "README.md", target, *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said = done.stdout.splitlines()
        assert stage in said
        assert (out in said) == (target == "package")
    assert list(tmp_path.iterdir()) == [program]
