"""What makes moto quick enough to play whole nights. Its answers stay the same."""

import base64
import copy
import functools
import io
import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.useragent
import moto.backends
import moto.core.responses
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session
from moto.backend_index import backend_url_patterns
from moto.cloudformation.models import Stack
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import bytesize
from moto.sns.models import Subscription
from werkzeug.exceptions import HTTPException

_Called = Callable[[str], None]
_Method = Callable[..., tuple[int, Any, Any]]

_local: dict[str, _Called] = {}


@contextmanager
def without_sockets(address: str, called: _Called) -> Iterator[None]:
    """Calls of this process to the address of moto's server go straight to moto. ``called`` hears
    of each afterwards, by its X-Amz-Target.
    """
    _local[f"{address}/"] = called
    try:
        yield
    finally:
        del _local[f"{address}/"]


def _send_inside(real: Callable[..., AWSResponse]) -> Callable[..., AWSResponse]:
    def send(session: Any, request: AWSPreparedRequest) -> AWSResponse:
        for address, called in _local.items():
            if request.url.startswith(address):
                method = _method(request, request.url[len(address) - 1 :])
                if method:
                    try:
                        return _answer(method, request)
                    finally:
                        called(_text(request.headers.get("X-Amz-Target", "")))
        return real(session, request)

    return send


def _method(request: AWSPreparedRequest, path: str) -> _Method | None:
    """What moto calls for a request, by the service that its signature names (the scope of the
    credential). None where moto does not have it.
    """
    scope = _text(request.headers["Authorization"]).split(",")[0].split("/")
    streams = _text(request.headers.get("X-Amz-Target", "")).startswith("DynamoDBStreams")
    host = f"https://{'streams.' if streams else ''}{scope[3]}.{scope[2]}.amazonaws.com"
    url = host + path.partition("?")[0]
    return next((method for pattern, method in _methods(host) if pattern.match(url)), None)


@functools.cache
def _methods(host: str) -> list[tuple[re.Pattern[str], _Method]]:
    """What moto calls for the addresses of a service."""
    name: Any = next(name for name, pattern in backend_url_patterns if pattern.match(host))
    regions: Any = moto.backends.get_backend(name)[DEFAULT_ACCOUNT_ID]
    backend = regions["us-east-1" if "us-east-1" in regions else "aws"]
    return [(re.compile(pattern), method) for pattern, method in backend.urls.items()]


def _answer(method: _Method, request: AWSPreparedRequest) -> AWSResponse:
    asked = Request(_environ(request))
    try:
        status, headers, body = method(asked, asked.raw_url, asked.headers)
    except HTTPException as error:
        status, headers, body = error.code or 500, error.get_headers(), error.get_body()
    return AWSResponse(request.url, status, headers, MockRawResponse(body))


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """A request as WSGI has it (PEP 3333), as far as moto asks for it."""
    url = urlsplit(request.url)
    body: Any = request.body or b""
    body = body.read() if hasattr(body, "read") else body
    body = body.encode() if isinstance(body, str) else bytes(body)
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": _text(value)
        for name, value in request.headers.items()
    }
    return environ | {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(url.path, "latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": request.url,
        "HTTP_HOST": url.netloc,
        "CONTENT_TYPE": environ.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
    }


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _sign_elsewhere(real: Callable[..., None]) -> Callable[..., None]:
    """moto checks no signature: it reads who asks which service of which region."""

    def add(auth: Any, request: Any) -> None:
        if not request.url.startswith(tuple(_local)):
            real(auth, request)
            return
        key, day = auth.credentials.access_key, "20200101"
        scope = f"{key}/{day}/{auth._region_name}/{auth._service_name}/aws4_request"  # noqa: SLF001
        del request.headers["Authorization"]  # of an earlier try
        request.headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, Signature=none"

    return add


def _one_key(real: Callable[[Subscription], Any]) -> Callable[[Subscription], Any]:
    """moto makes an RSA key for each subscription that gets messages by HTTP."""
    make = functools.cache(lambda: real(None))  # type: ignore[arg-type]
    return lambda _: make()


def _number_requests(_: object) -> Callable[[dict[str, Any]], str]:
    """moto puts the id of a request together of 52 random letters."""
    numbers = itertools.count()

    def number(headers: dict[str, Any]) -> str:
        headers["x-amzn-requestid"] = f"{next(numbers):052}"
        return str(headers["x-amzn-requestid"])

    return number


def _no_form(real: Callable[..., Any]) -> Callable[..., Any]:
    """moto looks for a form in each body, however long a JSON text it is."""
    return lambda text, **how: [] if text.startswith("{") else real(text, **how)


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


def _query_a_partition(real: Callable[..., Any]) -> Callable[..., Any]:
    """moto looks through all of a table at each query."""

    def query(table: Table, hash_key: DynamoType, *args: Any, **more: Any) -> Any:
        index = args[6]
        if index is None and table.has_range_key:
            partition = copy.copy(table)
            partition.items = defaultdict(dict, {hash_key: table.items.get(hash_key, {})})
            table = partition
        return real(table, hash_key, *args, **more)

    return query


def _copy_no_text(real: Callable[..., DynamoType]) -> Callable[..., DynamoType]:
    """moto copies each value of each answer. Texts never change."""
    return lambda value, memo: value if value.type == "S" else real(value, memo)


def _parse_once(real: Callable[[str], Any]) -> Any:
    """A stage's template takes a tenth of a second."""
    parse = functools.cache(real)
    return staticmethod(lambda template: copy.deepcopy(parse(template)))


def _patch(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    setattr(owner, name, wrapper(getattr(owner, name)))


_patch(SigV4Auth, "add_auth", _sign_elsewhere)
_patch(moto.core.responses, "gen_amzn_requestid_long", _number_requests)
_patch(moto.core.responses, "parse_qsl", _no_form)
_patch(Subscription, "private_key", _one_key)
_patch(Stack, "parse_template", _parse_once)
_patch(Table, "all_items", _sort_by_text)
_patch(Table, "query", _query_a_partition)
_patch(URLLib3Session, "send", _send_inside)
_patch(BaseJSONSerializer, "_serialize_type_map", _serialize_items)
_patch(DynamoType, "size", _size_text)
_patch(DynamoType, "__deepcopy__", _copy_no_text)
DynamoType.cast_value = property(  # type: ignore[assignment,method-assign]
    _cast_text(vars(DynamoType)["cast_value"].fget)
)

# moto lists its own folders at each request.
_modules = tuple(moto.backends.list_of_moto_modules())
moto.backends.list_of_moto_modules = lambda: _modules

# What is found out anew at each request, though it is the same.
_patch(moto.core.responses, "method_names_from_class", functools.cache)
_patch(moto.core.responses, "camelcase_to_underscores", functools.cache)
_patch(botocore.useragent, "sanitize_user_agent_string_component", functools.cache)
