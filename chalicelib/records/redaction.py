"""The parts of a body that are never stored. Every pattern takes linear time, since bodies may be
hostile.
"""

import re

from chalicelib.marathon.masking import AT, MASK, SLASH

# These characters end the parts of a URL.
_NO_END = r"(?:[^/?\\]++|\\(?!/|u002[fF]|u003[fF]).)*+"
_NO_END_OR_AT = r"(?:[^/?\\@]++|\\(?!/|u002[fF]|u003[fF]|u0040).)*+"

# If a broken body ends inside a string, the rest still counts as a string here.
_CALLBACK_URL = re.compile(rb'("callbackUrl"\s*+:\s*+")([^"\\]*+(?:\\.[^"\\]*+)*+)', re.DOTALL)
_QUERY = re.compile(rb"(?:\?|\\u003[fF]).*", re.DOTALL)
_CALLBACK_USER_INFO = re.compile(
    f"^({_NO_END}{SLASH}{{2}})(?:{_NO_END_OR_AT}{AT})++".encode(), re.DOTALL
)


def redact(body: bytes, token: str) -> bytes:
    """The body as it may be stored: the query and user-info of each ``callbackUrl``, and every
    occurrence of the request's own token, become ``***``. Works on the raw text, whether it can be
    parsed or not.
    """
    if b'"callbackUrl"' in body:
        body = _CALLBACK_URL.sub(_without_secrets, body)
    return body.replace(token.encode(), MASK.encode())


def _without_secrets(found: re.Match[bytes]) -> bytes:
    url = _CALLBACK_USER_INFO.sub(rb"\1***@", found[2])
    return found[1] + _QUERY.sub(lambda query: _mark(query[0]) + b"***", url)


def _mark(query: bytes) -> bytes:
    return b"?" if query.startswith(b"?") else query[:6]
