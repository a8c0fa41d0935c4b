"""The stage: its functions, mappings, queues and subscribers. Nothing is removed from a queue."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from ops import deployed, mappings, queues
from ops.deployed import Deployed
from ops.doctor.findings import Finding, duration, guarded
from ops.functions import FUNCTIONS, Function
from ops.sdk import client
from ops.stages import Stage

from chalicelib.services import aws

# Notifications usually come within two seconds; the alarm rings at five minutes.
_BEHIND_SECONDS = 60
_REPORTS = "ReportBatchItemFailures"
_PENDING = "PendingConfirmation"


def check(stage: Stage) -> list[Finding]:
    """All that can be seen of a stage."""
    if not stage.topic_arn:
        return [
            Finding(
                "error",
                "stage-destroyed",
                f"Stage {stage.name} is destroyed: only its table is left.",
                f"make deploy STAGE={stage.name}, then register Marathon again: the API gets "
                "another address.",
            )
        ]
    checks: list[tuple[str, str, Callable[[Stage], list[Finding]]]] = [
        ("functions-unknown", "The functions", _functions),
        ("spill-unknown", "The spill queue", _spill),
        ("dead-letters-unknown", "The dead-letter queue", _dead_letters),
        ("subscribers-unknown", "The subscribers of the events topic", _subscribers),
    ]
    return [
        finding
        for what, name, one in checks
        for finding in guarded(what, f"{name} of stage {stage.name}", partial(one, stage))
    ]


def _functions(stage: Stage) -> list[Finding]:
    found = set(mappings.existing_functions(stage.name))
    missing = [each for each in FUNCTIONS if each.lambda_name(stage.name) not in found]
    if len(missing) == len(FUNCTIONS) and _runs_elsewhere(stage):
        message = f"The functions of stage {stage.name} do not run in Lambda, so their mappings "
        return [Finding("ok", "functions-elsewhere", message + "can't be looked at.")]
    findings = [_missing(stage, each) for each in missing]
    for each in FUNCTIONS:
        if each.feed and each not in missing:
            findings += _mapping(stage, each)
    if not findings:
        message = f"The functions of stage {stage.name} are there, and so are their mappings."
        findings = [Finding("ok", "functions-there", message)]
    return findings + _behind(stage, found)


def _runs_elsewhere(stage: Stage) -> bool:
    """Whether the note of the stage's API names no function: Chalice always writes both, so the
    program that wrote it runs the functions itself (``make run``).
    """
    noted: Deployed = deployed.read_copy(stage) or {}
    kinds = [each.get("resource_type") for each in noted.get("resources", [])]
    return "rest_api" in kinds and "lambda_function" not in kinds


def _missing(stage: Stage, function: Function) -> Finding:
    return Finding(
        "error",
        "function-missing",
        f"The function {function.lambda_name(stage.name)} is not there.",
        f"make deploy STAGE={stage.name}",
    )


def _mapping(stage: Stage, function: Function) -> list[Finding]:
    """What is wrong with what hands a function its work."""
    name = function.lambda_name(stage.name)
    source = function.feed.source(stage) if function.feed else ""
    found = [e for e in mappings.of(function, stage.name) if e["EventSourceArn"].endswith(source)]
    if not found:
        message = f"Nothing hands {name} what it works on: its event source mapping is missing."
        return [Finding("error", "mapping-missing", message, f"make deploy STAGE={stage.name}")]
    mapping = found[0]
    findings = []
    if mapping.get("State") in ("Disabled", "Disabling"):
        findings.append(
            Finding(
                "error",
                "mapping-disabled",
                f"The event source mapping of {name} is disabled: nothing reaches it.",
                f"aws lambda update-event-source-mapping --uuid {mapping['UUID']} --enabled",
            )
        )
    if _REPORTS not in (mapping.get("FunctionResponseTypes") or []):
        findings.append(
            Finding(
                "error",
                "mapping-loses",
                f"The event source mapping of {name} lacks {_REPORTS}: what the function could not "
                "do counts as done, and is lost.",
                f"make deploy STAGE={stage.name}",
            )
        )
    return findings


def _behind(stage: Stage, found: set[str]) -> list[Finding]:
    """How far ``fanout`` is behind the table, if CloudWatch tells."""
    for function in FUNCTIONS:
        name = function.lambda_name(stage.name)
        if function.name == "fanout" and name in found:
            age = _metric("AWS/Lambda", "IteratorAge", "FunctionName", name)
            if age is not None and age / 1000 > _BEHIND_SECONDS:
                message = f"Notifications are {duration(age / 1000)} behind what is stored."
                remedy = f"Look at the log /aws/lambda/{name}: usually it is SNS."
                return [Finding("warning", "fanout-behind", message, remedy)]
    return []


def _spill(stage: Stage) -> list[Finding]:
    waiting = queues.waiting(stage.spill_queue_url)
    if not waiting:
        return [Finding("ok", "spill-empty", "The spill queue is empty.")]
    oldest = _metric(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", stage.spill_queue_name
    )
    since = f", the oldest for {duration(oldest)}" if oldest else ""
    return [
        Finding(
            "warning",
            "spill-waiting",
            f"Messages that the table could not take wait on the spill queue: {waiting}{since}.",
            "They go into the table by themselves once it is available. If they do not within a "
            "quarter of an hour, look at the log of the function restore.",
        )
    ]


def _dead_letters(stage: Stage) -> list[Finding]:
    waiting = queues.waiting(stage.dead_letter_queue_url)
    if not waiting:
        return [Finding("ok", "dead-letters-none", "There are no dead letters.")]
    return [
        Finding(
            "warning",
            "dead-letters",
            f"Dead letters, which could not be published or stored: {waiting}.",
            f".venv/bin/python scripts/events.py parked --stage {stage.name} tells which and why.",
        )
    ]


def _subscribers(stage: Stage) -> list[Finding]:
    arns = list(_subscriptions(stage.topic_arn))
    pending = arns.count(_PENDING)
    if len(arns) > pending:
        waiting = f"; {pending} more did not confirm yet" if pending else ""
        message = f"Subscribers of the events topic: {len(arns) - pending}{waiting}."
        return [Finding("ok", "subscribers", message)]
    if pending:
        return [
            Finding(
                "warning",
                "subscribers-unconfirmed",
                f"Nobody hears of events: none of the {pending} subscribers of the events topic "
                "has confirmed.",
                "Each must follow the link in the message that SNS sent (within three days; then "
                "subscribe again).",
            )
        ]
    return [
        Finding(
            "warning",
            "subscribers-none",
            "Nobody hears of events: the events topic has no subscriber.",
            f"aws sns subscribe --topic-arn {stage.topic_arn} … (README.md shows a whole line). "
            "The events are in the table all the same.",
        )
    ]


def _subscriptions(topic: str) -> Iterator[str]:
    pages = client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for page in pages:
        for each in page["Subscriptions"]:
            yield str(each["SubscriptionArn"])


def _metric(namespace: str, name: str, dimension: str, value: str) -> float | None:
    """The newest value of the last ten minutes; None where CloudWatch does not tell."""
    now = datetime.now(UTC)
    try:
        points = client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": dimension, "Value": value}],
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
    except aws.ERRORS:
        return None
    newest = max(points, key=lambda each: each["Timestamp"], default=None)
    return float(newest["Maximum"]) if newest else None
