"""Queues: making and finding them, and how many messages wait on them."""

import re
import time
from typing import Any

from ops.cli import say
from ops.stage.clients import client, if_there

import botocore.exceptions

_COUNTED: list[Any] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]
_DELETED = "AWS.SimpleQueueService.QueueDeletedRecently"
_DELETED_SECONDS = 60
_ID = re.compile(r"([0-9a-f]{8})(?:\.fifo)?")


def make(name: str, settings: dict[str, str], tags: dict[str, str]) -> None:
    """Make a queue. SQS refuses a name for a minute after a queue of that name was deleted: then
    this waits.
    """
    request: dict[str, Any] = {"QueueName": name, "Attributes": settings, "tags": tags}
    try:
        client("sqs").create_queue(**request)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != _DELETED:
            raise
        say(f"A queue {name} was deleted just now; waiting {_DELETED_SECONDS} seconds …", "dim")
        time.sleep(_DELETED_SECONDS)
        client("sqs").create_queue(**request)


def waiting(url: str) -> int:
    """How many messages a queue has, also those that are being received. SQS's count is
    approximate.
    """
    counts = attributes(url, _COUNTED)
    return sum(int(counts.get(name, 0)) for name in _COUNTED)


def attributes(url: str, names: list[Any]) -> dict[str, str]:
    """Some of a queue's attributes; those that it has not are left out."""
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return dict(answer.get("Attributes", {}))


def name_of(queue: str) -> str:
    """A queue's name, with which its URL and its ARN end."""
    return queue.rstrip("/").replace(":", "/").rpartition("/")[2]


def arn_beside(topic: str, name: str) -> str:
    """The ARN of a queue of a topic's account and region."""
    partition, _, region, account, _ = topic.split(":")[1:]
    return f"arn:{partition}:sqs:{region}:{account}:{name}"


def find(name: str) -> str | None:
    """The URL of a queue of this account and region; None if it is not there."""
    answer = if_there(client("sqs").get_queue_url, QueueName=name)
    return str(answer["QueueUrl"]) if answer else None


def find_all(beginning: str) -> list[str]:
    """The URLs of the queues whose names begin so and end in an id. Others are not meant: the
    stages x-to and x-undelivered may have queues whose names begin like those of stage x.
    """
    pages = client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=beginning)
    found = (url for page in pages for url in page.get("QueueUrls", []))
    return [url for url in found if id_in(name_of(url), beginning)]


def id_in(name: str, beginning: str) -> str:
    """The id in which a name ends that begins so; empty if it is not such a name."""
    found = _ID.fullmatch(name.removeprefix(beginning)) if name.startswith(beginning) else None
    return found[1] if found else ""
