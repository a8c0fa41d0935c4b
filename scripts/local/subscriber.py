"""A subscriber of the events topic: a queue, as many people will use one."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ops.stage import Stage, client

from local.background import background


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
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            heard(json.loads(message["Body"]))
        return bool(messages)

    return background(listen)
