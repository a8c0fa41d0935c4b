"""The stage: its functions, mappings, queues and subscribers. Nothing is removed from a queue."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from ops.deploying import mappings
from ops.deploying.functions import FUNCTIONS, REPORTS, Function
from ops.doctor import account_checks
from ops.doctor.findings import Finding, guarded
from ops.stage import deployed, queues
from ops.stage.clients import client
from ops.stage.deployed import Deployed
from ops.stage.resources import Stage
from ops.subscribing import chat, subscriptions

from chalicelib import times
from chalicelib.services import aws
from chalicelib.services.targets import undelivered_name

# Notifications usually come within two seconds; the alarm goes off at five minutes.
_BEHIND_SECONDS = 60
# By function: the finding's code, what is late, and what usually is the cause.
_LATE = {
    "fanout": ("fanout-behind", "Notifications are", "SNS"),
    "alerts": ("alerts-behind", "Alerts are", "the table"),
}
_SUBSCRIBE = ".venv/bin/python scripts/subscribe.py"


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
        ("subscribers-unknown", "The subscribers", _subscribers),
        ("alarm-mail-unknown", "Who gets the alarms", account_checks.alarms),
        ("concurrency-unknown", "The account's limits", account_checks.concurrency),
        ("targets-unknown", "The chat channels and pagers", _targets),
        ("undelivered-unknown", "What could not be delivered to subscribers", _undelivered),
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
    if REPORTS not in (mapping.get("FunctionResponseTypes") or []):
        findings.append(
            Finding(
                "error",
                "mapping-loses",
                f"The event source mapping of {name} lacks {REPORTS}: what the function could not "
                "do counts as done, and is lost.",
                f"make deploy STAGE={stage.name}",
            )
        )
    return findings


def _behind(stage: Stage, found: set[str]) -> list[Finding]:
    """How far the stream's readers are behind the table, if CloudWatch tells."""
    findings = []
    for function in FUNCTIONS:
        name = function.lambda_name(stage.name)
        if function.name not in _LATE or name not in found:
            continue
        age = _metric("AWS/Lambda", "IteratorAge", "FunctionName", name)
        if age is not None and age / 1000 > _BEHIND_SECONDS:
            code, what, usual = _LATE[function.name]
            message = f"{what} {times.duration(age / 1000)} behind what is stored."
            remedy = f"Look at the log /aws/lambda/{name}: usually it is {usual}."
            findings.append(Finding("warning", code, message, remedy))
    return findings


def _spill(stage: Stage) -> list[Finding]:
    waiting = queues.waiting(stage.spill_queue_url)
    if not waiting:
        return [Finding("ok", "spill-empty", "The spill queue is empty.")]
    oldest = _metric(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", stage.spill_queue_name
    )
    since = f", the oldest for {times.duration(oldest)}" if oldest else ""
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
            f".venv/bin/python scripts/events.py parked --stage {stage.name} says which, and why.",
        )
    ]


def _subscribers(stage: Stage) -> list[Finding]:
    found = list(subscriptions.listed(stage))
    counts = Counter(each.topic for each in found if each.arn)
    pending = len(found) - counts.total()
    if counts:
        waiting = f"; {pending} more did not confirm yet" if pending else ""
        counted = f"events {counts['events']}, alerts {counts['alerts']}{waiting}"
        return [Finding("ok", "subscribers", f"Subscribers: {counted}.")]
    if pending:
        return [
            Finding(
                "warning",
                "subscribers-unconfirmed",
                f"Nobody is notified: none of the {pending} subscribers has confirmed.",
                "Each must follow the link in the message that SNS sent (within two days; then "
                f"subscribe again: {_SUBSCRIBE} --stage {stage.name} --to TARGET).",
            )
        ]
    return [
        Finding(
            "warning",
            "subscribers-none",
            "Nobody is notified: neither events nor alerts have a subscriber.",
            f"{_SUBSCRIBE} --stage {stage.name} --to you@example.net. The events are in the table "
            "all the same.",
        )
    ]


def _targets(stage: Stage) -> list[Finding]:
    """What is wrong with chat channels and pagers, each named."""
    findings = []
    for target in chat.all_of(stage):
        for missing in chat.lacks(stage, target):
            message = f"{target.shown} lacks {missing}: it gets no alerts."
            remedy = f"{_SUBSCRIBE} --stage {stage.name} --to its address"
            findings.append(Finding("error", "target-lacks", message, remedy))
        count, why = chat.undelivered(stage, target)
        if count:
            because = f" The reason of one: {why}." if why else ""
            message = f"Alerts could not be delivered to {target.shown}: {count}.{because}"
            remedy = "docs/operations.md says what to do."
            findings.append(Finding("warning", "alerts-undelivered", message, remedy))
    return findings


def _undelivered(stage: Stage) -> list[Finding]:
    chats = {undelivered_name(stage.name, each.own) for each in chat.all_of(stage)}
    return [
        Finding(
            "warning",
            "messages-undelivered",
            f"Messages that SNS could not deliver to a subscriber lie in the queue {name}: "
            f"{count}.",
            f"{_SUBSCRIBE} --stage {stage.name} --list shows which subscriber. "
            "docs/operations.md says what to do.",
        )
        for name, count in subscriptions.undelivered(stage).items()
        if name not in chats
    ]


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
