"""Faults at the SDK's boundary: what AWS, or the network, answers instead of what it should."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

Handler = Callable[..., Any]


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        yield self._body


def answer(code: str, status: int = 400) -> Handler:
    """AWS refuses with that code."""

    def handler(request: Any, **kwargs: Any) -> AWSResponse:
        body = json.dumps({"__type": code, "message": "injected"}).encode()
        xml = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>injected</Message></Error>"
            "</ErrorResponse>"
        ).encode()
        is_query = "X-Amz-Target" not in request.headers
        headers: Any = HeadersDict()
        return AWSResponse(request.url, status, headers, _Raw(xml if is_query else body))

    return handler


def silence(request: Any, **kwargs: Any) -> Any:
    """Nobody answers in time."""
    raise ReadTimeoutError(endpoint_url=request.url)


def unanswered(request: Any, **kwargs: Any) -> Any:
    """AWS does what it is asked for, but its answer is lost."""
    URLLib3Session().send(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def no_connection(request: Any, **kwargs: Any) -> Any:
    """Nobody is there."""
    raise EndpointConnectionError(endpoint_url=request.url)


@contextlib.contextmanager
def injected(client: Any, operation: str, handler: Handler) -> Iterator[None]:
    """Let a client's operation (``PutItem``) meet a fault."""
    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register_first(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)


def after(handler: Handler, times: int) -> Handler:
    """A fault that comes only after so many good calls."""
    count = 0

    def counted(request: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return handler(request, **kwargs) if count > times else None

    return counted


def only(handler: Handler, times: int) -> Handler:
    """A fault that comes so many times, and no more."""
    count = 0

    def counted(request: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return handler(request, **kwargs) if count <= times else None

    return counted
