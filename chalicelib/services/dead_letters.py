"""The dead-letter queue: what no retry can cure, by its key and the reason."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class DeadLetters:
    """One dead-letter queue."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue = queue_url

    def park(self, pk: str, sk: str, reason: str) -> None:
        """Set a record aside. Raises the SDK's errors."""
        self._send({"kind": "parked", "pk": pk, "sk": sk, "reason": reason})

    def park_spill(self, message: str, reason: str) -> None:
        """Set a spilled message aside, whole: it is in no table. Raises the SDK's errors."""
        self._send({"kind": "parked", "spill": message, "reason": reason})

    def _send(self, letter: dict[str, str]) -> None:
        self._client.send_message(QueueUrl=self._queue, MessageBody=json.dumps(letter))
