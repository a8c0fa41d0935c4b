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


def test_imports_point_downward() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(linter), "--no-logo", "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.stem)
def test_tests_stand_alone(test: Path) -> None:
    imported = [
        name
        for node in ast.walk(ast.parse(test.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [f"{node.module}.{each.name}" for each in node.names]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names]
        )
    ]
    assert not [name for name in imported if ".test_" in f".{name}" or "conftest" in name]


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
