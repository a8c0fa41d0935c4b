"""What ``chalice deploy`` made of a stage, as Chalice noted it: in this clone, and in a copy that
is kept with the stage, so that any clone can continue.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.stage.resources import Stage

from chalicelib import VERSION
from chalicelib.services.deployed import KEY, address, read, rest_api

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
    deployed: Deployed | None = json.loads(file.read_text()) if file.exists() else None
    return deployed if deployed and deployed.get("resources") else None


def write_local(name: str, deployed: Deployed) -> None:
    """Let Chalice know what is deployed."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    local_file(name).write_text(json.dumps(deployed, indent=2) + "\n")


def forget_local(name: str) -> None:
    """Let Chalice know that nothing is deployed."""
    local_file(name).unlink(missing_ok=True)


def read_copy(stage: Stage) -> Deployed | None:
    """The copy that is kept with the stage. It remains after a destroy. This does no harm, since
    Chalice checks what exists.
    """
    return read(stage.table)


def keep_copy(stage: Stage, deployed: Deployed, package: str = "") -> None:
    """Keep a copy with the stage; its deploy has ended. ``package``: Lambda's hash of the package,
    by which ``read_code`` tells whether anything else was deployed since.
    """
    code = {"digest": digest_of_code(), "sha256": package, "version": VERSION}
    item = {"record": {"S": json.dumps(deployed)}, "code": {"S": json.dumps(code)}}
    stage.table.put(KEY | {"kind": {"S": "stage"}} | item)
    stage.table.delete(_BEGUN_KEY)


def read_code(stage: Stage) -> dict[str, str] | None:
    """The code that ``make deploy`` put there last: its ``digest``, its ``version``, and Lambda's
    hash of the package, ``sha256``. None if it is not known.
    """
    kept = stage.table.get(KEY) or {}
    code: dict[str, str] | None = json.loads(kept["code"]) if "code" in kept else None
    return code


def digest_of_code() -> str:
    """A hash of all that is packed from this clone, and of the Python that packs it."""
    found = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for path in sorted(_packed()):
        found.update(f"\0{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _packed() -> Iterator[Path]:
    yield from (ROOT / "app.py", ROOT / "requirements.txt")
    for folder in ("chalicelib", "vendor"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


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
    if stage.api_url:
        return {"rest_api_id": stage.api_id, "rest_api_url": stage.api_url}
    return rest_api(read_copy(stage) or read_local(stage.name) or {})


def api_url(stage: Stage) -> str:
    """The address of the stage's API, without a slash at its end. Raises Failure."""
    api = find_api(stage)
    if api is None:
        raise Failure(
            f"Stage {stage.name} has no API yet. Deploy it first: make deploy STAGE={stage.name}, "
            "or give the API's address with --url."
        )
    return address(api)
