"""The elements of a long list in JSON, one after the other, so that the list is never in memory.

Marathon's queue holds the whole definition of each app that waits: it can be far larger than what
anybody wants of it.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

LARGEST_ELEMENT = 4 * 1024 * 1024  # characters

_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


class NotAList(Exception):
    """The text is no such list, or one of its elements is too large."""


def elements(pieces: Iterable[bytes], name: str) -> Iterator[Any]:
    """The elements of the list in ``{"<name>": […]}``. Raises NotAList."""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    head = re.compile(rf'\s*\{{\s*"{re.escape(name)}"\s*:\s*\[')
    begun, text, enough = False, "", 0
    for piece in pieces:
        text += decode(piece)
        if not begun and (found := head.match(text)):
            begun, text = True, text[found.end() :]
        if begun and (len(text) >= enough or len(text) > LARGEST_ELEMENT):
            whole, text = _whole(text)
            yield from whole
            if text.startswith("]"):
                return
            # Long elements are tried again only when twice as much has come: else each piece would
            # cost another look at all of it.
            enough = 2 * len(text)
        if len(text) > LARGEST_ELEMENT:
            break
    if begun:
        whole, text = _whole(text)
        yield from whole
    if not text.startswith("]"):
        raise NotAList


def _whole(text: str) -> tuple[list[Any], str]:
    """The elements that are complete, and what follows them."""
    found: list[Any] = []
    at = _end_of_blank(text, 0)
    try:
        while at < len(text) and text[at] != "]":
            element, at = _DECODER.raw_decode(text, at)
            found.append(element)
            at = _end_of_blank(text, at)
    except (ValueError, RecursionError):
        pass  # not complete, or never valid: the end of the text decides
    return found, text[at:]


def _end_of_blank(text: str, at: int) -> int:
    blank = _BETWEEN.match(text, at)
    return blank.end() if blank else at
