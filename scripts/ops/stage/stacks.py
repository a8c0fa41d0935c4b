"""A stage's two CloudFormation stacks, from the templates in ``.chalice/templates``."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops import ROOT
from ops.cli import Failure, say
from ops.stage import templates
from ops.stage.clients import client, if_there
from ops.stage.config import APP
from ops.stage.templates import Template

import botocore.exceptions

TEMPLATES = ROOT / ".chalice" / "templates"

_WAIT = {"Delay": 2, "MaxAttempts": 450}  # a quarter of an hour
_TRIES = 3
_QUEUE_NAME_SECONDS = 60
_QUEUE_DELETED = ("QueueDeletedRecently", "wait 60 seconds after deleting a queue")
_DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
_FAILED = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")


def table_stack(stage: str) -> str:
    """The name of the stack that holds a stage's table."""
    return f"{APP}-{stage}-table"


def messaging_stack(stage: str) -> str:
    """The name of the stack that holds all the rest."""
    return f"{APP}-{stage}-messaging"


def whole_stack(stage: str) -> str:
    """The name of the one stack that is a whole stage, where CI deployed it without our scripts."""
    return f"{APP}-{stage}"


def outputs(stack: str) -> dict[str, str] | None:
    """A stack's outputs, or None where there is no such stack."""
    found = _describe(stack)
    if found is None:
        return None
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def parameters(stage: str) -> dict[str, str]:
    """The parameters of the stack that holds all but the table; none where there is no such
    stack.
    """
    found = _describe(messaging_stack(stage)) or _describe(whole_stack(stage)) or {}
    return _parameters(found)


def alarms(stage: str) -> list[str]:
    """The names of a stage's alarms, by the template. Their common beginning would not do: those of
    stage prod-eu begin like those of prod.
    """
    made = templates.parse((TEMPLATES / "messaging.yaml").read_text())["Resources"].values()
    names = (e["Properties"]["AlarmName"] for e in made if e["Type"] == "AWS::CloudWatch::Alarm")
    return [each["Fn::Sub"].replace("${Stage}", stage) for each in names]


def bring_up(stage: str, alarm_email: str | None = None, *, ordered: bool = False) -> None:
    """Make both stacks of a stage match the templates. ``alarm_email``: the address that gets the
    alarms; None leaves it as it is. ``ordered``: make the events topic of a new stage a FIFO topic;
    that of a stage that exists stays as it is. Raises Failure.
    """
    for stack, template, more in _stacks(stage, alarm_email, ordered=ordered):
        _bring_up(stack, template, stage, more)


def creations(stage: str) -> list[dict[str, Any]]:
    """What CloudFormation is asked for to make both stacks of a new stage."""
    return [_request(stack, name, stage, more, None)[0] for stack, name, more in _stacks(stage)]


def begin_table_anew(stage: str) -> None:
    """Begin to make the table of a stage that somebody deleted: its stack still believes in it.
    Raises Failure.
    """
    delete(table_stack(stage))
    table, _ = creations(stage)
    client("cloudformation").create_stack(**table)


def end_table_anew(stage: str) -> None:
    """Wait until what ``begin_table_anew`` began is done. Raises Failure."""
    wait("stack_create_complete", table_stack(stage))


@dataclass(frozen=True)
class Changes:
    """What an update of one stack would do. ``before``: its present template, None for a new stack.
    ``changes``: CloudFormation's own ``ResourceChange`` of each resource.
    """

    stack: str
    before: Template | None
    after: Template
    parameters: dict[str, str]
    changes: list[dict[str, Any]]


def changes(stage: str, alarm_email: str | None = None) -> Iterator[Changes]:
    """What ``bring_up`` would do, by stack; a stack that stays as it is has none. It asks by change
    sets, and executes none. Raises Failure.
    """
    for stack, template, more in _stacks(stage, alarm_email):
        found = _alive(stack)
        request, changed = _request(stack, template, stage, more, found)
        after = templates.parse(request["TemplateBody"])
        present = _template(stack) if found else None
        if found is None:
            # A change set would leave an empty stack behind.
            yield Changes(stack, None, after, _parameters(request), [])
        elif changed or present != request["TemplateBody"]:
            before = templates.parse(present) if isinstance(present, str) else dict(present or {})
            yield Changes(stack, before, after, _parameters(request), _change_set(request))


def _change_set(request: dict[str, Any]) -> list[dict[str, Any]]:
    """What a change set says; it is deleted again. Raises Failure."""
    cloudformation = client("cloudformation")
    name = f"plan-{uuid.uuid4().hex}"
    made = cloudformation.create_change_set(**request, ChangeSetName=name, ChangeSetType="UPDATE")
    try:
        _wait_for_change_set(made["Id"])
        pages = cloudformation.get_paginator("describe_change_set").paginate(
            ChangeSetName=made["Id"]
        )
        return [each["ResourceChange"] for page in pages for each in page.get("Changes", [])]
    finally:
        cloudformation.delete_change_set(ChangeSetName=made["Id"])


def _wait_for_change_set(id_: str) -> None:
    try:
        waiter = client("cloudformation").get_waiter("change_set_create_complete")
        waiter.wait(ChangeSetName=id_, WaiterConfig=_WAIT)
    except botocore.exceptions.WaiterError as error:
        reason = str(error.last_response.get("StatusReason", error))
        if not any(each in reason for each in ("No updates", "didn't contain changes")):
            raise Failure(f"CloudFormation can't say what would change: {reason}") from error


def delete(stack: str) -> None:
    """Delete a stack, if there is one. Raises Failure."""
    if _describe(stack) is None:
        return
    client("cloudformation").delete_stack(StackName=stack)
    wait("stack_delete_complete", stack)


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


def _stacks(
    stage: str, alarm_email: str | None = None, *, ordered: bool = False
) -> list[tuple[str, str, dict[str, str]]]:
    """Each stack, its template, and the parameters that are given anew."""
    more = {} if alarm_email is None else {"AlarmEmail": alarm_email}
    if ordered:
        more["Ordered"] = "true"
    return [
        (table_stack(stage), "table.yaml", {}),
        (messaging_stack(stage), "messaging.yaml", more),
    ]


def _alive(stack: str) -> dict[str, Any] | None:
    """A stack that can be updated, or None where it must be made. Raises Failure."""
    found = _describe(stack)
    if found and found["StackStatus"].endswith("_IN_PROGRESS"):
        raise Failure(f"Stack {stack} is being changed by somebody else; try again in a while.")
    return None if found and found["StackStatus"] in _DEAD else found


def _request(
    stack: str, template: str, stage: str, more: dict[str, str], found: dict[str, Any] | None
) -> tuple[dict[str, Any], bool]:
    """What CloudFormation is asked for, and whether parameters change."""
    before = _parameters(found or {})
    after = before | {"Stage": stage} | more
    request: dict[str, Any] = {
        "StackName": stack,
        "TemplateBody": (TEMPLATES / template).read_text(),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in after.items()
        ],
        "Capabilities": ["CAPABILITY_IAM"],  # the functions' roles
        "Tags": [
            {"Key": "project", "Value": APP},
            {"Key": "stage", "Value": stage},
        ],
    }
    return request, after != before


def _parameters(stack: dict[str, Any]) -> dict[str, str]:
    return {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}


def _bring_up(stack: str, template: str, stage: str, more: dict[str, str]) -> None:
    found = _alive(stack)
    request, changed = _request(stack, template, stage, more, found)
    if found is None:
        _clear_failed(stack, stage)
        _create(request)
    elif _update(request, changed=changed):
        wait("stack_update_complete", stack)


def _clear_failed(stack: str, stage: str) -> None:
    """Delete a stack whose first creation failed, if there is one: nothing else can be done with
    it. Its deletion protection may have kept a table that nothing was written to; that goes, too,
    or its name would be taken.
    """
    if _describe(stack) is None:
        return
    table = f"{APP}-{stage}"
    left = stack == table_stack(stage) and _is_empty(table)
    dynamodb = client("dynamodb")
    if left:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig=_WAIT)
    delete(stack)
    if left and _is_empty(table):
        dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig=_WAIT)


def _is_empty(table: str) -> bool:
    """Whether a table is there and holds nothing at all."""
    page = if_there(client("dynamodb").scan, TableName=table, Limit=1, ConsistentRead=True)
    return page is not None and not page["Items"]


def _create(request: dict[str, Any]) -> None:
    """Make a stack; also shortly after its queues were deleted. Raises Failure."""
    stack = request["StackName"]
    for left in reversed(range(_TRIES)):
        client("cloudformation").create_stack(**request)
        try:
            wait("stack_create_complete", stack)
            return
        except Failure as failure:
            if not left or not any(each in str(failure) for each in _QUEUE_DELETED):
                raise
            say(
                "A queue of this name was deleted less than a minute ago, and SQS keeps its name "
                f"for so long. Trying again in {_QUEUE_NAME_SECONDS} s …"
            )
            time.sleep(_QUEUE_NAME_SECONDS)
            delete(stack)


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


def wait(what: str, stack: str) -> None:
    """Wait for a stack, by the name of a waiter of the SDK. Raises Failure, with the reasons."""
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
