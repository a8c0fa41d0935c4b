"""What CI needs to deploy a stage without our scripts: a package and a template. The template is
Chalice's own with all of a stage merged in that it lacks, so that one stack is the whole stage.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.deploying import bytecode, roles, throttling
from ops.deploying.chalice_cli import INCOMPLETE
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import templates
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES
from ops.stage.templates import Template

from chalice.utils import to_cfn_resource_name

_PACKED = ("app.py", "requirements.txt", "chalicelib", "vendor")
_LAST_LINES = 8
_ANY_REGION = "us-east-1"  # Chalice wants one; nothing of what it writes depends on it

# The stage within its own template: names that CloudFormation replaces.
STAGE = Stage(
    name="${Stage}",
    table_name="${EventsTable}",
    stream_arn="${EventsTable.StreamArn}",
    topic_arn="${EventsTopic}",
    alerts_topic_arn="${AlertsTopic}",
    spill_queue_url="${SpillQueue}",
    dead_letter_queue_url="${DeadLetterQueue}",
    dead_letter_queue_arn="${DeadLetterQueue.Arn}",
)
_SOURCES = {
    "stream_arn": ("Stream", "${EventsTable.StreamArn}"),
    "queue_arn": ("Queue", "${SpillQueue.Arn}"),
}


def make(stage: str, out: Path) -> None:
    """Write ``deployment.zip`` and ``sam.json`` of a stage into the folder ``out``. Nothing of this
    clone is changed. Raises Failure.
    """
    with tempfile.TemporaryDirectory(prefix="marathon-events-package-") as made:
        clone = Path(made) / "clone"
        _copy(clone)
        bytecode.make_alone(clone)
        merged = Path(made) / "merge.json"
        merged.write_text(json.dumps(merge()))
        _package(clone, stage, merged, Path(made) / "out")
        out.mkdir(parents=True, exist_ok=True)
        for name in ("deployment.zip", "sam.json"):
            shutil.copy(Path(made) / "out" / name, out / name)


def _copy(clone: Path) -> None:
    """All of this clone that Chalice packs and reads."""
    without_bytecode = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
    shutil.copytree(ROOT / ".chalice", clone / ".chalice", ignore=without_bytecode)
    for name in _PACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, clone / name, ignore=without_bytecode)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, clone / name)


def _package(clone: Path, stage: str, merged: Path, out: Path) -> None:
    chalice = Path(sys.executable).with_name("chalice")
    done = subprocess.run(
        [chalice, "package", "--stage", stage, "--merge-template", merged, out],
        cwd=clone,
        env=os.environ | {"AWS_DEFAULT_REGION": _ANY_REGION},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode or INCOMPLETE in done.stdout:
        said = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-_LAST_LINES:])
        raise Failure(f"chalice package failed:\n{said}")


def merge() -> Template:
    """Parameters, resources and outputs of both our templates, and what the table of functions and
    the API's limits say.
    """
    merged: Template = {}
    for name in ("table.yaml", "messaging.yaml"):
        read = templates.parse((TEMPLATES / name).read_text())
        for section in ("Parameters", "Conditions", "Resources", "Outputs"):
            merged.setdefault(section, {}).update(read.get(section, {}))
    for function in FUNCTIONS:
        merged["Resources"][logical_name(function)] = {"Properties": _function(function)}
    # Without its version SAM makes a second stage of the API, named Stage.
    api = {"MethodSettings": _limits(), "OpenApiVersion": "2.0"}
    merged["Resources"]["RestAPI"] = {"Properties": api}
    return merged


def logical_name(function: Function) -> str:
    """The name that Chalice gives a function in its template."""
    if function.chalice_name == "api_handler":
        return "APIHandler"
    return str(to_cfn_resource_name(function.chalice_name))


def _function(function: Function) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "FunctionName": function.lambda_name(STAGE.name),
        "Environment": {"Variables": STAGE.environment()},
        "Role": f"${{{roles.logical_name(function)}.Arn}}",
    }
    if function.feed:
        source, arn = _SOURCES[function.feed.arn_key]
        kind = to_cfn_resource_name(function.feed.resource_type)
        name = f"{logical_name(function)}{kind}Source"
        mapping = {source: arn, **function.mapping(STAGE)}
        properties["Events"] = {name: {"Properties": mapping}}
    found: dict[str, Any] = replaced(properties)
    return found


def _limits() -> list[dict[str, Any]]:
    limits = []
    for method, (rate, burst) in throttling.LIMITS.items():
        path, _, verb = method.rpartition("/")
        limits.append(
            {
                "ResourcePath": path,
                "HttpMethod": verb,
                "ThrottlingRateLimit": int(rate),
                "ThrottlingBurstLimit": int(burst),
            }
        )
    return limits


def replaced(value: Any) -> Any:
    """The same with every text in which CloudFormation has to replace a name marked as such."""
    match value:
        case dict():
            return {name: replaced(each) for name, each in value.items()}
        case list():
            return [replaced(each) for each in value]
        case str() if "${" in value:
            return {"Fn::Sub": value}
    return value
