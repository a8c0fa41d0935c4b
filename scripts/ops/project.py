"""The Chalice project in this clone: its config, its records of deploys, and its command."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure, progress
from ops.stage import CONFIG, DEPLOYED, config, deployed_file, known_stages

# Chalice goes on without a dependency that has no wheel for Lambda, and only says so.
_INCOMPLETE = "Could not install dependencies"


def check_stage(name: str) -> None:
    """Raises Failure for a stage that the config does not have."""
    stages = known_stages()
    if name not in stages:
        asked = f"There is no stage {name!r}." if name else "Which stage?"
        raise Failure(
            f"{asked} .chalice/config.json has: {', '.join(stages)}. "
            f"Say for example: make deploy STAGE={stages[0]}. For a new stage, copy one in the "
            "config, and its three files in .chalice/policies."
        )


def set_environment(name: str, environment: dict[str, str]) -> None:
    """Write a stage's resources into its ``environment_variables``; what people set there stays.
    An empty value takes a variable out.
    """
    read = config()
    variables = read["stages"][name].get("environment_variables", {}) | environment
    kept = {key: value for key, value in variables.items() if value}
    read["stages"][name]["environment_variables"] = kept
    CONFIG.write_text(json.dumps(read, indent=2) + "\n")


def write_record(name: str, record: dict[str, Any]) -> None:
    """Let Chalice know what is deployed."""
    DEPLOYED.mkdir(parents=True, exist_ok=True)
    deployed_file(name).write_text(json.dumps(record, indent=2) + "\n")


def chalice(command: str, stage: str) -> None:
    """Run ``chalice deploy`` or ``chalice delete``, and show what it does. Raises Failure."""
    _drop_broken_packages()
    program = Path(sys.executable).with_name("chalice")
    with subprocess.Popen(
        [str(program), command, "--stage", stage],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        told = [line.rstrip() for line in _shown(process)]
    if process.returncode != 0:
        last = next((line for line in reversed(told) if line.strip()), "it says nothing")
        raise Failure(f"chalice {command} failed: {last}")
    if any(_INCOMPLETE in line for line in told):
        raise Failure(
            "Chalice deployed without a dependency that has no wheel for Lambda (see above): the "
            "functions won't run. Change its version in requirements.txt and deploy again."
        )


def _drop_broken_packages() -> None:
    """Chalice would take up again what it was interrupted in writing."""
    for package in (ROOT / ".chalice" / "deployments").glob("*.zip"):
        if not zipfile.is_zipfile(package):
            package.unlink()


def _shown(process: "subprocess.Popen[str]") -> list[str]:
    """All that a process says; its tracebacks are not for the user's eyes."""
    told = []
    in_traceback = False
    for line in process.stdout or ():
        told.append(line)
        if line.startswith("Traceback "):
            in_traceback = True
        elif in_traceback and line.strip() and not line.startswith((" ", "\t")):
            in_traceback = False
        if not in_traceback and line.strip():
            progress.print(f"  {line.rstrip()}", style="dim", markup=False)
    return told
