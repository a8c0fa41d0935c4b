"""What changes of a stage would lose, from what CloudFormation says, from the templates before and
after, and from the variables. Pure: no AWS call is made here.
"""

from collections.abc import Iterator
from typing import Any

from ops.stage.templates import Template

from chalicelib import settings

# What is lost with a resource, by its type. Others hold nothing: policies, alarms.
_WITH_IT = {
    "AWS::DynamoDB::Table": "all events, tokens and clusters: the functions would no longer see "
    "them (AWS keeps the old table)",
    "AWS::SNS::Topic": "the subscriptions of the topic",
    "AWS::SQS::Queue": "the messages that wait on the queue",
    "AWS::Logs::LogGroup": "what was logged there",
}

# Settings that count days or seconds of keeping something.
_KEEPING = {
    "RetentionInDays": "what was logged earlier than {after} days ago",
    "MessageRetentionPeriod": "messages that wait for more than {after} seconds",
}

Loss = tuple[str, str]
"""A resource's logical name, and what would be lost."""


def of_change(change: dict[str, Any]) -> str:
    """What a resource's change (of a change set) would lose; empty for nothing."""
    lost = _WITH_IT.get(change["ResourceType"], "")
    if change["Action"] == "Remove" or change.get("Replacement") == "True":
        return lost
    return f"perhaps {lost}" if lost and change.get("Replacement") == "Conditional" else ""


def of_templates(before: Template, after: Template, parameters: dict[str, str]) -> Iterator[Loss]:
    """What is lost though its resource stays. ``parameters``: the values of the stack's own."""
    for name, resource in after["Resources"].items():
        old = before.get("Resources", {}).get(name)
        if old is None or old["Type"] != resource["Type"]:
            continue
        had, has = old.get("Properties", {}), resource.get("Properties", {})
        if resource["Type"] == "AWS::DynamoDB::Table":
            for lost in _of_table(had, has):
                yield name, lost
        for setting, lost in _KEEPING.items():
            kept, keeps = (_number(each.get(setting), parameters) for each in (had, has))
            if kept and keeps and keeps < kept:
                yield name, lost.format(after=keeps)


def of_variable(name: str, was: str, will: str) -> str:
    """What another value of a stage's variable would lose; empty for nothing."""
    if name == "RETENTION_DAYS":
        before, after = (settings.retention_days({name: each}) for each in (was, will))
        if after and (not before or after < before):
            longer = f"{before} days" if before else "never"
            return f"new events after {after} days, where until now it was {longer}"
    if name == "NOTIFY_ENV" and will == "full":
        return "the masks in notifications: subscribers would see passwords in env"
    return ""


def _of_table(had: dict[str, Any], has: dict[str, Any]) -> Iterator[str]:
    gone = _indexes(had) - _indexes(has)
    for index in sorted(gone):
        yield f"its index {index}: what reads it finds nothing"
    recovery = "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"
    if _holds(had, *recovery) and not _holds(has, *recovery):
        yield "its point-in-time recovery: nothing brings back what is deleted"
    if had.get("StreamSpecification") != has.get("StreamSpecification"):
        yield "its stream: events that fanout has not read yet are not notified of"


def _indexes(table: dict[str, Any]) -> set[str]:
    return {each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])}


def _holds(table: dict[str, Any], specification: str, setting: str) -> bool:
    return table.get(specification, {}).get(setting) is True


def _number(value: Any, parameters: dict[str, str]) -> int:
    """A number, perhaps one that a parameter gives; 0 if it is not known."""
    if isinstance(value, dict):
        value = parameters.get(value.get("Ref", ""))
    return int(value) if str(value).isdecimal() else 0
