"""Cursors: where the next page begins. A cursor is signed with the reader's own token, so it is
good for that reader and that query alone, and the server keeps no secret for it.
"""

import base64
import binascii
import hashlib
import hmac
import re

from chalicelib import times

_MAC_BYTES = 16
# An id, or the place of a deployment in the list.
_PLACE = re.compile(r"\d{8}T\d{9}Z[-|].*", re.DOTALL)


def make(token: str, query: str, last: str) -> str:
    """The cursor to go on before the record ``last`` with that query."""
    return base64.urlsafe_b64encode(_mac(token, query, last) + last.encode()).decode().rstrip("=")


def read(token: str, query: str, cursor: str) -> str | None:
    """The place to go on before; None if the cursor was not made for that reader and that query."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        last = raw[_MAC_BYTES:].decode()
        times.from_compact(last)  # it begins with a time
    except (ValueError, binascii.Error):
        return None
    same = hmac.compare_digest(raw[:_MAC_BYTES], _mac(token, query, last))
    # Base64 has several texts for some bytes; only the one that was made counts.
    return last if same and _PLACE.fullmatch(last) and make(token, query, last) == cursor else None


def _mac(token: str, query: str, last: str) -> bytes:
    text = f"cursor\n{query}\n{last}".encode()
    return hmac.new(token.encode(), text, hashlib.sha256).digest()[:_MAC_BYTES]
