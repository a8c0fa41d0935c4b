"""Reads a body as Marathon sent it, and understands as much of it as possible. It never refuses
one.
"""

import functools
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from chalicelib.marathon import titles
from chalicelib.marathon.models import MODELS, Event, UnknownEvent
from chalicelib.marathon.severity import NOT_UNDERSTOOD, Severity, severity
from chalicelib.marathon.subjects import About, about
from chalicelib.text import plain
from chalicelib.times import usable_timestamp

Cause = Literal["not_json", "not_an_object", "no_type", "unknown_type", "unexpected_shape"]

UNKNOWN = "unknown"

# A plan's steps and actions count up to here. No deployment of Marathon has more, and each costs
# time whenever an event of it is read.
MOST_ACTIONS = 10_000

# After so many misfits, the others are no longer looked for one by one.
_MOST_MISFITS = 1000

_UNREADABLE: dict[Cause, str] = {
    "not_json": "Marathon's endpoint received something that is not JSON",
    "not_an_object": "Marathon's endpoint received JSON that is not an object",
    "no_type": "Marathon's endpoint received an event without a type",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says.

    ``timestamp``: the event's own, in UTC with milliseconds, or None if it has no usable one.
    ``cause``: why the event could not be fully understood, or None. ``misfits``: the paths of the
    fields that did not fit, such as ``plan.steps.0.actions.1.app`` (never their values).
    """

    type: str
    timestamp: datetime | None
    about: About
    severity: Severity
    title: str
    cause: Cause | None = None
    misfits: tuple[str, ...] = ()


def read(body: bytes) -> Reading:
    """Understand a body, whatever it is."""
    try:
        data = parse(body)
    except (ValueError, RecursionError):
        return _unreadable("not_json")
    if not isinstance(data, dict):
        return _unreadable("not_an_object")
    timestamp = usable_timestamp(data.get("timestamp"))
    type_ = data.get("eventType")
    if not isinstance(type_, str) or not type_:
        return _unreadable("no_type", timestamp)
    made, misfits = _fit(MODELS.get(type_, UnknownEvent), data)
    cause: Cause | None = "unexpected_shape" if misfits else None
    if type_ not in MODELS:
        cause = "unknown_type"
    try:
        what = about(made)
        rated = severity(made, what)
        title = titles.title(made, what)
    except Exception as error:  # An error in our own code must not lose the event: keep it.
        title = plain(f"An event of type {type_} that could not be read", titles.TITLE_CHARACTERS)
        tripped = (*misfits, type(error).__name__)
        return Reading(
            type_, timestamp, About(), NOT_UNDERSTOOD, title, "unexpected_shape", tripped
        )
    return Reading(type_, timestamp, what, rated, title, cause, misfits)


def event(body: bytes, *, without: str = "") -> Event | None:
    """The event in a body, without the fields that do not fit; None if there is none. ``without``:
    a field that is not wanted.
    """
    try:
        data = parse(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    data.pop(without, None)
    type_ = data.get("eventType")
    return _fit(MODELS.get(type_, UnknownEvent) if isinstance(type_, str) else Event, data)[0]


def parse(body: bytes) -> Any:
    """The value of strict JSON in strict UTF-8 (no NaN, no infinities).

    Raises ValueError for anything else, RecursionError for JSON that is nested too deep for Python.
    """
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:  # Lone surrogates, deep nesting and long integers are valid JSON too.
        return _parse_strange(body.decode())


def _parse_strange(text: str) -> Any:
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python refuses integers of more than 4,300 digits; JSON does not.
        return _STRICT_LONG.decode(text)


def _fit(model: type[Event], data: dict[str, Any]) -> tuple[Event, tuple[str, ...]]:
    """The event without the fields that do not fit, and the paths of the fields that do not fit or
    are missing.
    """
    wrong: list[str] = []
    data = _bounded(data, wrong)
    try:
        event = model.model_validate(data)
    except ValidationError:
        event = model.model_validate(_fitting(model, data, "", wrong))
    missing = (name for name in model.always if name not in data)
    return event, (*wrong, *missing)


def _bounded(data: dict[str, Any], wrong: list[str]) -> dict[str, Any]:
    """The data with no more steps and actions than count. Adds what was cut to ``wrong``."""
    plan: Any = data.get("plan")
    steps = plan.get("steps") if isinstance(plan, dict) else None
    if isinstance(steps, list) and (kept := _first_steps(steps)) is not steps:
        wrong.append("plan.steps")
        data = {**data, "plan": {**plan, "steps": kept}}
    step = data.get("currentStep")
    if isinstance(step, dict) and (kept := _first_steps([step])[0]) is not step:
        wrong.append("currentStep.actions")
        data = {**data, "currentStep": kept}
    return data


def _first_steps(steps: list[Any]) -> list[Any]:
    """The same list if all of it counts."""
    room = MOST_ACTIONS
    for n, step in enumerate(steps):
        actions = step.get("actions") if isinstance(step, dict) else None
        room -= 1
        if isinstance(actions, list) and len(actions) > room:
            return [*steps[:n], {**step, "actions": actions[:room]}]
        room -= len(actions) if isinstance(actions, list) else 0
        if room <= 0 and n + 1 < len(steps):
            return steps[: n + 1]
    return steps


def _fitting(
    model: type[BaseModel], data: dict[str, Any], path: str, wrong: list[str]
) -> dict[str, Any]:
    """The data without the values that a model refuses, at any depth; only those values are left
    out. Adds their paths to ``wrong``. Each value is tried by itself, because pydantic's list of
    all errors can't be read if a key is not valid Unicode.
    """
    kept: dict[str, Any] = {}
    for key, value in data.items():
        inner = _inner_model(model, key)
        if _fits(model, key, value):
            kept[key] = value
        elif isinstance(value, dict) and not _fits(model, key, {}):
            wrong.append(f"{path}{key}")
        elif isinstance(value, dict) and inner:
            kept[key] = _fitting(inner, value, f"{path}{key}.", wrong)
        elif isinstance(value, dict):
            kept[key] = {name: value[name] for name in value if _fits(model, key, {name: None})}
            wrong.extend(f"{path}{key}.{name}" for name in value.keys() - kept[key].keys())
        elif isinstance(value, list) and _fits(model, key, []) and len(wrong) < _MOST_MISFITS:
            kept[key] = _fitting_list(model, key, value, path, wrong)
        else:
            wrong.append(f"{path}{key}")
    return kept


def _fitting_list(
    model: type[BaseModel], key: str, values: list[Any], path: str, wrong: list[str]
) -> list[Any]:
    """A list without the elements that do not fit. In a list of objects (steps, actions), an empty
    object replaces each element that is no object, since their number and order have a meaning.
    """
    inner = _inner_model(model, key)
    kept: list[Any] = []
    for n, value in enumerate(values):
        if len(wrong) >= _MOST_MISFITS:  # hostile: stop checking each one
            wrong.append(f"{path}{key}")
            return kept
        if _fits(model, key, [value]):
            kept.append(value)
            continue
        if inner and isinstance(value, dict):
            kept.append(_fitting(inner, value, f"{path}{key}.{n}.", wrong))
            continue
        wrong.append(f"{path}{key}.{n}")
        if inner:
            kept.append({})
    return kept


def _fits(model: type[BaseModel], key: str, value: Any) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError:
        return False
    return True


@functools.cache
def _inner_model(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The model of a field's value, or of the elements of its list; None for plain data."""
    field = model.model_fields.get(key)
    waiting = [field.annotation] if field else []
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation
        waiting.extend(get_args(annotation))
    return None


def _unreadable(cause: Cause, timestamp: datetime | None = None) -> Reading:
    return Reading(UNKNOWN, timestamp, About(), NOT_UNDERSTOOD, _UNREADABLE[cause], cause)


def _refuse(constant: str) -> None:
    raise json.JSONDecodeError(f"{constant} is not JSON", "", 0)


def _any_integer(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)


_STRICT = json.JSONDecoder(parse_constant=_refuse)
_STRICT_LONG = json.JSONDecoder(parse_constant=_refuse, parse_int=_any_integer)
