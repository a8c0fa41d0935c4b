"""A stage's two CloudFormation stacks, from the templates in ``.chalice/templates``."""

from typing import Any

from ops import stage
from ops.cli import Failure
from ops.stage import TEMPLATES, Stage, client

import botocore.exceptions

_WAIT = {"Delay": 2, "MaxAttempts": 450}  # a quarter of an hour
_DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
_FAILED = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")


def make(name: str, alarm_email: str | None = None) -> Stage:
    """Bring both stacks of a stage to what the templates say. ``alarm_email``: who gets the alarms;
    None leaves it as it is. Raises Failure.
    """
    _bring_up(stage.table_stack(name), "table.yaml", name, {})
    more = {} if alarm_email is None else {"AlarmEmail": alarm_email}
    _bring_up(stage.messaging_stack(name), "messaging.yaml", name, more)
    return stage.find(name)


def delete(stack: str) -> None:
    """Delete a stack, if there is one. Raises Failure."""
    if stage.describe(stack) is None:
        return
    client("cloudformation").delete_stack(StackName=stack)
    _wait("stack_delete_complete", stack)


def _bring_up(stack: str, template: str, name: str, more: dict[str, str]) -> None:
    found = stage.describe(stack)
    if found and found["StackStatus"] in _DEAD:
        delete(stack)  # its first creation failed; nothing can be done with it but this
        found = None
    if found and found["StackStatus"].endswith("_IN_PROGRESS"):
        raise Failure(f"Stack {stack} is being changed by somebody else; try again in a while.")
    before = {
        each["ParameterKey"]: each["ParameterValue"] for each in (found or {}).get("Parameters", [])
    }
    parameters = before | {"Stage": name} | more
    request: dict[str, Any] = {
        "StackName": stack,
        "TemplateBody": (TEMPLATES / template).read_text(),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Tags": [
            {"Key": "project", "Value": stage.APP},
            {"Key": "stage", "Value": name},
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
