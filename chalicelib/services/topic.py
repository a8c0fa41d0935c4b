"""The events topic: publishes notifications in batches that SNS takes."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from botocore.exceptions import ClientError

from chalicelib.records.notification import BATCH_ENTRIES, LIMIT_BYTES, Notification
from chalicelib.services import aws

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import (
        MessageAttributeValueTypeDef,
        PublishBatchRequestEntryTypeDef,
    )

_T = TypeVar("_T")

# With this the name of a FIFO topic ends, and that of a FIFO queue.
FIFO = ".fifo"

Outcome = Literal["sent", "failed", "rejected"]

# The codes by which SNS says that it will never take a message. Any other error is caused by the
# account, the topic, the network or the moment, and is worth a retry.
_REJECTIONS = (
    "InvalidParameter",
    "ParameterValueInvalid",
    "InvalidMessage",
    "Validation",
    "AWS.SimpleNotificationService.BatchRequestTooLong",
    "BatchRequestTooLong",
    "AWS.SimpleNotificationService.InvalidBatchEntryId",
    "InvalidBatchEntryId",
)


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one notification. ``failed``: a retry may succeed; ``rejected``: it never
    will. ``reason``: SNS's error code, empty when sent.
    """

    outcome: Outcome
    reason: str = ""


_SENT = Result("sent")


class Topic:
    """One topic. A FIFO topic (its name ends in ``.fifo``) keeps the order within each subject."""

    def __init__(self, client: "SNSClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._ordered = arn.endswith(FIFO)

    def batches(self, row: Iterable[_T], ready: Callable[[_T], Notification]) -> Iterator[list[_T]]:
        """Cut a sequence, in order, into batches whose notifications are within SNS's limits.
        ``ready``: returns the notification of an element.

        A FIFO topic's batch has at most one of each group: SNS may take a part of a call, and must
        not have a later one of a group before an earlier one that failed.
        """
        batch: list[_T] = []
        groups: set[str] = set()
        size = 0
        for each in row:
            notification = ready(each)
            full = len(batch) == BATCH_ENTRIES or size + notification.size > LIMIT_BYTES
            if batch and (full or (self._ordered and notification.group in groups)):
                yield batch
                batch, groups, size = [], set(), 0
            batch.append(each)
            groups.add(notification.group)
            size += notification.size
        if batch:
            yield batch

    def publish(self, batch: list[Notification], pauses: Sequence[float]) -> list[Result]:
        """Send a batch and return the result for each notification. Those that failed are sent
        again after each of the pauses, in seconds.
        """
        results = self._publish(batch)
        for pause in pauses:
            failed = [n for n, result in enumerate(results) if result.outcome == "failed"]
            if not failed:
                break
            time.sleep(pause)
            for n, result in zip(failed, self._publish([batch[n] for n in failed]), strict=True):
                results[n] = result
        return results

    def _publish(self, batch: list[Notification]) -> list[Result]:
        """If SNS rejects the whole call, only one entry may be the cause. Then send them one by
        one.
        """
        try:
            answer = self._client.publish_batch(
                TopicArn=self._arn,
                PublishBatchRequestEntries=[
                    _entry(n, each, ordered=self._ordered) for n, each in enumerate(batch)
                ],
            )
        except ClientError as error:
            code = aws.error_code(error)
            if not code.startswith(_REJECTIONS):
                return [Result("failed", code)] * len(batch)
            if len(batch) == 1:
                return [Result("rejected", code)]
            return [self._publish([each])[0] for each in batch]
        except aws.ERRORS as error:
            return [Result("failed", aws.error_code(error))] * len(batch)
        sent = {entry.get("Id") for entry in answer.get("Successful", ())}
        failed = {entry["Id"]: entry for entry in answer.get("Failed", ())}
        # An entry that SNS names in neither list was not sent.
        return [
            _SENT if str(n) in sent else _failure(dict(failed.get(str(n), {})))
            for n in range(len(batch))
        ]


def _entry(n: int, each: Notification, *, ordered: bool) -> "PublishBatchRequestEntryTypeDef":
    attributes: dict[str, MessageAttributeValueTypeDef] = {
        name: {"DataType": "String", "StringValue": value}
        for name, value in each.attributes.items()
    }
    for name, array in (("apps", each.apps), ("incidents", each.incidents)):
        if array:
            attributes[name] = {"DataType": "String.Array", "StringValue": array}
    entry: PublishBatchRequestEntryTypeDef = {
        "Id": str(n),
        "Subject": each.subject,
        "Message": each.body,
        "MessageAttributes": attributes,
    }
    if each.sms:
        entry["MessageStructure"] = "json"
    if ordered:  # a standard topic refuses the second of these
        entry["MessageGroupId"] = each.group
        entry["MessageDeduplicationId"] = each.deduplication
    return entry


def _failure(entry: dict[str, object]) -> Result:
    code = str(entry.get("Code", "Unmentioned"))
    rejected = entry.get("SenderFault") is True and code.startswith(_REJECTIONS)
    return Result("rejected" if rejected else "failed", code)
