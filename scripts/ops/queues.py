"""How many messages wait on a queue."""

from typing import Any

from ops.sdk import client

_COUNTED: list[Any] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def waiting(url: str) -> int:
    """How many messages a queue has, also those that are being received. SQS's count is
    approximate.
    """
    answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTED)
    counts = answer.get("Attributes", {})
    return sum(int(counts.get(name, 0)) for name in _COUNTED)
