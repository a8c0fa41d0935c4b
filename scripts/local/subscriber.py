"""A subscriber of the events topic: a queue, as many people will use one."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ops.stage import Stage, client

_IDLE_SECONDS = 0.05


@contextmanager
def listening(stage: Stage, heard: Callable[[dict[str, Any]], None]) -> Iterator[None]:
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
    stop = threading.Event()

    def listen() -> None:
        while not stop.is_set():
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                heard(json.loads(message["Body"]))
            if not answer.get("Messages"):
                stop.wait(_IDLE_SECONDS)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
