"""The merge file for ``chalice package``: all of a stage that Chalice's own template lacks, so that
one CloudFormation stack is the whole stage.
"""

from typing import Any

from ops import ROOT
from ops.deploying import throttling
from ops.deploying.functions import FUNCTIONS, Function
from ops.stage import templates
from ops.stage.resources import Stage
from ops.stage.stacks import TEMPLATES
from ops.stage.templates import Template

from chalice.utils import to_cfn_resource_name

FILE = ROOT / ".chalice" / "merge.json"

# The stage within its own template: names that CloudFormation replaces.
STAGE = Stage(
    name="${Stage}",
    table_name="${EventsTable}",
    stream_arn="${EventsTable.StreamArn}",
    topic_arn="${EventsTopic}",
    alerts_topic_arn="${AlertsTopic}",
    spill_queue_url="${SpillQueue}",
    dead_letter_queue_url="${DeadLetterQueue}",
    dead_letter_queue_arn="${DeadLetterQueue.Arn}",
)
_SOURCES = {
    "stream_arn": ("Stream", "${EventsTable.StreamArn}"),
    "queue_arn": ("Queue", "${SpillQueue.Arn}"),
}


def merge() -> Template:
    """Parameters, resources and outputs of both our templates, and what the table of functions and
    the API's limits say.
    """
    merged: Template = {}
    for name in ("table.yaml", "messaging.yaml"):
        read = templates.parse((TEMPLATES / name).read_text())
        for section in ("Parameters", "Conditions", "Resources", "Outputs"):
            merged.setdefault(section, {}).update(read.get(section, {}))
    for function in FUNCTIONS:
        merged["Resources"][logical_name(function)] = {"Properties": _function(function)}
    merged["Resources"]["RestAPI"] = {"Properties": {"MethodSettings": _limits()}}
    return merged


def logical_name(function: Function) -> str:
    """The name that Chalice gives a function in its template."""
    if function.chalice_name == "api_handler":
        return "APIHandler"
    return str(to_cfn_resource_name(function.chalice_name))


def _function(function: Function) -> dict[str, Any]:
    properties = {
        "FunctionName": function.lambda_name(STAGE.name),
        "Environment": {"Variables": STAGE.environment()},
    }
    if function.feed:
        source, arn = _SOURCES[function.feed.arn_key]
        kind = to_cfn_resource_name(function.feed.resource_type)
        name = f"{logical_name(function)}{kind}Source"
        mapping = {source: arn, **function.mapping(STAGE)}
        properties["Events"] = {name: {"Properties": mapping}}
    found: dict[str, Any] = replaced(properties)
    return found


def _limits() -> list[dict[str, Any]]:
    limits = []
    for method, (rate, burst) in throttling.LIMITS.items():
        path, _, verb = method.rpartition("/")
        limits.append(
            {
                "ResourcePath": path,
                "HttpMethod": verb,
                "ThrottlingRateLimit": int(rate),
                "ThrottlingBurstLimit": int(burst),
            }
        )
    return limits


def replaced(value: Any) -> Any:
    """The same with every text in which CloudFormation has to replace a name marked as such."""
    match value:
        case dict():
            return {name: replaced(each) for name, each in value.items()}
        case list():
            return [replaced(each) for each in value]
        case str() if "${" in value:
            return {"Fn::Sub": value}
    return value
