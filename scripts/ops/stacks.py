"""A stage's two CloudFormation stacks, from the templates in ``.chalice/templates``."""

from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.config import APP
from ops.sdk import client

import botocore.exceptions

TEMPLATES = ROOT / ".chalice" / "templates"

_WAIT = {"Delay": 2, "MaxAttempts": 450}  # a quarter of an hour
_DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
_FAILED = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")


def table_stack(stage: str) -> str:
    """The name of the stack that holds a stage's table."""
    return f"{APP}-{stage}-table"


def messaging_stack(stage: str) -> str:
    """The name of the stack that holds all the rest."""
    return f"{APP}-{stage}-messaging"


def outputs(stack: str) -> dict[str, str] | None:
    """A stack's outputs, or None where there is no such stack."""
    found = _describe(stack)
    if found is None:
        return None
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def bring_up(stage: str, alarm_email: str | None = None, *, ordered: bool = False) -> None:
    """Make both stacks of a stage match the templates. ``alarm_email``: the address that gets the
    alarms; None leaves it as it is. ``ordered``: make the events topic of a new stage a FIFO topic;
    that of a stage that exists stays as it is. Raises Failure.
    """
    _bring_up(table_stack(stage), "table.yaml", stage, {})
    more = {} if alarm_email is None else {"AlarmEmail": alarm_email}
    if ordered:
        more["Ordered"] = "true"
    _bring_up(messaging_stack(stage), "messaging.yaml", stage, more)


def delete(stack: str) -> None:
    """Delete a stack, if there is one. Raises Failure."""
    if _describe(stack) is None:
        return
    client("cloudformation").delete_stack(StackName=stack)
    _wait("stack_delete_complete", stack)


def _describe(stack: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack, or None where there is none."""
    try:
        stacks = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    alive = [each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"]
    return alive[0] if alive else None


def _bring_up(stack: str, template: str, stage: str, more: dict[str, str]) -> None:
    found = _describe(stack)
    if found and found["StackStatus"] in _DEAD:
        delete(stack)  # its first creation failed; nothing can be done with it but this
        found = None
    if found and found["StackStatus"].endswith("_IN_PROGRESS"):
        raise Failure(f"Stack {stack} is being changed by somebody else; try again in a while.")
    before = {
        each["ParameterKey"]: each["ParameterValue"] for each in (found or {}).get("Parameters", [])
    }
    parameters = before | {"Stage": stage} | more
    request: dict[str, Any] = {
        "StackName": stack,
        "TemplateBody": (TEMPLATES / template).read_text(),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Tags": [
            {"Key": "project", "Value": APP},
            {"Key": "stage", "Value": stage},
        ],
    }
    if found is None:
        client("cloudformation").create_stack(**request)
        _wait("stack_create_complete", stack)
    elif _update(request, changed=parameters != before):
        _wait("stack_update_complete", stack)


def _update(request: dict[str, Any], *, changed: bool) -> bool:
    """Start an update; False where there is nothing to change."""
    if not changed and _template(request["StackName"]) == request["TemplateBody"]:
        return False
    try:
        client("cloudformation").update_stack(**request)
    except botocore.exceptions.ClientError as error:
        if "No updates" in error.response["Error"].get("Message", ""):
            return False
        raise
    return True


def _template(stack: str) -> Any:
    """A stack's template; None where CloudFormation does not tell."""
    try:
        return client("cloudformation").get_template(StackName=stack).get("TemplateBody")
    except botocore.exceptions.ClientError:
        return None


def _wait(what: str, stack: str) -> None:
    try:
        waiter = client("cloudformation").get_waiter(what)
        # The first look comes at once.
        waiter.wait(StackName=stack, WaiterConfig=_WAIT)
    except botocore.exceptions.WaiterError as error:
        raise Failure(f"Stack {stack} failed. {_reasons(stack)}") from error


def _reasons(stack: str) -> str:
    """What CloudFormation says of the resources that failed."""
    events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event.get("ResourceStatus") in _FAILED
        and "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    return " ".join(failed) or "Look at its events in the console."
