"""The functions' roles: resources of the stage's template, here named and found."""

from typing import Any

from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import stacks


def logical_name(function: Function) -> str:
    """The role's name in the template."""
    return f"{function.name.capitalize()}Role"


def arns(stage: str) -> dict[str, str]:
    """The ARNs of a stage's roles, by the names that Chalice's config has for their functions.
    Empty where the stack has none: it is gone, or older than its roles.
    """
    found = stacks.outputs(stacks.messaging_stack(stage)) or {}
    named = {each.chalice_name: f"{logical_name(each)}Arn" for each in FUNCTIONS}
    return {name: found[output] for name, output in named.items() if output in found}


def actions(role: dict[str, Any]) -> set[str]:
    """What a role of a template allows."""
    statements = (
        statement
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    )
    return {action for each in statements for action in each["Action"]}
