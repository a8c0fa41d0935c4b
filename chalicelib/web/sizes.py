"""Answers that Lambda takes: what is too large is cut, and says so."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")

# Lambda: 6 MB for an answer. It is text within JSON: each quotation mark and backslash has an
# escape, and so may each character beyond ASCII.
MOST_BYTES = 5_800_000


def in_answer(text: str) -> int:
    """How many bytes a text takes in Lambda's answer."""
    return len(json.dumps(text))


def beginning(values: Sequence[_T], most: int | None = None) -> Sequence[_T]:
    """As many of the first values as fit into an answer together, as a list of JSON."""
    most = MOST_BYTES if most is None else most
    size = 0
    for n, value in enumerate(values):
        size += _size(value)
        if size > most:
            return values[:n]
    return values


def cut(answer: dict[str, Any], *lists: str, most: int | None = None) -> dict[str, Any]:
    """Leave out what does not fit, at the ends of some of the answer's lists; ``omitted`` then says
    how many of each. Each list gets an equal share, and what smaller ones leave of theirs.
    """
    room = (MOST_BYTES if most is None else most) - _size(
        {**answer, **{name: [] for name in lists}}
    )
    omitted: dict[str, int] = {}
    for n, name in enumerate(sorted(lists, key=lambda name: _total(answer[name]))):
        shown = beginning(answer[name], room // (len(lists) - n))
        room -= _total(shown)
        if missing := len(answer[name]) - len(shown):
            answer[name] = shown
            omitted[name] = missing
    return {**answer, "omitted": omitted} if omitted else answer


def _total(values: Sequence[Any]) -> int:
    return sum(map(_size, values))


def _size(value: Any) -> int:
    return in_answer(json.dumps(value)) + 2  # and a comma
