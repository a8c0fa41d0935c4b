"""The events topic: publishes notifications in batches that SNS takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from botocore.exceptions import ClientError

from chalicelib.records.notification import BATCH_ENTRIES, LIMIT_BYTES, Notification
from chalicelib.services import aws

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient
    from types_boto3_sns.type_defs import PublishBatchRequestEntryTypeDef

_T = TypeVar("_T")

Outcome = Literal["sent", "refused", "poison"]

# Errors that lie in the account, the topic or the moment, not in the message: worth another try.
# Anything else that SNS blames on the sender will be blamed again.
_PASSING = (
    "Throttl",
    "TooManyRequests",
    "RequestLimit",
    "RequestThrottled",
    "RequestExpired",
    "RequestTimeout",
    "Internal",
    "ServiceUnavailable",
    "AccessDenied",
    "Authorization",
    "NotFound",
    "ResourceNotFound",
    "KMS",
    "Expired",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "Unrecognized",
    "Signature",
    "IncompleteSignature",
    "OptIn",
    "EndpointDisabled",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one notification; ``reason``: SNS's error code, empty when sent."""

    outcome: Outcome
    reason: str = ""


_SENT = Result("sent")


def batches(row: Iterable[_T], ready: Callable[[_T], Notification]) -> Iterator[list[_T]]:
    """Cut a row, in order, into batches whose notifications are within SNS's limits. ``ready``: the
    notification of each.
    """
    batch: list[_T] = []
    size = 0
    for each in row:
        bytes_ = ready(each).size
        if batch and (len(batch) == BATCH_ENTRIES or size + bytes_ > LIMIT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += bytes_
    if batch:
        yield batch


class Notifier:
    """One topic."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic = topic_arn

    def publish(self, batch: list[Notification]) -> list[Result]:
        """Send a batch and tell of each what became of it. Where SNS refuses the whole call for
        what may be one entry's fault, they go one by one.
        """
        try:
            answer = self._client.publish_batch(
                TopicArn=self._topic,
                PublishBatchRequestEntries=[_entry(n, each) for n, each in enumerate(batch)],
            )
        except ClientError as error:
            code = aws.error_code(error)
            if _passes(error):
                return [Result("refused", code)] * len(batch)
            if len(batch) == 1:
                return [Result("poison", code)]
            return [self.publish([each])[0] for each in batch]
        except aws.ERRORS as error:
            return [Result("refused", aws.error_code(error))] * len(batch)
        sent = {entry.get("Id") for entry in answer.get("Successful", ())}
        failed = {entry["Id"]: entry for entry in answer.get("Failed", ())}
        # What SNS names in neither list was not sent.
        return [
            _SENT if str(n) in sent else _failure(dict(failed.get(str(n), {})))
            for n in range(len(batch))
        ]


def _entry(n: int, each: Notification) -> "PublishBatchRequestEntryTypeDef":
    return {
        "Id": str(n),
        "Subject": each.subject,
        "Message": each.message,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in each.attributes.items()
        },
    }


def _failure(entry: dict[str, object]) -> Result:
    code = str(entry.get("Code", "Unmentioned"))
    poison = entry.get("SenderFault") is True and not code.startswith(_PASSING)
    return Result("poison" if poison else "refused", code)


def _passes(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or status == 429 or aws.error_code(error).startswith(_PASSING)
