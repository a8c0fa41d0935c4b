"""How the house is kept: what layers and tests may know of each other."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from ops import ROOT

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


def test_who_imports_the_app_keeps_a_garbage_collector_as_it_was() -> None:
    code = "import gc, app; assert gc.isenabled(); assert not gc.get_freeze_count()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_taking_events_in_imports_nothing_of_reading_or_telling() -> None:
    """Or each cold start would take longer, and Marathon's events wait for it."""
    code = """
import sys, app
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


def test_make_alone_lists_the_targets() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for target in ("run", "test", "deploy", "destroy", "check", "bench", "clean"):
        assert f"  make {target} " in done.stdout
