"""SDK clients, each made on first use and with the timeouts that its caller can afford.

botocore itself, without boto3 on top: a third less to import at each cold start. Endpoints, region
and credentials are the SDK's own business.
"""

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient


class NotAnAnswer(BotoCoreError):
    """Something else stands in the place of AWS: a proxy's page, say, or half an answer."""

    fmt = "what answered is no answer of AWS"


class ServiceError(Exception):
    """A service did not do what it was asked. ``code``: AWS's, or the name of the SDK's error;
    never AWS's message, which may repeat parts of the request.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# All that a call can raise.
ERRORS = (BotoCoreError, ClientError, ResponseParserError)

# A name of our own, since composing the SDK's long one anew is a seventh of the work of a call.
_USER_AGENT = "marathon-events"

# Marathon is waiting and the spill queue is the fallback, so try once, with short timeouts.
_URGENT_TABLE = Config(
    connect_timeout=0.3,
    read_timeout=0.5,
    retries={"mode": "standard", "total_max_attempts": 1},
    parameter_validation=False,
    user_agent=_USER_AGENT,
)
# Behind the queue is nothing: the caller tries again itself, until it is out of time.
_URGENT_QUEUE = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 1},
    parameter_validation=False,
    user_agent=_USER_AGENT,
)
_RELAXED = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent=_USER_AGENT,
)


def error_code(error: Exception) -> str:
    """AWS's code of an error, or the name of the SDK's own."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def is_no_answer(error: Exception) -> bool:
    """Whether something else than AWS answered."""
    return isinstance(error, NotAnAnswer | ResponseParserError)


def check_answers(register: Callable[[str, Callable[..., None]], None]) -> None:
    """Let every client of a session take for success only what its service can have said.

    The SDK takes an empty body, and a page of HTML with status 200, for an answer that says
    nothing: a put would count as done, and a token as unknown.
    """
    register("before-parse", _check_answer)


def _check_answer(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    status = response_dict["status_code"]
    # The SDK itself tries again after 5xx, and nobody takes one for success.
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
    if status < 300 and body == b"{}":  # what a put is answered
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
    """What an answer to an operation may hold; nothing where its body is not described."""
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
def sns() -> "SNSClient":
    """The topic's client."""
    made: SNSClient = _client("sns", _RELAXED)
    return made


def forget() -> None:
    """Drop all clients: those made next see the environment as it is then."""
    for made in (_session, dynamodb, sqs, sns):
        made.cache_clear()


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)
