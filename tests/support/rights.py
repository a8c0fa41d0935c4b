"""Which rights a command's calls need."""

import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ops import ROOT

import boto3
from botocore.client import BaseClient

_TEXT = (ROOT / "docs" / "rights.md").read_text()

# Calls that need a right of another name. What is not here has a right of its own name.
_NAMES = {
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
_SERVICES = {
    "DynamoDB Streams": "dynamodb",
    "CloudWatch Logs": "logs",
    "EventBridge": "events",
    "CloudWatch Events": "events",
}


def tables() -> list[dict[str, set[str]]]:
    """The tables of docs/rights.md: the rights of each row."""
    found = []
    for part in _TEXT.split("| command | rights |")[1:]:
        rows = re.findall(r"^\| (.*?) \| (`.*) \|$", part, re.MULTILINE)
        found.append({command: _rights(rights) for command, rights in rows})
    return found


def policies() -> list[dict[str, Any]]:
    """The policies of docs/rights.md, in the order of its tables."""
    return [json.loads(each) for each in re.findall(r"```json\n(.*?)```", _TEXT, re.DOTALL)]


def granted(*names: str) -> set[str]:
    """What the rows of a command grant; all that its row must name: ``events.py`` and ``tail``."""
    rows = (row for table in tables() for row in table.items())
    (found,) = [rights for row, rights in rows if all(each in row for each in names)]
    return found


def _rights(cell: str) -> set[str]:
    services = (re.fullmatch(r"`(\w+)`: (.*)", each) for each in cell.split("; "))
    return {f"{each[1]}:{name}" for each in services if each for name in each[2].split(", ")}


@contextmanager
def needed_here() -> Iterator[set[str]]:
    """The rights that all calls need that this process makes meanwhile."""
    rights: set[str] = set()

    def note(client: Any, operation: str, arguments: Any) -> Any:
        rights.add(_right(str(client.meta.service_model.service_id), operation))
        return call(client, operation, arguments)

    call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001
    with patch.object(BaseClient, "_make_api_call", note):
        yield rights


@contextmanager
def needed() -> Iterator[set[str]]:
    """The rights that all calls need that processes make which are started meanwhile; whole at the
    end. The SDK itself tells of each call (client-side monitoring).
    """
    rights: set[str] = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        reading = threading.Thread(target=_read, args=(listener, rights))
        reading.start()
        told = {"AWS_CSM_ENABLED": "true", "AWS_CSM_PORT": str(port), "AWS_CSM_HOST": "127.0.0.1"}
        try:
            with patch.dict(os.environ, told):
                yield rights
        finally:
            listener.sendto(b"", ("127.0.0.1", port))
            reading.join()


def _read(listener: socket.socket, rights: set[str]) -> None:
    while message := listener.recv(65_536):
        call = json.loads(message)
        if call["Type"] == "ApiCall":
            rights.add(_right(call["Service"], call["Api"]))


def _right(service: str, operation: str) -> str:
    if service == "API Gateway":
        model = boto3.Session().client("apigateway", "us-east-1").meta.service_model
        return f"apigateway:{model.operation_model(operation).http['method']}"
    name = f"{_SERVICES.get(service, service).lower()}:{operation}"
    return _NAMES.get(name, name)
