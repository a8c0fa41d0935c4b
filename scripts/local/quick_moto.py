"""What makes moto quick enough to play whole nights. Its answers stay the same."""

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import moto.backends
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from moto.core.botocore_stubber import MockRawResponse
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


_applications: dict[str, Application] = {}


@contextmanager
def without_sockets(address: str, application: Application) -> Iterator[None]:
    """Calls of this process to an address go straight to the application that listens there."""
    _applications[f"{address}/"] = application
    try:
        yield
    finally:
        del _applications[f"{address}/"]


def _send_inside(real: Callable[..., AWSResponse]) -> Callable[..., AWSResponse]:
    def send(session: Any, request: AWSPreparedRequest) -> AWSResponse:
        for address, application in _applications.items():
            if request.url.startswith(address):
                return _call(application, request, request.url[len(address) - 1 :])
        return real(session, request)

    return send


def _call(application: Application, request: AWSPreparedRequest, target: str) -> AWSResponse:
    status, headers = 0, {}

    def start(line: str, given: list[tuple[str, str]], *_: Any) -> None:
        nonlocal status, headers
        status, headers = int(line.split()[0]), dict(given)

    body = b"".join(application(_environ(request, target), start))
    return AWSResponse(request.url, status, headers, MockRawResponse(body))  # type: ignore[arg-type]


def _environ(request: AWSPreparedRequest, target: str) -> dict[str, Any]:
    """A request as WSGI has it (PEP 3333)."""
    body: Any = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    path, _, query = target.partition("?")
    host, _, port = request.url.split("/")[2].partition(":")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "REMOTE_ADDR": host,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": f"{host}:{port}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[f"HTTP_{key}"] = value.decode() if isinstance(value, bytes) else value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _serialize_items(real: Callable[..., None]) -> Callable[..., None]:
    """moto looks for each value of each attribute under all the names that it might have."""

    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.value.name == "AttributeValue":
            serialized[key] = {name: _as_json(each) for name, each in value.items()}
        else:
            real(self, serialized, value, shape, key)

    return serialize


def _as_json(typed: dict[str, Any]) -> dict[str, Any]:
    """The value of an attribute, as DynamoDB answers it."""
    ((kind, value),) = typed.items()
    match kind:
        case "B":
            value = base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        case "BS":
            value = [_as_json({"B": each})["B"] for each in value]
        case "L":
            value = [_as_json(each) for each in value]
        case "M":
            value = {name: _as_json(each) for name, each in value.items()}
    return {kind: value}


def _cast_text(real: Callable[[DynamoType], Any]) -> Callable[[DynamoType], Any]:
    """moto asks of each key that it compares whether it is a number, a set, a list, a map …"""
    return lambda value: value.value if value.type == "S" else real(value)


def _size_text(real: Callable[[DynamoType], int]) -> Callable[[DynamoType], int]:
    return lambda value: bytesize(value.value) if value.type in ("S", "B") else real(value)


def _sort_by_text(real: Callable[[Table], list[Item]]) -> Callable[[Table], list[Item]]:
    """moto sorts a whole table at each query, and compares its keys one type at a time."""

    def items(table: Table) -> list[Item]:
        if table.hash_key_type != "S" or table.range_key_type != "S":
            return real(table)
        found = [item for partition in table.items.values() for item in partition.values()]
        return sorted(found, key=lambda each: (each.hash_key.value, each.range_key.value))

    return items


def _patch(owner: type, name: str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    setattr(owner, name, wrapper(getattr(owner, name)))


_patch(Table, "all_items", _sort_by_text)
_patch(URLLib3Session, "send", _send_inside)
_patch(BaseJSONSerializer, "_serialize_type_map", _serialize_items)
_patch(DynamoType, "size", _size_text)
DynamoType.cast_value = property(  # type: ignore[assignment,method-assign]
    _cast_text(vars(DynamoType)["cast_value"].fget)
)

# moto lists its own folders at each request.
_modules = tuple(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: _modules
