"""The event source mappings: what Chalice makes of them, and what it can't set."""

import json
import time
from typing import Any

from ops.cli import Failure, progress
from ops.stage import APP, Stage, client

import botocore.exceptions

_SETTLE_SECONDS = 180
_BUSY = ("Creating", "Enabling", "Updating", "Disabling")

# A record of the table that is new. Filtered records cost no invocation; the code checks again.
_NEW_RECORDS = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["record"]}}}}

# SNS may be away for half a day, and another half is left to fetch the records from the stream.
_MAXIMUM_AGE_SECONDS = 43_200


def function_name(stage: str, function: str) -> str:
    """The name that Chalice gives a function."""
    return f"{APP}-{stage}" if function == "api_handler" else f"{APP}-{stage}-{function}"


def function_arn(stage: str, function: str) -> str | None:
    """A function's ARN, or None where there is none."""
    name = function_name(stage, function)
    try:
        found = client("lambda").get_function(FunctionName=name)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return str(found["Configuration"]["FunctionArn"])


def existing_functions(stage: str) -> list[str]:
    """The names of those of the stage's functions that there are."""
    functions = ("api_handler", "fanout", "restore")
    return [function_name(stage, each) for each in functions if function_arn(stage, each)]


def of_function(stage: str, function: str) -> list[dict[str, Any]]:
    """The mappings of a function."""
    arn = function_arn(stage, function)
    if arn is None:
        return []
    pages = client("lambda").get_paginator("list_event_source_mappings").paginate(FunctionName=arn)
    found = [each for page in pages for each in page["EventSourceMappings"]]
    return [each for each in found if each.get("State") != "Deleting"]


def tidy(stage: Stage, record: dict[str, Any]) -> dict[str, Any]:
    """Make what Chalice recorded agree with the mappings that there are, and drop those that read
    another stream than the table's present one: Chalice would leave ``fanout`` on the dead one.

    Chalice makes a mapping anew that it has no record of (after a deploy that failed half-way),
    which AWS refuses; so a mapping that is there is recorded.
    """
    resources = [each for each in record.get("resources", []) if "event_uuid" not in each]
    for function, source, resource_type, key in (
        ("fanout", stage.stream_arn, "dynamodb_event", "stream_arn"),
        ("restore", queue_name(stage), "sqs_event", "queue_arn"),
    ):
        found = of_function(stage.name, function)
        present = [each for each in found if each["EventSourceArn"].endswith(source)]
        for mapping in found:
            if mapping not in present[:1]:
                client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
        resources += [_recorded(each, function, resource_type, key) for each in present[:1]]
    return {"schema_version": "2.0", "backend": "api", **record, "resources": resources}


def queue_name(stage: Stage) -> str:
    """The name of the spill queue, with which its URL and its ARN end."""
    return stage.spill_queue_url.rstrip("/").rpartition("/")[2]


def settle(stage: Stage) -> None:
    """Set what Chalice can't, and check that it holds. Raises Failure."""
    _set(
        _only(stage, "fanout", stage.stream_arn),
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=-1,
        MaximumRecordAgeInSeconds=_MAXIMUM_AGE_SECONDS,
        DestinationConfig={"OnFailure": {"Destination": stage.dead_letter_queue_arn}},
        FilterCriteria={"Filters": [{"Pattern": json.dumps(_NEW_RECORDS)}]},
    )
    restore = _only(stage, "restore", queue_name(stage))
    _set(restore, FunctionResponseTypes=["ReportBatchItemFailures"])


def _recorded(
    mapping: dict[str, Any], function: str, resource_type: str, source: str
) -> dict[str, Any]:
    """A mapping as Chalice records it."""
    arn = mapping["EventSourceArn"]
    queue = {"queue": arn.rpartition(":")[2]} if source == "queue_arn" else {}
    return {
        "name": f"{function}-{resource_type.replace('_', '-')}-source",
        "resource_type": resource_type,
        source: arn,
        **queue,
        "event_uuid": mapping["UUID"],
        "lambda_arn": mapping["FunctionArn"],
    }


def _only(stage: Stage, function: str, source: str) -> dict[str, Any]:
    mappings = of_function(stage.name, function)
    if len(mappings) != 1 or not mappings[0]["EventSourceArn"].endswith(source):
        sources = ", ".join(each["EventSourceArn"] for each in mappings) or "nothing"
        raise Failure(
            f"{function_name(stage.name, function)} should read {source} alone, not {sources}. "
            "Delete the other event source mappings (aws lambda delete-event-source-mapping "
            "--uuid …) and deploy again."
        )
    return mappings[0]


def _set(mapping: dict[str, Any], **settings: Any) -> None:
    uuid = mapping["UUID"]
    _wait(uuid)
    client("lambda").update_event_source_mapping(UUID=uuid, **settings)
    now = _wait(uuid)
    wrong = [name for name, value in settings.items() if not _holds(now.get(name), value)]
    if "FunctionResponseTypes" in wrong:
        raise Failure(
            f"The event source mapping {uuid} did not take FunctionResponseTypes: without it, what "
            "a function could not do counts as done, and is lost. Look at it in the console, and "
            "deploy again."
        )
    if wrong:
        progress.print(
            f"Warning: the event source mapping {uuid} did not take {', '.join(wrong)}; "
            "look at it in the Lambda console.",
            style="yellow",
        )


def _wait(uuid: str) -> dict[str, Any]:
    """The mapping, when Lambda is done with the last change of it."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        mapping: dict[str, Any] = client("lambda").get_event_source_mapping(UUID=uuid)
        if mapping.get("State") not in _BUSY:
            return mapping
        if time.monotonic() > deadline:
            raise Failure(f"The event source mapping {uuid} stays {mapping.get('State')}.")
        time.sleep(2)


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_holds(value.get(k), v) for k, v in wanted.items())
    return bool(value == wanted)
