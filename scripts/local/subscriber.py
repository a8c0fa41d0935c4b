"""Subscribers of the topics: a queue each, as many people will use one."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ops.stage.clients import client
from ops.stage.resources import Stage

from local.background import background

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef


def listening(
    stage: Stage, heard: Callable[[dict[str, Any]], None]
) -> AbstractContextManager[None]:
    """Subscribe a queue of its own to the events topic, and pass on each notification's message."""
    return _subscribed(stage, stage.topic_arn, "listener", heard, {"RawMessageDelivery": "true"})


def hearing(stage: Stage, heard: Callable[[dict[str, Any]], None]) -> AbstractContextManager[None]:
    """Subscribe a queue of its own to the alerts topic, and pass on each alert: its ``Subject``,
    ``Message`` and ``MessageAttributes``.
    """
    return _subscribed(stage, stage.alerts_topic_arn, "hearer", heard, {})


def _subscribed(
    stage: Stage,
    topic_arn: str,
    name: str,
    heard: Callable[[dict[str, Any]], None],
    attributes: dict[str, str],
) -> AbstractContextManager[None]:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=f"marathon-events-{stage.name}-{name}")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    client("sns").subscribe(
        TopicArn=topic_arn, Protocol="sqs", Endpoint=queue["QueueArn"], Attributes=attributes
    )

    def listen() -> bool:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return False
        entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]}
            for n, each in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        for message in messages:
            heard(json.loads(message["Body"]))
        return True

    return background(listen)
