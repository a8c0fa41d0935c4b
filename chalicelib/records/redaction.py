"""The parts of a body that are never stored, and the parts that are never sent on. Every pattern
takes linear time, since bodies may be hostile.
"""

import json
import re
from typing import Any

MASK = "***"

# JSON may write each character as an escape. These characters end the parts of a URL.
_SLASH = r"(?:/|\\/|\\u002[fF])"
_AT = r"(?:@|\\u0040)"
_NO_END = r"(?:[^/?\\]|\\(?!/|u002[fF]|u003[fF]).)"

# If a broken body ends inside a string, the rest still counts as a string here.
_CALLBACK_URL = re.compile(rb'("callbackUrl"\s*:\s*")([^"\\]*(?:\\.[^"\\]*)*)', re.DOTALL)
_QUERY = re.compile(rb"(?:\?|\\u003[fF]).*", re.DOTALL)
_CALLBACK_USER_INFO = re.compile(f"^({_NO_END}*{_SLASH}{{2}}){_NO_END}*{_AT}".encode(), re.DOTALL)

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_USER_INFO = re.compile(r"://[^/?#\s]*@")
_USER_INFO_IN_TEXT = re.compile(rf"(:{_SLASH}{{2}})(?:[^/?#\s\\]|\\(?!/|u002[fF]|u003[fF]).)*{_AT}")
# Parameters that sign a URL, or that give access to anybody who has it.
_SECRET_PARAMETER = re.compile(
    r"([?&](?:[\w.-]*(?:signature|credential|token|secret|passw(?:or)?d|access-?(?:key-?)?id|"
    r"api[_-]?key|key-pair-id)|sig|auth)=)[^&#\s\"\\]*",
    re.IGNORECASE,
)


def _key(name: str) -> str:
    """A pattern that matches a key letter by letter, in upper or lower case, also written as
    escapes.
    """
    return "".join(
        rf"(?:{c}|{c.upper()}|\\u00{ord(c):x}|\\u00{ord(c):X}|\\u00{ord(c.upper()):x}"
        rf"|\\u00{ord(c.upper()):X})"
        for c in name
    )


# In valid JSON no string follows a backslash, so this finds keys and nothing else. Pods call their
# environment by its full name.
_SECRET_KEY = re.compile(
    rf'(?<!\\)"(?:{_key("env")}|{_key("environment")}|{_key("secrets")})"\s*:\s*'
)
# Only keys are checked, so numbers may stay text of any length.
_VALUES = json.JSONDecoder(parse_int=str, parse_float=str)


def redact(body: bytes, token: str) -> bytes:
    """The body as it may be stored: the query and user-info of each ``callbackUrl``, and every
    occurrence of the request's own token, become ``***``. Works on the raw text, whether it can be
    parsed or not.
    """
    if b'"callbackUrl"' in body:
        body = _CALLBACK_URL.sub(_without_secrets, body)
    return body.replace(token.encode(), MASK.encode())


def mask_json(text: str) -> str:
    """JSON text as it may be sent on. ``***`` replaces each value inside ``env``, ``environment``
    and ``secrets``, at any depth, and the user-info and signature of each URL in any string. The
    rest stays the same letter for letter. Raises RecursionError if such a value is nested too deep
    for Python.
    """
    text = _mask_environment(text)
    return _STRING.sub(_masked_string, text) if _may_hold_urls(text) else text


def mask_text(text: str) -> str:
    """Text that is not JSON, as it may be sent on. It is cut where a value to be masked begins,
    since the end of the value can't be found. URLs are masked as in ``mask_json``.
    """
    found = _SECRET_KEY.search(text)
    text = text[: found.end()] + MASK if found else text
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", _USER_INFO_IN_TEXT.sub(rf"\1{MASK}@", text))


def _mask_environment(text: str) -> str:
    kept: list[str] = []
    end = 0
    while found := _SECRET_KEY.search(text, end):
        kept.append(text[end : found.end()])
        value, end = _VALUES.raw_decode(text, found.end())
        kept.append(json.dumps(_masked(value)))
    return "".join([*kept, text[end:]])


def _may_hold_urls(text: str) -> bool:
    """Whether it is worth checking each string: most events contain no login and no query."""
    return "@" in text or "?" in text or "\\u" in text


def _masked_string(found: re.Match[str]) -> str:
    string = found[0]
    if "\\" in string:
        text = json.loads(string, strict=False)
        masked = _mask_urls(text)
        return string if masked == text else json.dumps(masked)
    return _mask_urls(string) if "@" in string or "?" in string else string


def _mask_urls(text: str) -> str:
    return _SECRET_PARAMETER.sub(rf"\1{MASK}", _USER_INFO.sub(f"://{MASK}@", text))


def _without_secrets(found: re.Match[bytes]) -> bytes:
    url = _CALLBACK_USER_INFO.sub(rb"\1***@", found[2])
    return found[1] + _QUERY.sub(lambda query: _mark(query[0]) + b"***", url)


def _mark(query: bytes) -> bytes:
    return b"?" if query.startswith(b"?") else query[:6]


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, MASK)
    return MASK if value else value
