"""``.chalice/config.json``: the stages, and what people and deploys set in them."""

import json
from collections.abc import Iterable
from typing import Any

from ops import ROOT
from ops.cli import Failure

APP = "marathon-events"
# With these the names of what a stage has go on after the stage's own. So no stage next to it may
# be called like that.
NAMES_IN_A_STAGE = "alarms", "alerts", "deliver", "fanout", "messaging", "restore", "table", "watch"
CONFIG = ROOT / ".chalice" / "config.json"


def config() -> dict[str, Any]:
    """The whole file."""
    read: dict[str, Any] = json.loads(CONFIG.read_text())
    return read


def known_stages() -> list[str]:
    """The stages that the config has."""
    return list(config()["stages"])


def check_stage(name: str) -> None:
    """Raises Failure for a stage that the config does not have."""
    stages = known_stages()
    if name not in stages:
        raise Failure(
            f"There is no stage {name!r}. .chalice/config.json has: {', '.join(stages)}. "
            f"Say for example: make deploy STAGE={stages[0]}. For a new stage, copy one in the "
            "config and give it a name of its own."
        )
    for other in stages:
        if name.removeprefix(f"{other}-") in NAMES_IN_A_STAGE and name.startswith(f"{other}-"):
            raise Failure(
                f"What stage {name} is made of would have names that stage {other} uses already: "
                "give it another name in .chalice/config.json."
            )


def variables(name: str) -> dict[str, str]:
    """What people set for a stage's functions."""
    found: dict[str, str] = config()["stages"].get(name, {}).get("environment_variables", {})
    return found


def function_settings(stage: str, chalice_name: str) -> dict[str, Any]:
    """What the config sets for a function of a stage, by Chalice's rules."""
    whole = config()
    settings = whole["stages"][stage]
    functions = (
        each.get("lambda_functions", {}).get(chalice_name, {}) for each in (whole, settings)
    )
    of_app, of_stage = functions
    found: dict[str, Any] = whole | of_app | settings | of_stage
    return found


def set_resources(name: str, values: dict[str, str], roles: dict[str, str]) -> bool:
    """Write a stage's resources into its settings: ``values`` into its ``environment_variables``,
    ``roles`` (ARNs by Chalice's names of functions) beside its functions. What people set there
    stays; no roles take out those that are there. Whether anything changed.
    """
    read = config()
    stage = read["stages"][name]
    before = json.dumps(stage)
    variables = stage.get("environment_variables", {}) | values
    stage["environment_variables"] = {key: value for key, value in variables.items() if value}
    functions = stage.pop("lambda_functions", {})
    for settings in functions.values():
        settings.pop("iam_role_arn", None)
    for function, arn in roles.items():
        functions.setdefault(function, {})["iam_role_arn"] = arn
    if kept := {function: settings for function, settings in functions.items() if settings}:
        stage["lambda_functions"] = kept
    changed = json.dumps(stage) != before
    if changed:
        _write(read)
    return changed


def forget_resources(name: str, values: Iterable[str]) -> None:
    """Take a stage's resources out of its settings: these variables, and all roles."""
    set_resources(name, dict.fromkeys(values, ""), {})


def api_policy(name: str) -> str:
    """The file in ``.chalice`` with the resource policy of a stage's API; empty for none."""
    whole = config()
    return str((whole | whole["stages"][name]).get("api_gateway_policy_file", ""))


def set_api_policy(name: str, file: str) -> None:
    """Name that file; empty for none."""
    read = config()
    stage = read["stages"][name]
    stage.pop("api_gateway_policy_file", None)
    if file:
        stage["api_gateway_policy_file"] = file
    _write(read)


def api_stage(name: str) -> str:
    """The name of the API's stage at API Gateway."""
    return str(config()["stages"][name].get("api_gateway_stage", "api"))


def _write(whole: dict[str, Any]) -> None:
    CONFIG.write_text(json.dumps(whole, indent=2) + "\n")
