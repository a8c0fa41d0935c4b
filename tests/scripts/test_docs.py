"""The documents say what the code does."""

import ast
import importlib
import json
import re
import subprocess
import sys
from typing import get_args

from ops import ROOT

import jsonschema
import pytest

from chalicelib.records.notification import Mark, notification
from tests.support.project import EVENTS
from tests.support.records import record_from
from tests.support.templates import resources

SCHEMA = json.loads((ROOT / "docs" / "notification.schema.json").read_text())
BODIES = [*(path.read_bytes() for path in sorted(EVENTS.glob("*.json"))), b"{}", b"no", b"1"]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES += sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
SCRIPTS = [
    "register",
    "subscribe",
    "doctor",
    "relay",
    "events",
    "run",
    "deploy",
    "destroy",
    "plan",
    "recover",
    "cost",
    "document",
    "grant",
    "rehearse",
    "silence",
]


def test_every_notification_matches_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for body in BODIES:
        for mark in (None, *get_args(Mark)):
            made = notification(record_from(body), mark=mark, run="1")
            validator.validate(json.loads(made.message))


def test_every_script_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for script in SCRIPTS:
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(script).main(["--help"])
        assert ended.value.code == 0, script
        assert len(capsys.readouterr().out.splitlines()) > 5, script


def test_a_script_run_with_another_python_says_so() -> None:
    for script in SCRIPTS:
        bare = [sys.executable, "-S", "-E", f"scripts/{script}.py"]  # without site-packages
        done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1, script
        assert ".venv/bin/python scripts/" in done.stderr, script
        assert "Traceback" not in done.stderr, script


@pytest.mark.parametrize("page", PAGES)
def test_links_in_documents_lead_to_files_and_headings(page: str) -> None:
    text = (ROOT / page).read_text()
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if "://" in target:
            continue
        path = (ROOT / page).parent / target if target else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in _anchors(path.read_text()), f"{target}#{anchor}"


def _anchors(text: str) -> set[str]:
    """What links to the headings of a page end in."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_exactly_the_doctors_findings_are_explained() -> None:
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Alerts")[0]
    explained = {
        code
        for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
        for code in re.findall(r"`([a-z-]+)`", row)
    }
    found, fine = {"penalised"}, {"skipped-callbacks", "failed-callbacks"}
    for source in (ROOT / "scripts" / "ops" / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.Call(args=[ast.Constant(value="ok"), ast.Constant(value=code), *_]):
                    fine.add(str(code))
                case ast.Constant(value=str(text)) if re.fullmatch(r"[a-z]+(-[a-z]+)+", text):
                    found.add(text)
    assert explained == found - fine


def test_exactly_the_existing_alarms_are_explained() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.partition("## Alarms\n")[2].partition("\n## ")[0]
    explained = [
        name
        for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
        for name in re.findall(r"`([a-z0-9-]+)`", row)
    ]
    alarms = [
        each["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("marathon-events-${Stage}-")
        for each in resources("messaging.yaml").values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert sorted(explained) == sorted(alarms)


def test_every_option_in_the_documents_exists() -> None:
    known = set()
    for source in (ROOT / "scripts").rglob("*.py"):
        known |= set(re.findall(r'"(--[a-z-]+)"', source.read_text()))
    for page in PAGES:
        text = (ROOT / page).read_text()
        for line in re.findall(
            r"scripts/(?:register|subscribe|doctor|events|run|deploy|destroy|plan|recover|cost|grant|rehearse|silence)\.py[^\n`]*",
            text,
        ):
            assert set(re.findall(r"--[a-z-]+", line)) <= known, line
