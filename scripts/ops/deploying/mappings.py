"""The event source mappings: those that Chalice makes, and the settings that it can't make."""

import time
from typing import Any

from ops.cli import Failure, warn
from ops.deploying.functions import FUNCTIONS, Feed, Function
from ops.stage.clients import client, if_there
from ops.stage.deployed import Deployed
from ops.stage.resources import Stage

_SETTLE_SECONDS = 180
_BUSY = ("Creating", "Enabling", "Updating", "Disabling")


def existing_functions(stage: str) -> list[str]:
    """The names of the stage's functions that exist."""
    return [each.lambda_name(stage) for each in FUNCTIONS if _arn(each, stage)]


def live(function: Function, stage: str) -> dict[str, Any] | None:
    """What Lambda says of a function, or None where there is none."""
    name = function.lambda_name(stage)
    found: dict[str, Any] | None = if_there(client("lambda").get_function, FunctionName=name)
    return found


def package(stage: str) -> str:
    """Lambda's hash of the package that the stage's functions run; empty if there are none."""
    found = next((each for function in FUNCTIONS if (each := live(function, stage))), None)
    return str(found["Configuration"].get("CodeSha256", "")) if found else ""


def of(function: Function, stage: str) -> list[dict[str, Any]]:
    """The mappings of a function, as Lambda describes them; none where there is no function."""
    arn = _arn(function, stage)
    return listed(FunctionName=arn) if arn else []


def listed(**asked: str) -> list[dict[str, Any]]:
    """The mappings of a function or a source that are there to stay."""
    pages = client("lambda").get_paginator("list_event_source_mappings").paginate(**asked)
    found = (each for page in pages for each in page["EventSourceMappings"])
    return [each for each in found if each.get("State") != "Deleting"]


def tidy(stage: Stage, deployed: Deployed) -> Deployed:
    """Make Chalice's notes agree with the existing mappings, and remove mappings that read another
    stream than the table's present one: Chalice would leave ``fanout`` on the dead stream.

    If Chalice does not know a mapping (after a deploy that failed half-way), it tries to make it
    again, which AWS refuses. So each existing mapping is noted.
    """
    resources = [each for each in deployed.get("resources", []) if "event_uuid" not in each]
    for function in FUNCTIONS:
        if function.feed is None:
            continue
        found = of(function, stage.name)
        source = function.feed.source(stage)
        present = [each for each in found if each["EventSourceArn"].endswith(source)]
        for mapping in found:
            if mapping not in present[:1]:
                client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
        resources += [
            _as_chalice_writes(each, function.name, function.feed) for each in present[:1]
        ]
    return {"schema_version": "2.0", "backend": "api", **deployed, "resources": resources}


def settle(stage: Stage) -> None:
    """Set what Chalice can't, and check that it holds. Raises Failure."""
    for function in FUNCTIONS:
        if function.feed:
            mapping = _only(function, stage, function.feed.source(stage))
            _set(mapping, **function.mapping(stage))


def _arn(function: Function, stage: str) -> str | None:
    """A function's ARN, or None where there is none."""
    found = live(function, stage)
    return str(found["Configuration"]["FunctionArn"]) if found else None


def _as_chalice_writes(mapping: dict[str, Any], name: str, feed: Feed) -> dict[str, Any]:
    arn = mapping["EventSourceArn"]
    queue = {"queue": arn.rpartition(":")[2]} if feed.arn_key == "queue_arn" else {}
    return {
        "name": f"{name}-{feed.resource_type.replace('_', '-')}-source",
        "resource_type": feed.resource_type,
        feed.arn_key: arn,
        **queue,
        "event_uuid": mapping["UUID"],
        "lambda_arn": mapping["FunctionArn"],
    }


def _only(function: Function, stage: Stage, source: str) -> dict[str, Any]:
    mappings = of(function, stage.name)
    if len(mappings) != 1 or not mappings[0]["EventSourceArn"].endswith(source):
        sources = ", ".join(each["EventSourceArn"] for each in mappings) or "nothing"
        raise Failure(
            f"{function.lambda_name(stage.name)} should read {source} alone, not {sources}. "
            "Delete the other event source mappings (aws lambda delete-event-source-mapping "
            "--uuid …) and deploy again."
        )
    return mappings[0]


def _set(mapping: dict[str, Any], **settings: Any) -> None:
    uuid = mapping["UUID"]
    _wait(uuid)
    client("lambda").update_event_source_mapping(UUID=uuid, **settings)
    now = _wait(uuid)
    wrong = [name for name, value in settings.items() if not holds(now.get(name), value)]
    if "FunctionResponseTypes" in wrong:
        raise Failure(
            f"The event source mapping {uuid} did not take FunctionResponseTypes: without it, what "
            "a function could not do counts as done, and is lost. Look at it in the console, and "
            "deploy again."
        )
    if wrong:
        warn(
            f"Warning: the event source mapping {uuid} did not take {', '.join(wrong)}; "
            "look at it in the Lambda console."
        )


def _wait(uuid: str) -> dict[str, Any]:
    """The mapping, once Lambda has finished its last change."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        mapping: dict[str, Any] = client("lambda").get_event_source_mapping(UUID=uuid)
        if mapping.get("State") not in _BUSY:
            return mapping
        if time.monotonic() > deadline:
            raise Failure(f"The event source mapping {uuid} stays {mapping.get('State')}.")
        time.sleep(2)


def holds(value: Any, wanted: Any) -> bool:
    """Whether a setting is as wanted. What is wanted names only a part of some settings."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(holds(value.get(k), v) for k, v in wanted.items())
    return bool(value == wanted)
