"""What a deploy of a stage would change, and what would be lost by it. Nothing is changed here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from ops.deploying import losses, mappings, roles, senders, throttling
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import config, deployed, resources, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

from chalice.config import Config

from chalicelib import VERSION

How = Literal["new", "changed", "replaced", "removed"]

_LATER = "(known after the deploy)"
_HOW: dict[tuple[str, str], How] = {
    ("Add", ""): "new",
    ("Import", ""): "new",
    ("Remove", ""): "removed",
    ("Modify", "True"): "replaced",
}


@dataclass(frozen=True)
class Change:
    """One thing that would change. ``loss``: what would be lost by it; empty for nothing."""

    what: str
    how: How
    detail: str = ""
    loss: str = ""


def of(name: str, alarm_email: str | None = None) -> list[Change]:
    """What a deploy of a stage would change. Raises Failure."""
    found = list(_of_stacks(name, alarm_email))
    stage = _stage(name)
    for function in FUNCTIONS:
        found += _of_function(function, stage)
    found += _removed(stage)
    found += _of_api(stage)
    return found


def described(lost: list[Change]) -> str:
    """What would be lost, as a list that nobody overlooks."""
    lines = "\n".join(f"  ! {each.what} {each.how}: {each.loss}" for each in lost)
    return f"This deploy would lose:\n{lines}"


def _stage(name: str) -> Stage:
    """The stage as it is; with a name alone if it was never deployed."""
    if stacks.outputs(stacks.table_stack(name)) is None:
        return Stage(name, "", "")
    return resources.find(name)


def _of_stacks(name: str, alarm_email: str | None) -> Iterator[Change]:
    for each in stacks.changes(name, alarm_email):
        if each.before is None:
            yield Change(f"stack {each.stack}", "new", f"{len(each.after['Resources'])} resources")
            continue
        for change in each.changes:
            what = f"{change['LogicalResourceId']} ({change['ResourceType']})"
            replaced = "True" if change.get("Replacement") == "True" else ""
            how = _HOW.get((change["Action"], replaced), "changed")
            detail = ", ".join(_rights(each, change) or sorted(_properties(change)))
            yield Change(what, how, detail, losses.of_change(change))
        for resource, lost in losses.of_templates(each.before, each.after, each.parameters):
            what = f"{resource} ({each.after['Resources'][resource]['Type']})"
            yield Change(what, "changed", loss=lost)


def _properties(change: dict[str, Any]) -> set[str]:
    """The names of the properties that change, where CloudFormation tells them."""
    targets = (each.get("Target", {}) for each in change.get("Details", []))
    return {each["Name"] for each in targets if "Name" in each}


def _rights(stack: stacks.Changes, change: dict[str, Any]) -> list[str]:
    """What a role that changes may do from now on, and what it no longer may."""
    if change["ResourceType"] != "AWS::IAM::Role" or change["Action"] != "Modify":
        return []
    name = change["LogicalResourceId"]
    templates = (stack.before or {}, stack.after)
    before, after = (roles.actions(each["Resources"][name]) for each in templates)
    return [
        *(f"+{each}" for each in sorted(after - before)),
        *(f"-{each}" for each in sorted(before - after)),
    ]


def _of_function(function: Function, stage: Stage) -> Iterator[Change]:
    what = f"function {function.lambda_name(stage.name)}"
    live = mappings.live(function, stage.name)
    if live is None:
        yield Change(what, "new")
        return
    now = live["Configuration"]
    wanted = config.function_settings(stage.name, function.chalice_name)
    yield from _of_code(what, stage, now)
    for setting, before, after in (
        ("memory", now.get("MemorySize"), wanted.get("lambda_memory_size", 128)),
        ("timeout", now.get("Timeout"), wanted.get("lambda_timeout", 60)),
        ("runtime", now.get("Runtime"), Config.create().lambda_python_version),
        (
            "architecture",
            now.get("Architectures", ["x86_64"])[0],
            wanted.get("lambda_architecture", "x86_64"),
        ),
    ):
        if before != after:
            yield Change(what, "changed", f"{setting} {before} → {after}")
    yield from _of_concurrency(what, live, wanted)
    yield from _of_variables(what, stage, now.get("Environment", {}).get("Variables", {}))
    yield from _of_role(what, function, stage, now.get("Role"))
    yield from _of_mapping(what, function, stage)


def _of_code(what: str, stage: Stage, now: dict[str, Any]) -> Iterator[Change]:
    noted = deployed.read_code(stage) if stage.table_name else None
    if noted is None or noted["sha256"] != now.get("CodeSha256"):
        yield Change(what, "changed", "code: nobody noted what is there now")
    elif noted["digest"] != deployed.digest_of_code():
        yield Change(what, "changed", f"code, of version {noted['version']} → {VERSION}")


def _of_concurrency(what: str, live: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Change]:
    before = live.get("Concurrency", {}).get("ReservedConcurrentExecutions")
    after = wanted.get("reserved_concurrency")
    if before == after:
        return
    lost = ""
    if after is None:
        lost = f"the reserved concurrency of {before}: Chalice deletes what its config does not set"
    yield Change(what, "changed", f"reserved concurrency {before} → {after}", lost)


def _of_variables(what: str, stage: Stage, before: dict[str, str]) -> Iterator[Change]:
    resources = {name: value or _LATER for name, value in stage.environment().items()}
    after = config.variables(stage.name) | resources
    for name in sorted(before.keys() | after.keys()):
        was, will = before.get(name, ""), after.get(name, "")
        if was != will:
            lost = losses.of_variable(name, was, will)
            yield Change(what, "changed", f"{name} {was or 'nothing'} → {will or 'nothing'}", lost)


def _of_role(what: str, function: Function, stage: Stage, before: Any) -> Iterator[Change]:
    after = roles.arns(stage.name).get(function.chalice_name, _LATER)
    if before != after:
        yield Change(what, "changed", f"role {before} → {after}")


def _of_mapping(what: str, function: Function, stage: Stage) -> Iterator[Change]:
    if function.feed is None:
        return
    source = function.feed.source(stage)
    found = mappings.of(function, stage.name)
    present = [each for each in found if source and each["EventSourceArn"].endswith(source)]
    for mapping in found:
        if mapping not in present:
            yield Change(what, "removed", f"it no longer reads {mapping['EventSourceArn']}")
    if not present:
        yield Change(what, "new", f"it reads {source or _LATER}")
        return
    for setting, after in function.mapping(stage).items():
        before = present[0].get(setting)
        if not mappings.holds(before, after):
            values = f"{json.dumps(before, default=str)} → {json.dumps(after)}"
            yield Change(what, "changed", f"its mapping's {setting} {values}")


def _removed(stage: Stage) -> Iterator[Change]:
    """The functions that Chalice would delete: it noted them, and the app no longer has them."""
    known = {each.lambda_name(stage.name) for each in FUNCTIONS}
    note = (stage.table_name and deployed.read_copy(stage)) or {}
    for each in note.get("resources", []):
        if each.get("resource_type") == "lambda_function":
            name = each["lambda_arn"].rpartition(":")[2]
            if name not in known:
                yield Change(f"function {name}", "removed", loss="the function")


def _of_api(stage: Stage) -> Iterator[Change]:
    api = deployed.find_api(stage)
    if api is None:
        return
    after = config.api_stage(stage.name)
    before = urlsplit(str(api["rest_api_url"])).path.strip("/")
    if not before:
        return  # an API on this machine (make run)
    if before != after:
        lost = "the API's address, to which every registered Marathon posts"
        yield Change("the API", "replaced", f"its stage {before} → {after}", lost)
        return
    yield from _of_senders(api["rest_api_id"], stage.name)
    yield from _by_hand(api["rest_api_id"])
    for path, was, will in throttling.differences(api["rest_api_id"], after):
        yield Change("the API", "changed", f"requests a second to {path} {was} → {will}")


def _of_senders(api_id: str, stage: str) -> Iterator[Change]:
    live, wanted = senders.live(api_id), senders.wanted(stage)
    if senders.same(live, wanted):
        return
    if wanted:
        yield Change("the API", "changed", "its resource policy will be that of the config")
        return
    lost = (
        "the API's resource policy, which only .chalice/config.json can keep "
        '(api_gateway_policy_file, or ARGS="--only-from NETWORKS", which sets it)'
    )
    yield Change("the API", "changed", "no resource policy", lost)


def _by_hand(api_id: str) -> Iterator[Change]:
    """What the app never sets: each deploy sends the API anew, without it."""
    asked: dict[str, Any] = {"restApiId": api_id}
    gateway = client("apigateway")
    responses = gateway.get_gateway_responses(**asked)["items"]
    for what, found in (
        ("gateway responses", [each for each in responses if not each.get("defaultResponse")]),
        ("authorizers", gateway.get_authorizers(**asked)["items"]),
        ("request validators", gateway.get_request_validators(**asked)["items"]),
    ):
        if found:
            yield Change("the API", "changed", what, f"{len(found)} {what} that were set by hand")
