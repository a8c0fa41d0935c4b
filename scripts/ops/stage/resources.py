"""A stage: the resources that its stacks made, found by its name."""

from dataclasses import dataclass

from ops.cli import Failure
from ops.stage import queues, stacks
from ops.stage.clients import client
from ops.stage.config import check_stage

from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.clusters import Clusters
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Store
from chalicelib.services.table import Table
from chalicelib.services.tokens import Tokens
from chalicelib.services.topic import FIFO


@dataclass(frozen=True)
class Stage:
    """What functions and scripts work with. After a destroy, all but the table is empty. ``api_id``
    and ``api_url``: only of a stage that CI deployed as one stack; else ``deployed`` knows them.
    """

    name: str
    table_name: str
    stream_arn: str
    topic_arn: str = ""
    alerts_topic_arn: str = ""
    alarms_topic_arn: str = ""
    spill_queue_url: str = ""
    dead_letter_queue_url: str = ""
    dead_letter_queue_arn: str = ""
    api_id: str = ""
    api_url: str = ""

    @property
    def ordered(self) -> bool:
        """Whether its events topic keeps the order within each subject."""
        return self.topic_arn.endswith(FIFO)

    @property
    def table(self) -> Table:
        return Table(client("dynamodb"), self.table_name)

    @property
    def store(self) -> Store:
        return Store(self.table)

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.table)

    @property
    def clusters(self) -> Clusters:
        return Clusters(self.table)

    @property
    def alerts_sent(self) -> AlertsSent:
        return AlertsSent(self.table)

    @property
    def incidents(self) -> Incidents:
        return Incidents(self.table)

    @property
    def spill_queue_name(self) -> str:
        """The name of the spill queue."""
        return queues.name_of(self.spill_queue_url)

    def environment(self) -> dict[str, str]:
        """The environment that names the resources for the functions."""
        return {
            "EVENTS_TABLE": self.table_name,
            "EVENTS_STREAM_ARN": self.stream_arn,
            "EVENTS_TOPIC_ARN": self.topic_arn,
            "ALERTS_TOPIC_ARN": self.alerts_topic_arn,
            "SPILL_QUEUE_URL": self.spill_queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
        }


def find(name: str) -> Stage:
    """A stage that was deployed once; perhaps only its table is left. Raises Failure."""
    whole = None
    table = stacks.outputs(stacks.table_stack(name))
    if table is None:
        table = whole = stacks.outputs(stacks.whole_stack(name))
    if table is None:
        check_stage(name)
        raise Failure(
            f"Stage {name} is not deployed in this account and region. "
            f"Deploy it first: make deploy STAGE={name}."
        )
    messaging = whole or stacks.outputs(stacks.messaging_stack(name)) or {}
    return Stage(
        name=name,
        table_name=table["TableName"],
        stream_arn=table["StreamArn"],
        topic_arn=messaging.get("TopicArn", ""),
        alerts_topic_arn=messaging.get("AlertsTopicArn", ""),
        alarms_topic_arn=messaging.get("AlarmsTopicArn", ""),
        spill_queue_url=messaging.get("SpillQueueUrl", ""),
        dead_letter_queue_url=messaging.get("DeadLetterQueueUrl", ""),
        dead_letter_queue_arn=messaging.get("DeadLetterQueueArn", ""),
        api_id=messaging.get("RestAPIId", ""),
        api_url=messaging.get("EndpointURL", ""),
    )


def check_ours(name: str) -> None:
    """Raises Failure for a stage that the config does not have, or that CI deploys."""
    check_stage(name)
    stack = stacks.whole_stack(name)
    if stacks.outputs(stack) is not None:
        raise Failure(
            f"Stage {name} is the one stack {stack}, which CI deploys: change or delete it by "
            "CloudFormation, as docs/ci.md says."
        )


def find_running(name: str) -> Stage:
    """A stage that is deployed now. Raises Failure, also where it has been destroyed."""
    stage = find(name)
    if not stage.topic_arn:
        raise Failure(
            f"Stage {name} is destroyed: only its table is left, so there is nothing to publish "
            f"to and no queue. Deploy it again: make deploy STAGE={name}."
        )
    return stage
