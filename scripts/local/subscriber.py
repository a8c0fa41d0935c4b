"""A subscriber of the events topic: a queue, as many people will use one."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ops.sdk import client
from ops.stages import Stage

from local.background import background

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import DeleteMessageBatchRequestEntryTypeDef


def listening(
    stage: Stage, heard: Callable[[dict[str, Any]], None]
) -> AbstractContextManager[None]:
    """Subscribe a queue of its own, and pass on each notification's message."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=f"marathon-events-{stage.name}-listener")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    client("sns").subscribe(
        TopicArn=stage.topic_arn,
        Protocol="sqs",
        Endpoint=attributes["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
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
