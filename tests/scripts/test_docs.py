"""The documents say what the code does."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

from ops import ROOT

import document
import jsonschema
import pytest

from chalicelib.records.notification import Mark, notification
from tests.support.project import EVENTS
from tests.support.records import record_from
from tests.support.templates import resources

SCHEMA = json.loads((ROOT / "docs" / "notification.schema.json").read_text())
BODIES = [*(path.read_bytes() for path in sorted(EVENTS.glob("*.json"))), b"{}", b"no", b"1"]
PAGES = [
    "README.md",
    *(
        f"docs/{name}.md"
        for name in (
            "architecture",
            "ci",
            "grafana",
            "operations",
            "performance",
            "relay",
            "subscribers",
            "upgrading",
        )
    ),
]
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
]


def test_generated_documents_are_up_to_date() -> None:
    assert document.main(["--check"]) == 0


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("mark", [None, *get_args(Mark)])
def test_every_notification_matches_the_schema(body: bytes, mark: Mark | None) -> None:
    made = notification(record_from(body), mark=mark, run="1")
    jsonschema.validate(json.loads(made.message), SCHEMA)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_help(script: str) -> None:
    command = [sys.executable, f"scripts/{script}.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_run_with_another_python_says_so(script: str, tmp_path: Path) -> None:
    bare = [sys.executable, "-S", "-E", f"scripts/{script}.py"]  # without site-packages
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert ".venv/bin/python scripts/" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_links_in_documents_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


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
    for page in ("README.md", "docs/operations.md", "docs/subscribers.md"):
        text = (ROOT / page).read_text()
        for line in re.findall(
            r"scripts/(?:register|subscribe|doctor|events|run|deploy|destroy|plan|recover|cost)\.py[^\n`]*",
            text,
        ):
            assert set(re.findall(r"--[a-z-]+", line)) <= known, line
