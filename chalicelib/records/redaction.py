"""What of a body is never kept, and what of it is never sent on."""

import json
import re
from typing import Any

MASK = "***"

# A string that is cut off by the end of a broken body is still a string here.
_CALLBACK_URL = re.compile(rb'("callbackUrl"\s*:\s*")([^"\\]*(?:\\.[^"\\]*)*)', re.DOTALL)
_QUERY = re.compile(rb"(?:\?|\\u003[fF]).*", re.DOTALL)
_USER_INFO = re.compile(rb"^([^/\\?]*(?:/|\\/){2})[^/\\?]*@")


def _key(name: str) -> str:
    """A pattern for a letter-by-letter spelling of a key, escapes included."""
    return "".join(rf"(?:{c}|\\u00{ord(c):x}|\\u00{ord(c):X})" for c in name)


# No backslash stands before a string of valid JSON, so this finds keys, and keys alone. Pods call
# their environment by its full name.
_SECRET_KEY = re.compile(
    rf'(?<!\\)"(?:{_key("env")}|{_key("environment")}|{_key("secrets")})"\s*:\s*'
)
# Only keys are looked at, so numbers may stay text, of any length.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str)


def redact(body: bytes, token: str) -> bytes:
    """The body as it may be kept: the query and user-info of each ``callbackUrl``, and every
    occurrence of the request's own token, become ``***``. Works on the raw text, parseable or not.
    """
    if b'"callbackUrl"' in body:
        body = _CALLBACK_URL.sub(_without_secrets, body)
    return body.replace(token.encode(), MASK.encode())


def mask_environment(text: str) -> str:
    """JSON text with each value inside ``env``, ``environment`` and ``secrets`` as ``"***"``, at
    any depth; the rest stays letter for letter. Raises RecursionError where such a value is nested
    deeper than Python reads.
    """
    kept: list[str] = []
    end = 0
    while found := _SECRET_KEY.search(text, end):
        kept.append(text[end : found.end()])
        value, end = _VALUES.raw_decode(text, found.end())
        kept.append(json.dumps(_masked(value)))
    return "".join([*kept, text[end:]])


def mask_broken(text: str) -> str:
    """Text that is not JSON, up to where a value to be masked begins: its end can't be told."""
    found = _SECRET_KEY.search(text)
    return text[: found.end()] + MASK if found else text


def _without_secrets(found: re.Match[bytes]) -> bytes:
    url = _USER_INFO.sub(rb"\1***@", found[2])
    return found[1] + _QUERY.sub(lambda query: _mark(query[0]) + b"***", url)


def _mark(query: bytes) -> bytes:
    return b"?" if query.startswith(b"?") else query[:6]


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    return MASK if value else value
