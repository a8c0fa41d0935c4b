"""A stage: the resources that its two stacks made, found by its name."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops import ROOT
from ops.cli import Failure

import boto3
import botocore.exceptions

from chalicelib.services.clusters import Clusters
from chalicelib.services.store import Store
from chalicelib.services.table import Table
from chalicelib.services.tokens import Tokens

APP = "marathon-events"
CONFIG = ROOT / ".chalice" / "config.json"
DEPLOYED = ROOT / ".chalice" / "deployed"
TEMPLATES = ROOT / ".chalice" / "templates"

_DEPLOYED_KEY = {"pk": {"S": "#stage"}, "sk": {"S": "deployed"}}
_BEGUN_KEY = {"pk": {"S": "#stage"}, "sk": {"S": "begun"}}


@functools.cache
def client(service: str) -> Any:
    """An SDK client; endpoints, region and credentials are the SDK's own business."""
    return boto3.client(service)  # type: ignore[call-overload]  # one of its many names


@dataclass(frozen=True)
class Stage:
    """What functions and scripts work with. After a destroy, all but the table is empty."""

    name: str
    table_name: str
    stream_arn: str
    topic_arn: str = ""
    spill_queue_url: str = ""
    dead_letter_queue_url: str = ""
    dead_letter_queue_arn: str = ""

    @property
    def table(self) -> Table:
        """The stage's table."""
        return Table(client("dynamodb"), self.table_name)

    @property
    def store(self) -> Store:
        """Its records."""
        return Store(self.table)

    @property
    def tokens(self) -> Tokens:
        """Its tokens."""
        return Tokens(self.table)

    @property
    def clusters(self) -> Clusters:
        """Its clusters."""
        return Clusters(self.table)

    def environment(self) -> dict[str, str]:
        """What the functions are told of the resources."""
        return {
            "EVENTS_TABLE": self.table_name,
            "EVENTS_STREAM_ARN": self.stream_arn,
            "EVENTS_TOPIC_ARN": self.topic_arn,
            "SPILL_QUEUE_URL": self.spill_queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
        }


def variables(stage: Stage) -> dict[str, str]:
    """What people set for the stage's functions in the committed config."""
    found: dict[str, str] = config()["stages"].get(stage.name, {}).get("environment_variables", {})
    return found


def table_stack(stage: str) -> str:
    """The name of the stack that holds a stage's table."""
    return f"{APP}-{stage}-table"


def messaging_stack(stage: str) -> str:
    """The name of the stack that holds all the rest."""
    return f"{APP}-{stage}-messaging"


def known_stages() -> list[str]:
    """The stages that the committed config has."""
    return list(config()["stages"])


def config() -> dict[str, Any]:
    """``.chalice/config.json``."""
    read: dict[str, Any] = json.loads(CONFIG.read_text())
    return read


def find(name: str) -> Stage:
    """A deployed stage. Raises Failure where there is none."""
    table = outputs(table_stack(name))
    if table is None:
        raise Failure(
            f"Stage {name} is not deployed in this account and region. "
            f"Deploy it first: make deploy STAGE={name} (stages: {', '.join(known_stages())})."
        )
    return of_outputs(name, table, outputs(messaging_stack(name)) or {})


def of_outputs(name: str, table: dict[str, str], messaging: dict[str, str]) -> Stage:
    """A stage from its stacks' outputs."""
    return Stage(
        name=name,
        table_name=table["TableName"],
        stream_arn=table["StreamArn"],
        topic_arn=messaging.get("TopicArn", ""),
        spill_queue_url=messaging.get("SpillQueueUrl", ""),
        dead_letter_queue_url=messaging.get("DeadLetterQueueUrl", ""),
        dead_letter_queue_arn=messaging.get("DeadLetterQueueArn", ""),
    )


def outputs(stack: str) -> dict[str, str] | None:
    """A stack's outputs, or None where there is no such stack."""
    found = describe(stack)
    if found is None:
        return None
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def describe(stack: str) -> dict[str, Any] | None:
    """What CloudFormation says of a stack, or None where there is none."""
    try:
        stacks = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    alive = [each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"]
    return alive[0] if alive else None


def deployed_file(name: str) -> Path:
    """Where Chalice records a stage's deploy in this clone."""
    return DEPLOYED / f"{name}.json"


def recorded(name: str) -> dict[str, Any] | None:
    """What Chalice recorded of a stage in this clone."""
    file = deployed_file(name)
    record: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return record if record and record.get("resources") else None


def kept_deployed(stage: Stage) -> dict[str, Any] | None:
    """The copy that is kept with the stage of what ``chalice deploy`` recorded. It outlives a
    destroy, which does no harm: Chalice looks at what there is.
    """
    kept = stage.table.get(_DEPLOYED_KEY)
    record: dict[str, Any] | None = json.loads(kept["record"]) if kept else None
    return record


def keep_deployed(stage: Stage, record: dict[str, Any]) -> None:
    """Keep what ``chalice deploy`` recorded with the stage: it ties any clone to it."""
    item = {"kind": {"S": "stage"}, "record": {"S": json.dumps(record)}}
    stage.table.put(_DEPLOYED_KEY | item)
    stage.table.delete(_BEGUN_KEY)


def begin_deploy(stage: Stage) -> None:
    """Note that a first deploy has begun: if it fails half-way, Chalice records nothing, and the
    functions that it made are still ours.
    """
    if kept_deployed(stage) is None:
        stage.table.put(_BEGUN_KEY | {"kind": {"S": "stage"}})


def deploy_begun(stage: Stage) -> bool:
    """Whether a deploy has begun that has not ended."""
    return stage.table.get(_BEGUN_KEY) is not None


def find_api(stage: Stage) -> dict[str, Any] | None:
    """The API of a stage, as Chalice recorded it: with the stage, or else in this clone. None
    where the stage has been destroyed.
    """
    if not stage.topic_arn:
        return None
    record = kept_deployed(stage) or recorded(stage.name) or {}
    resources = record.get("resources", [])
    return next((each for each in resources if each.get("resource_type") == "rest_api"), None)


def api_url(stage: Stage) -> str:
    """The address of the stage's API, without a slash at its end. Raises Failure."""
    api = find_api(stage)
    if api is None:
        raise Failure(
            f"Stage {stage.name} has no API yet. Deploy it first: make deploy STAGE={stage.name}, "
            "or give the API's address with --url."
        )
    return str(api["rest_api_url"]).rstrip("/")
