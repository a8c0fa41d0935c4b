"""The policies of a stage's functions: one file a function in ``.chalice/policies``, from which
those of each stage are made. They differ by the stage's name alone.
"""

import json
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage.config import known_stages

_FOLDER = ROOT / ".chalice" / "policies"
_STAGE = "${Stage}"


def write(stage: str) -> None:
    """Write the policies of a stage, which Chalice reads."""
    for path, text in rendered(stage).items():
        path.write_text(text)


def rendered(stage: str) -> dict[Path, str]:
    """The policies of a stage, by their files."""
    return {_FOLDER / f"{stage}-{each.name}.json": _text(stage, each) for each in FUNCTIONS}


def of(stage: str, function: Function) -> dict[str, Any]:
    """The policy of one function of a stage."""
    policy: dict[str, Any] = json.loads(_text(stage, function))
    return policy


def _text(stage: str, function: Function) -> str:
    return (_FOLDER / f"{function.name}.json").read_text().replace(_STAGE, stage)


def rendered_for_all() -> dict[Path, str]:
    """The policies of every stage that the config has."""
    return {path: text for stage in known_stages() for path, text in rendered(stage).items()}
