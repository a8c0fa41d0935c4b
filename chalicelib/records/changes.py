"""What changed between two definitions of an app or pod, as a list of fields. Pure.

Environments and secrets show only their names, never a value; all else shows what may be sent on.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import JsonValue

from chalicelib.marathon.masking import SECRET_KEYS, mask_json
from chalicelib.marathon.models import Definition
from chalicelib.records.summary import Answer
from chalicelib.text import clip

MOST_FIELDS = 200
_MOST_CHARACTERS = 2_000
_MOST_LEVELS = 20  # what lies deeper is one value: no definition of Marathon has so many
_MOST_LISTS = 100  # a value of more lists and objects is shown as text: it may be nested too deep

# What Marathon itself changes with each deployment.
_NOT_OF_THE_USER = {"version", "versionInfo"}
_NAMES = ("name", "id")

_MISSING = object()


class Field(Answer):
    """One changed field. ``field``: its path, such as ``container.docker.image``. ``before``,
    ``after``: its values; absent if there was or is none, and for an environment or a secret.
    """

    field: str
    change: Literal["added", "removed", "changed"]
    before: JsonValue = None
    after: JsonValue = None


def changed_fields(before: Definition, after: Definition) -> list[Field]:
    """The fields that differ, by their paths. At most ``MOST_FIELDS``; none if a definition is
    nested too deep for Python.
    """
    try:
        return _changed(before, after)
    except RecursionError:
        return []


def _changed(before: Definition, after: Definition) -> list[Field]:
    old, new = dict(_flat(before)), dict(_flat(after))
    paths = sorted(old.keys() | new.keys())
    differing = [path for path in paths if old.get(path, _MISSING) != new.get(path, _MISSING)]
    if not differing:
        return []
    # Masked as wholes: its neighbours may say what a value is.
    shown_old, shown_new = dict(_flat(_masked(before))), dict(_flat(_masked(after)))
    return [
        Field(
            field=clip(".".join(path)),
            change="added" if path not in old else "removed" if path not in new else "changed",
            before=_shown(path, shown_old),
            after=_shown(path, shown_new),
        )
        for path in differing[:MOST_FIELDS]
    ]


def _masked(definition: Definition) -> Any:
    """A definition as readers may see it. A number beyond what JSON's readers know (1e999) becomes
    a string.
    """
    return json.loads(mask_json(json.dumps(definition)), parse_constant=str)


def _shown(path: tuple[str, ...], values: Mapping[tuple[str, ...], Any]) -> Any:
    """The value at a path as readers may see it; None if there is none, or if it is a secret."""
    if any(name.lower() in SECRET_KEYS for name in path) or path not in values:
        return None
    text = json.dumps(values[path])
    if len(text) > _MOST_CHARACTERS:
        return f"{text[:_MOST_CHARACTERS]}…"
    return text if text.count("[") + text.count("{") > _MOST_LISTS else values[path]


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value that is not a container, with its path. Of a list of objects each has its name
    as a part of the path, or else its position; any other list is one value.
    """
    children = _children(value, path) if len(path) < _MOST_LEVELS else None
    if children is None:
        yield path, value
        return
    for key, child in children:
        yield from _flat(child, (*path, key))


def _children(value: Any, path: tuple[str, ...]) -> list[tuple[str, Any]] | None:
    if isinstance(value, dict) and (value or not path):
        left_out = _NOT_OF_THE_USER if not path else ()
        return [(str(key), child) for key, child in value.items() if key not in left_out]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return list(zip(_keys(value), value, strict=True))
    return None


def _keys(objects: list[dict[str, Any]]) -> list[str]:
    for name in _NAMES:
        keys = [each.get(name) for each in objects]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            return [str(key) for key in keys]
    return [str(n) for n in range(len(objects))]
