"""What ``chalice deploy`` made of a stage, as Chalice noted it: in this clone, and in a copy that
is kept with the stage, so that any clone can continue.
"""

import json
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.stages import Stage

from chalicelib.services import deployed

_FOLDER = ROOT / ".chalice" / "deployed"
_BEGUN_KEY = {"pk": {"S": "#stage"}, "sk": {"S": "begun"}}

Deployed = dict[str, Any]
"""Chalice's own JSON: ``{"resources": [{"name", "resource_type", …}], …}``."""


def local_file(name: str) -> Path:
    """Where Chalice writes it in this clone."""
    return _FOLDER / f"{name}.json"


def read_local(name: str) -> Deployed | None:
    """What this clone knows about a stage; None if it knows nothing."""
    file = local_file(name)
    noted: Deployed | None = json.loads(file.read_text()) if file.exists() else None
    return noted if noted and noted.get("resources") else None


def write_local(name: str, noted: Deployed) -> None:
    """Let Chalice know what is deployed."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    local_file(name).write_text(json.dumps(noted, indent=2) + "\n")


def forget_local(name: str) -> None:
    """Let Chalice know that nothing is deployed."""
    local_file(name).unlink(missing_ok=True)


def read_copy(stage: Stage) -> Deployed | None:
    """The copy that is kept with the stage. It remains after a destroy. This does no harm, since
    Chalice checks what exists.
    """
    return deployed.read(stage.table)


def keep_copy(stage: Stage, noted: Deployed) -> None:
    """Keep a copy with the stage; its deploy has ended."""
    item = {"kind": {"S": "stage"}, "record": {"S": json.dumps(noted)}}
    stage.table.put(deployed.KEY | item)
    stage.table.delete(_BEGUN_KEY)


def begin(stage: Stage) -> None:
    """Note that a first deploy has begun: if it fails half-way, Chalice writes nothing down, and
    the functions that it made are still ours.
    """
    if read_copy(stage) is None:
        stage.table.put(_BEGUN_KEY | {"kind": {"S": "stage"}})


def has_begun(stage: Stage) -> bool:
    """Whether a first deploy has begun that has not ended."""
    return stage.table.get(_BEGUN_KEY) is not None


def find_api(stage: Stage) -> dict[str, Any] | None:
    """The API of a stage. None where the stage has been destroyed."""
    if not stage.topic_arn:
        return None
    return deployed.rest_api(read_copy(stage) or read_local(stage.name) or {})


def api_url(stage: Stage) -> str:
    """The address of the stage's API, without a slash at its end. Raises Failure."""
    api = find_api(stage)
    if api is None:
        raise Failure(
            f"Stage {stage.name} has no API yet. Deploy it first: make deploy STAGE={stage.name}, "
            "or give the API's address with --url."
        )
    return deployed.address(api)
