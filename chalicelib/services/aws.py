"""SDK clients, each made on first use and with the patience that its caller has.

botocore itself, without boto3 on top: a third less to import at each cold start. Endpoints, region
and credentials are the SDK's own business.
"""

import functools
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient

# All that a call can raise. The last is what a proxy's page of HTML leads to.
ERRORS = (BotoCoreError, ClientError, ResponseParserError)

# A name of our own, since composing the SDK's long one anew is a seventh of the work of a call.
_USER_AGENT = "marathon-events"

# Marathon waits, and behind the table stands the spill queue: one try, and no second that waits.
# Worst case of a table that does not answer and a queue that does: 0.3 + 0.5 + 0.2 s.
_IMPATIENT = Config(
    connect_timeout=0.3,
    read_timeout=0.5,
    retries={"mode": "standard", "total_max_attempts": 1},
    parameter_validation=False,
    user_agent=_USER_AGENT,
)
_PATIENT = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent=_USER_AGENT,
)


def error_code(error: Exception) -> str:
    """AWS's code of an error, or the name of the SDK's own. AWS's messages may repeat parts of the
    request; its codes never do.
    """
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


@functools.cache
def _session() -> Any:
    return botocore.session.get_session()


@functools.cache
def dynamodb(*, impatient: bool = False) -> "DynamoDBClient":
    """The table's client; ``impatient`` on the request path."""
    made: DynamoDBClient = _client("dynamodb", impatient)
    return made


@functools.cache
def sqs(*, impatient: bool = False) -> "SQSClient":
    """The queues' client; ``impatient`` on the request path."""
    made: SQSClient = _client("sqs", impatient)
    return made


@functools.cache
def sns() -> "SNSClient":
    """The topic's client."""
    made: SNSClient = _client("sns", impatient=False)
    return made


def _client(service: str, impatient: bool) -> Any:
    return _session().create_client(service, config=_IMPATIENT if impatient else _PATIENT)
