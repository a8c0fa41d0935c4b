"""An AWS on this machine: moto's server, and a stage's resources from the production templates."""

import logging
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ops.stage import clients, resources, stacks
from ops.stage.resources import Stage

from moto.cloudformation import models
from moto.cloudformation.parsing import ResourceMap
from moto.dynamodb.models import DynamoDBBackend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.sqs.models import Queue
from werkzeug.serving import make_server

from chalicelib.services import aws
from local.background import served, something_changed
from local.quick_moto import without_sockets


class _Kept(ResourceMap):
    """A stack's resources. moto does not know ``RetainExceptOnCreate``: what has it stays when the
    stack is deleted.
    """

    def delete(self) -> None:
        for each in self._resource_json_map.values():
            if each.get("DeletionPolicy") == "RetainExceptOnCreate":
                each["DeletionPolicy"] = "Retain"
        super().delete()


def _one_at_a_time(operation: Callable[..., Any]) -> Callable[..., Any]:
    """DynamoDB looks at a condition and writes in one step. Between moto's two, another thread may
    write.
    """

    def write(*args: Any, **more: Any) -> Any:
        with _writing:
            return operation(*args, **more)

    return write


_writing = threading.Lock()
for _name in ("put_item", "update_item", "delete_item"):
    setattr(DynamoDBBackend, _name, _one_at_a_time(getattr(DynamoDBBackend, _name)))
models.ResourceMap = _Kept  # type: ignore[attr-defined]
# moto would run the function of a mapping in Docker; here ``local/delivering`` hands over.
Queue.lambda_event_source_mappings = property(  # type: ignore[assignment]
    lambda _: {}, lambda *_: None
)

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}
ENVIRONMENT = CREDENTIALS | {"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
# Variables that would make the SDK use another machine, or somebody's real account.
_UNWANTED = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")

_READS = re.compile(r"\.(BatchGet|Describe|Get|List|Query|Receive|Scan)")


@contextmanager
def running() -> Iterator[str]:
    """An empty AWS at the address that this gives; every SDK client of this process uses it."""
    for noisy in ("werkzeug", "moto"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # moto warns about each policy in the templates that it does not make.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"moto\.")
    application = _waking(DomainDispatcherApplication(create_backend_app))
    server = make_server(
        "127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler
    )
    with served(server), _environment(f"http://127.0.0.1:{server.server_port}") as endpoint:
        yield endpoint


@contextmanager
def _environment(endpoint: str) -> Iterator[str]:
    """Let every SDK client of this process use that AWS."""
    before = dict(os.environ)
    for name in [each for each in os.environ if each.startswith("AWS_ENDPOINT_URL")]:
        del os.environ[name]
    for name in _UNWANTED:
        os.environ.pop(name, None)
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=endpoint)
    forget_clients()
    try:
        with without_sockets(endpoint, _wake):
            yield endpoint
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget_clients()


def _waking(application: Callable[..., Any]) -> Callable[..., Any]:
    def answered(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            answer: Iterable[bytes] = application(environ, start_response)
            return answer
        finally:
            _wake(environ.get("HTTP_X_AMZ_TARGET", ""))

    return answered


def _wake(target: str) -> None:
    """After a request that may have changed something, wake what works in the background."""
    if not _READS.search(target):
        something_changed()


def forget_clients() -> None:
    """Drop clients that were made for another environment."""
    clients.forget()
    aws.forget()


def make_stage(name: str = "dev") -> Stage:
    """A stage's resources. moto makes a stack before it answers."""
    for each in stacks.creations(name):
        clients.client("cloudformation").create_stack(**each)
    return resources.find(name)
