"""Strings from outside, made safe to store, to show and to send."""

import hashlib
from collections.abc import Sequence

SUMMARY_STRING_BYTES = 512


def valid_unicode(text: str) -> str:
    """The text with each lone surrogate (JSON may carry them as escapes) replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def clip(text: str, limit: int = SUMMARY_STRING_BYTES) -> str:
    """Valid Unicode of at most ``limit`` bytes of UTF-8.

    A longer text is cut and ends in a hash of the whole text, so that two different long ids stay
    different.
    """
    if text.isascii() and len(text) <= limit:
        return text
    text = valid_unicode(text)
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    tail = "~" + hashlib.sha256(encoded).hexdigest()[:16]
    return encoded[: limit - len(tail)].decode(errors="ignore") + tail


def plain(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters, all of them visible."""
    # Cut first: a field may be megabytes long, and only its beginning is shown.
    text = text[: limit * 4]
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " for each in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shortened(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters, all of them visible. A longer text loses its
    middle: whoever it is about stands at its beginning, and Mesos puts the cause at its end.
    """
    if len(text) > 8 * limit:  # a field may be megabytes long
        text = f"{text[: 4 * limit]} … {text[-4 * limit :]}"
    text = plain(text, len(text))
    if len(text) <= limit:
        return text
    end = 2 * limit // 3
    return f"{text[: limit - end - 3].rstrip()} … {text[-end:].lstrip()}"


def listed(names: Sequence[str], most: int) -> str:
    """Names in a row, at most so many of them: ``/a, /b and 3 more``."""
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")


def visible(text: str) -> str:
    """The text for a terminal. Characters that are invisible or would control the terminal (control
    characters, escapes, marks that change the direction of the text) become backslash escapes. Line
    breaks and tabs stay.
    """
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def visible_json(text: str) -> str:
    """The same JSON for a terminal, with such characters as JSON escapes. They occur only in
    strings. The exception is a carriage return, which becomes a blank.
    """
    if text.isprintable():
        return text
    return "".join(" " if each == "\r" else _visible_in_json(each) for each in text)


def _visible(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return character.encode("unicode_escape").decode()


def _visible_in_json(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs)
