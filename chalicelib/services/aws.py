"""SDK clients. Each is made on first use, with timeouts that suit its caller. They use botocore
without boto3, which makes the import a third shorter at each cold start. The SDK itself finds
endpoints, region and credentials.
"""

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient


class NotAnAnswer(BotoCoreError):
    """The answer is not AWS's own: it is a proxy's page, for example, or half an answer."""

    fmt = "what answered is no answer of AWS"


class ServiceError(Exception):
    """A call to a service failed. ``code``: AWS's error code, or the name of the SDK's error. It
    never holds AWS's message, which may repeat parts of the request.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# All that a call can raise.
ERRORS = (BotoCoreError, ClientError, ResponseParserError)

# A user agent of our own. The SDK builds its long one again for each call, which takes a seventh of
# the call's work.
_USER_AGENT = "marathon-events"


def _config(*, connect: float, read: float, attempts: int) -> Config:
    """Timeouts in seconds, each for one attempt; ``attempts`` in all."""
    return Config(
        connect_timeout=connect,
        read_timeout=read,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=False,
        user_agent=_USER_AGENT,
    )


# Marathon is waiting and the spill queue is the fallback, so try once, with short timeouts.
_URGENT_TABLE = _config(connect=0.3, read=0.5, attempts=1)
# The queue has no fallback: the caller itself tries again, until it is out of time.
_URGENT_QUEUE = _config(connect=1, read=2, attempts=1)
_RELAXED = _config(connect=1, read=5, attempts=3)
# What people hear must not come twice. SNS may have taken what it did not answer.
_ONCE = _config(connect=2, read=10, attempts=1)


def error_code(error: Exception) -> str:
    """AWS's code of an error, or the name of the SDK's own."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


@contextlib.contextmanager
def raised_as(kind: type[ServiceError]) -> Iterator[None]:
    """Raises, for each error of a call within it, that error of ours."""
    try:
        yield
    except ERRORS as error:
        raise kind(error_code(error)) from error


def is_no_answer(error: Exception) -> bool:
    """Whether the answer did not come from AWS."""
    return isinstance(error, NotAnAnswer | ResponseParserError)


def check_answers(register: Callable[[str, Callable[..., None]], None]) -> None:
    """Make every client of a session accept only answers that its service can have sent.

    The SDK accepts an empty body, or a page of HTML with status 200, as a successful answer without
    content. So a put would count as done, and a token as unknown.
    """
    register("before-parse", _check_answer)


def _check_answer(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    status = response_dict["status_code"]
    # The SDK itself retries after 5xx, and never treats it as success.
    if status >= 500 or operation_model.has_streaming_output:
        return
    service = operation_model.service_model
    protocol = getattr(service, "resolved_protocol", service.protocol)
    body = response_dict["body"]
    if protocol in ("json", "rest-json"):
        real = _is_json_answer(operation_model, status, body)
    elif protocol == "query":
        expected = b"Error" if status >= 300 else f"<{operation_model.name}Response".encode()
        real = expected in body[:4000]
    else:
        return
    if not real:
        raise NotAnAnswer


def _is_json_answer(operation: Any, status: int, body: bytes) -> bool:
    if status < 300 and body == b"{}":  # the normal answer to a put
        return True
    expected = _names_in_body(operation)
    if status < 300 and not expected:
        return True
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if status >= 300 or not isinstance(said, dict):
        return isinstance(said, dict)
    return not said or not expected.isdisjoint(said)


def _names_in_body(operation: Any) -> set[str]:
    """The members that an answer to an operation may have; none if its body is not described."""
    shape = operation.output_shape
    if shape is None or "payload" in shape.serialization:
        return set()
    return {
        member.serialization.get("name", name)
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


@functools.cache
def _session() -> Any:
    session = botocore.session.get_session()
    check_answers(session.register)
    return session


@functools.cache
def dynamodb(*, urgent: bool = False) -> "DynamoDBClient":
    """The table's client; ``urgent`` on the request path."""
    made: DynamoDBClient = _client("dynamodb", _URGENT_TABLE if urgent else _RELAXED)
    return made


@functools.cache
def sqs(*, urgent: bool = False) -> "SQSClient":
    """The queues' client; ``urgent`` on the request path."""
    made: SQSClient = _client("sqs", _URGENT_QUEUE if urgent else _RELAXED)
    return made


@functools.cache
def sns(*, once: bool = False) -> "SNSClient":
    """The topics' client; ``once``: if SNS does not answer, the call is not made again."""
    made: SNSClient = _client("sns", _ONCE if once else _RELAXED)
    return made


@functools.cache
def ssm() -> "SSMClient":
    """The Parameter Store's client."""
    made: SSMClient = _client("ssm", _RELAXED)
    return made


def forget() -> None:
    """Drop all clients: those made next see the environment as it is then."""
    for made in (_session, dynamodb, sqs, sns, ssm):
        made.cache_clear()


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)
