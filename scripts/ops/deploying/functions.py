"""The functions of a stage, a row each. Mappings, roles and tests follow from this table.

A new function is one more row here, its decorator in ``app.py``, its memory and timeout in
``.chalice/config.json``, and its role, log group and alarms in the template (tests compare all of
these with the table).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ops.stage.config import APP
from ops.stage.resources import Stage

from chalicelib.marathon.severity import BAD, KILLED

# A record of the table that is new. Filtered records cost no invocation; the code checks again.
_NEW_RECORDS = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["record"]}}}}
_NEW_BAD = {
    "eventName": ["INSERT"],
    "dynamodb": {"NewImage": {"kind": {"S": ["record"]}, "severity": {"S": list(BAD)}}},
}
_NEW_KILLED = {
    "eventName": ["INSERT"],
    "dynamodb": {"NewImage": {"kind": {"S": ["record"]}, "status": {"S": list(KILLED)}}},
}

# SNS may be unavailable for half a day; the other half is left to fetch records from the stream.
_MAXIMUM_AGE_SECONDS = 43_200
REPORTS = "ReportBatchItemFailures"


@dataclass(frozen=True)
class Feed:
    """What Lambda hands to a function. ``source``: the end of the source's ARN.
    ``resource_type``, ``arn_key``: how Chalice writes such a mapping down.
    """

    source: Callable[[Stage], str]
    resource_type: str
    arn_key: str


STREAM = Feed(lambda stage: stage.stream_arn, "dynamodb_event", "stream_arn")
SPILL_QUEUE = Feed(lambda stage: stage.spill_queue_name, "sqs_event", "queue_arn")


@dataclass(frozen=True)
class Function:
    """One function. ``name``: that of its handler in ``app.py``, its role and its log.
    ``chalice_name``: its key in Chalice's config. ``feed``: None where HTTP or a clock calls it.
    ``mapping``: what its event source mapping has that Chalice can't set.
    """

    name: str
    chalice_name: str
    feed: Feed | None = None
    mapping: Callable[[Stage], dict[str, Any]] = lambda _: {}

    def lambda_name(self, stage: str) -> str:
        """The name that Chalice gives it in Lambda."""
        return (
            f"{APP}-{stage}" if self.chalice_name == "api_handler" else f"{APP}-{stage}-{self.name}"
        )


def _of_stream(*patterns: dict[str, Any]) -> dict[str, Any]:
    return {
        "FunctionResponseTypes": [REPORTS],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": _MAXIMUM_AGE_SECONDS,
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(each)} for each in patterns]},
    }


def _fanout_mapping(stage: Stage) -> dict[str, Any]:
    lost = {"OnFailure": {"Destination": stage.dead_letter_queue_arn}}
    return {**_of_stream(_NEW_RECORDS), "DestinationConfig": lost}


FUNCTIONS = (
    Function("api", "api_handler"),
    Function("fanout", "fanout", STREAM, _fanout_mapping),
    Function(
        "restore",
        "restore",
        SPILL_QUEUE,
        lambda _: {
            "FunctionResponseTypes": [REPORTS],
            # A new account runs ten functions at once, and Marathon's requests need them.
            "ScalingConfig": {"MaximumConcurrency": 2},
        },
    ),
    # What it could not note in half a day nobody wants to be woken for: no dead letters.
    Function("alerts", "alerts", STREAM, lambda _: _of_stream(_NEW_BAD, _NEW_KILLED)),
    Function("watch", "watch"),
    # Each target has a queue and a mapping of its own, which come and go with it.
    Function("deliver", "deliver"),
)
