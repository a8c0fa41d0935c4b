"""A subscriber's own queue."""

import json
from dataclasses import dataclass
from typing import Any

from ops.stage.clients import client


@dataclass(frozen=True)
class Queue:
    """``arn``: by which it is subscribed."""

    url: str
    arn: str

    def take(self) -> list[dict[str, Any]]:
        """The messages that lie there, taken off, in the order in which the queue gives them."""
        found = []
        while messages := look(self.url):
            found += messages
            for each in messages:
                client("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in found]

    def attribute(self, name: Any) -> str:
        """One of its attributes; empty if it has none."""
        answer = client("sqs").get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return str(answer.get("Attributes", {}).get(name, ""))

    def statements(self) -> list[dict[str, Any]]:
        """Who may do what with it."""
        policy = self.attribute("Policy")
        return list(json.loads(policy)["Statement"]) if policy else []


def look(url: str, **how: Any) -> list[dict[str, Any]]:
    """Up to ten of the messages that lie there; they stay, hidden for a while. A short poll may
    find nothing though messages wait, so it looks twice.
    """
    for _ in range(2):
        answer = client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], **how
        )
        if messages := answer.get("Messages"):
            return list(messages)
    return []


def make(name: str, **attributes: str) -> Queue:
    """A new queue."""
    url = client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    made = Queue(url, "")
    return Queue(url, made.attribute("QueueArn"))
