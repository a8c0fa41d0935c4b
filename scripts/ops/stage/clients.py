"""SDK clients of the scripts. Endpoints, region and credentials are the SDK's own business."""

import functools
from collections.abc import Callable
from typing import Any

import boto3
import botocore.exceptions

from chalicelib.services import aws

_NOT_THERE = (
    "ResourceNotFoundException",
    "ParameterNotFound",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
)


@functools.cache
def client(service: str) -> Any:
    """A client of one of AWS's services, by its name at the SDK."""
    return _session().client(service)


def if_there(call: Callable[..., Any], **request: Any) -> Any:
    """What a call answers; None where AWS has no such thing."""
    try:
        return call(**request)
    except botocore.exceptions.ClientError as error:
        if aws.error_code(error) in _NOT_THERE:
            return None
        raise


def forget() -> None:
    """Drop all clients: those made next see the environment as it is then."""
    client.cache_clear()
    _session.cache_clear()


@functools.cache
def _session() -> Any:
    session = boto3.Session()
    aws.check_answers(session.events.register)
    return session
