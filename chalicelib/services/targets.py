"""What each chat channel and pager has of its own: a queue, a queue for what could not be
delivered, and its address, which is a secret and kept in SSM's Parameter Store alone.
"""

import time
from typing import TYPE_CHECKING

from chalicelib.services import aws

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient

_KEPT_SECONDS = 60.0


class TargetError(aws.ServiceError):
    """A call about a target failed."""


def queue_name(stage: str, id_: str) -> str:
    """The name of a target's queue."""
    return f"marathon-events-{stage}-to-{id_}"


def undelivered_name(stage: str, id_: str) -> str:
    """The name of the queue for what it could not be given."""
    return f"marathon-events-{stage}-undelivered-{id_}"


def parameter_name(stage: str, id_: str) -> str:
    """The name of the parameter with its address."""
    return f"/marathon-events/{stage}/targets/{id_}"


class Targets:
    """The targets of one stage. ``queue_url``: that of any queue of the stage; all their URLs begin
    alike. Every method raises TargetError.
    """

    def __init__(self, ssm: "SSMClient", sqs: "SQSClient", stage: str, queue_url: str) -> None:
        self._ssm = ssm
        self._sqs = sqs
        self._stage = stage
        self._urls = queue_url.rstrip("/").rpartition("/")[0]
        self._addresses: dict[str, tuple[float, str]] = {}

    def address(self, id_: str) -> str:
        """The address of a target, read at most once a minute."""
        until, address = self._addresses.get(id_, (0.0, ""))
        if time.monotonic() < until:
            return address
        with aws.raised_as(TargetError):
            answer = self._ssm.get_parameter(
                Name=parameter_name(self._stage, id_), WithDecryption=True
            )
        address = answer["Parameter"]["Value"]
        self._addresses[id_] = (time.monotonic() + _KEPT_SECONDS, address)
        return address

    def again_in(self, id_: str, receipt: str, seconds: int) -> None:
        """Let a message come again after so many seconds, not after the queue's usual time."""
        with aws.raised_as(TargetError):
            self._sqs.change_message_visibility(
                QueueUrl=f"{self._urls}/{queue_name(self._stage, id_)}",
                ReceiptHandle=receipt,
                VisibilityTimeout=seconds,
            )

    def set_aside(self, id_: str, body: str, reason: str) -> None:
        """Put a message where what could not be delivered lies, with the reason."""
        with aws.raised_as(TargetError):
            answer = self._sqs.send_message(
                QueueUrl=f"{self._urls}/{undelivered_name(self._stage, id_)}",
                MessageBody=body,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason}},
            )
        if not answer.get("MessageId"):
            raise TargetError("NoMessageId")
