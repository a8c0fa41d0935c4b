"""Queues, as several commands look at them."""

from typing import Any

from ops.sdk import client

import botocore.exceptions

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def name_of(queue: str) -> str:
    """A queue's name, with which its URL and its ARN end."""
    return queue.rstrip("/").replace(":", "/").rpartition("/")[2]


def find(name: str) -> str | None:
    """The URL of a queue of this account and region; None if it is not there."""
    try:
        return str(client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise


def find_all(beginning: str) -> list[str]:
    """The URLs of the queues whose names begin so."""
    pages = client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=beginning)
    return [url for page in pages for url in page.get("QueueUrls", [])]


def waiting(url: str) -> int:
    """How many messages a queue has, hidden ones too: the counts are SQS's, and approximate."""
    names: list[Any] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    counts = attributes(url, names)
    return sum(int(counts.get(name, 0)) for name in names)


def attributes(url: str, names: list[Any]) -> dict[str, str]:
    """Some of a queue's attributes; those that it has not are left out."""
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return dict(answer.get("Attributes", {}))
