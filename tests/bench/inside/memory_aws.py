"""An AWS that answers at once, from memory, where the SDK would open a socket: all that the SDK
does for a call is done, and nothing else.
"""

import io
import json
import os
import re
from collections import Counter
from typing import Any

from botocore import awsrequest

# What GetItem answers; the rest has nothing to say.
get_item: dict[str, Any] = {}
calls: Counter[str] = Counter()
# The last PutItem requests, as they went over the wire.
puts: list[bytes] = []

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *[^.\r]+\.(\w+)", re.IGNORECASE)
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_ENTRY = re.compile(rb"PublishBatchRequestEntries\.member\.\d+\.Id=(\w+)")
_SNS = (
    '<{0}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><{0}Result>{1}</{0}Result>'
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{0}Response>"
)


def install() -> None:
    """Let every connection of the SDK lead here."""

    def connect(connection: Any) -> None:
        connection.sock = _Socket()
        connection.is_verified = True

    for kind in (awsrequest.AWSHTTPConnection, awsrequest.AWSHTTPSConnection):
        setattr(kind, "connect", connect)  # noqa: B010 (it is a method to mypy)


class _Socket:
    """The far end of a connection, as far as ``http.client`` and urllib3 look at it."""

    # The SDK asks of a kept connection whether it can be read, which would mean that it was closed.
    _silent, _kept_open = os.pipe()

    def __init__(self) -> None:
        self._head = b""
        self._body: list[bytes] = []
        self._missing = 0
        self._answer = b""

    def sendall(self, data: bytes) -> None:
        if not self._missing:
            self._head, _, data = data.partition(b"\r\n\r\n")
            length = _LENGTH.search(self._head)
            self._missing = int(length[1]) if length else 0
            self._body = []
        if data:
            self._body.append(data)
            self._missing -= len(data)
        if not self._missing:
            self._answer = _answer(self._head, b"".join(self._body))

    def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
        return io.BytesIO(self._answer)

    def fileno(self) -> int:
        return self._silent

    def settimeout(self, seconds: float | None) -> None:
        """It never waits."""

    def close(self) -> None:
        """Nothing is open."""


def _answer(head: bytes, body: bytes) -> bytes:
    if target := _TARGET.search(head):
        operation = target[1].decode()
        text = json.dumps(get_item) if operation == "GetItem" else "{}"
        kind = "application/x-amz-json-1.0"
        if operation == "PutItem":
            puts.append(body)
    else:
        action = _ACTION.search(body)
        operation = action[1].decode() if action else "Unknown"
        ids = (each.decode() for each in _ENTRY.findall(body))
        members = "".join(f"<member><Id>{id_}</Id></member>" for id_ in ids)
        text = _SNS.format(operation, f"<Successful>{members}</Successful>")
        kind = "text/xml"
    calls[operation] += 1
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    ).encode()
