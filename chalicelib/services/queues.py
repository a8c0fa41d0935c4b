"""The two queues: one for events that the table could not take, one for messages that no retry can
help.
"""

import functools
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from chalicelib.records.spilled import Spilled, to_messages
from chalicelib.services import aws
from chalicelib.workers import Late, Workers

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

# A spilled event of 6 MB that hardly compresses becomes sixteen messages; eight are sent at once.
_AT_ONCE = 8
_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.4


class QueueError(aws.ServiceError):
    """A call to a queue failed."""


class _Queue:
    """One queue. ``make_client`` is called only when the queue is needed, which is rare."""

    def __init__(self, make_client: "Callable[[], SQSClient]", url: str) -> None:
        self._make_client = make_client
        self._url = url

    def _send(self, body: str) -> None:
        """Raises QueueError. Only an answer with a message id counts as an answer of SQS."""
        with aws.raised_as(QueueError):
            answer = self._make_client().send_message(QueueUrl=self._url, MessageBody=body)
        if not answer.get("MessageId"):
            raise QueueError("NoMessageId")


class SpillQueue(_Queue):
    """The spill queue of one stage."""

    def __init__(self, make_client: "Callable[[], SQSClient]", url: str) -> None:
        super().__init__(make_client, url)
        self._workers = Workers(_AT_ONCE)

    def send(self, spilled: Spilled, seconds: float) -> None:
        """Park an event, with retries for so many seconds. Raises QueueError."""
        (error,) = self.send_all([spilled], seconds)
        if error:
            raise error

    def send_all(self, spilled: Sequence[Spilled], seconds: float) -> list[QueueError | None]:
        """Park events, several at once, with retries for so many seconds. Returns for each why it
        could not be parked, or None.
        """
        deadline = time.monotonic() + seconds
        messages = [(n, each) for n, event in enumerate(spilled) for each in to_messages(event)]
        sends = [functools.partial(self._send_until, deadline, message) for _, message in messages]
        errors: list[QueueError | None] = [None] * len(spilled)
        results = self._workers.run_all(sends, seconds)
        for (n, _), result in zip(messages, results, strict=True):
            if isinstance(result, Late):
                errors[n] = QueueError("Late")
            elif isinstance(result, QueueError):
                errors[n] = result
            elif isinstance(result, Exception):
                raise result
        return errors

    def _send_until(self, deadline: float, message: str) -> None:
        pause = _PAUSE_SECONDS
        while True:
            try:
                return self._send(message)
            except QueueError:
                if time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


class DeadLetters(_Queue):
    """The dead-letter queue of one stage. Its methods raise QueueError."""

    def park(self, pk: str, sk: str, reason: str) -> None:
        """Set a record aside."""
        self._park({"pk": pk, "sk": sk, "reason": reason})

    def park_spilled(self, message: str, reason: str) -> None:
        """Set a whole spilled message aside, since it is not in the table."""
        self._park({"spill": message, "reason": reason})

    def _park(self, what: dict[str, str]) -> None:
        self._send(json.dumps({"kind": "parked", **what}))
