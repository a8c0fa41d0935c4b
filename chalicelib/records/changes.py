"""What changed between two definitions of an app or pod, as a list of fields. Pure.

Of environments and secrets only the names are told, never a value.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import JsonValue

from chalicelib.marathon.masking import mask_json
from chalicelib.marathon.plans import Definition
from chalicelib.records.summary import Answer
from chalicelib.text import clip

MOST_FIELDS = 200
_MOST_VALUE_CHARACTERS = 2_000

# What Marathon itself changes with each deployment.
_NOT_OF_THE_USER = {"version", "versionInfo"}
_SECRET = {"env", "environment", "secrets"}
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
    """The fields that differ, by their paths. At most ``MOST_FIELDS``."""
    old, new = dict(_flat(before)), dict(_flat(after))
    paths = sorted(old.keys() | new.keys())
    differing = [path for path in paths if old.get(path, _MISSING) != new.get(path, _MISSING)]
    return [
        _field(path, old.get(path, _MISSING), new.get(path, _MISSING))
        for path in differing[:MOST_FIELDS]
    ]


def _field(path: tuple[str, ...], old: Any, new: Any) -> Field:
    change: Literal["added", "removed", "changed"] = "changed"
    if old is _MISSING or new is _MISSING:
        change = "added" if old is _MISSING else "removed"
    field = Field(field=clip(".".join(path)), change=change)
    if not _SECRET.isdisjoint(path):
        return field
    values = {
        name: _shown(value)
        for name, value in (("before", old), ("after", new))
        if value != _MISSING
    }
    return field.model_copy(update=values)


def _shown(value: Any) -> Any:
    """A value as readers may see it."""
    text = mask_json(json.dumps(value))
    if len(text) > _MOST_VALUE_CHARACTERS:
        return f"{text[:_MOST_VALUE_CHARACTERS]}…"
    return json.loads(text)


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value that is not a container, with its path. Of a list of objects each has its name
    as a part of the path, or else its position; any other list is one value.
    """
    children = _children(value, path)
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
