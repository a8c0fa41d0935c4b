"""SDK clients of the scripts. Endpoints, region and credentials are the SDK's own business."""

import functools
from typing import Any

import boto3

from chalicelib.services import aws


@functools.cache
def client(service: str) -> Any:
    """A client of one of AWS's services, by its name at the SDK."""
    return _session().client(service)


def forget() -> None:
    """Drop all clients: those made next see the environment as it is then."""
    client.cache_clear()
    _session.cache_clear()


@functools.cache
def _session() -> Any:
    session = boto3.Session()
    aws.check_answers(session.events.register)
    return session
