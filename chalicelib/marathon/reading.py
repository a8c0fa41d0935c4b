"""A body as Marathon sent it, understood as far as it can be. Nothing is ever refused."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import from_json

from chalicelib.marathon import titles
from chalicelib.marathon.models import MODELS, Event, UnknownEvent
from chalicelib.marathon.severity import NOT_UNDERSTOOD, Severity, severity
from chalicelib.marathon.subjects import About, about
from chalicelib.text import plain

Cause = Literal["not_json", "not_an_object", "no_type", "unknown_type", "unexpected_shape"]

UNKNOWN = "unknown"

_UNREADABLE: dict[Cause, str] = {
    "not_json": "Marathon's endpoint received something that is not JSON",
    "not_an_object": "Marathon's endpoint received JSON that is not an object",
    "no_type": "Marathon's endpoint received an event without a type",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says.

    ``timestamp``: the event's own, in UTC with milliseconds, or None where it has no usable one.
    ``cause``: why the event could not be fully understood, or None. ``misfits``: the names of the
    fields that did not fit (never their values).
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
    event, misfits = _fit(MODELS.get(type_, UnknownEvent), data)
    cause: Cause | None = "unexpected_shape" if misfits else None
    if type_ not in MODELS:
        cause = "unknown_type"
    try:
        what = about(event)
        rated = severity(event, what)
        title = titles.title(event, what)
    except Exception as error:  # A rule that trips must not cost the event: it is kept as it is.
        title = plain(f"An event of type {type_} that could not be read", titles.TITLE_CHARACTERS)
        tripped = (*misfits, type(error).__name__)
        return Reading(
            type_, timestamp, About(), NOT_UNDERSTOOD, title, "unexpected_shape", tripped
        )
    return Reading(type_, timestamp, what, rated, title, cause, misfits)


def parse(body: bytes) -> Any:
    """The value of strict JSON in strict UTF-8 (no NaN, no infinities).

    Raises ValueError for anything else, RecursionError for JSON nested deeper than Python reads.
    """
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:  # Lone surrogates, deep nesting and long integers are JSON all the same.
        return _parse_strange(body.decode())


def _parse_strange(text: str) -> Any:
    try:
        return _STRICT.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python refuses integers of more than 4,300 digits; JSON does not.
        return _STRICT_LONG.decode(text)


def usable_timestamp(value: object) -> datetime | None:
    """An ISO 8601 time with ``Z`` or an offset, of the years 1970 – 9999, cut to milliseconds."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            return None
        time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if time.year < 1970:
        return None
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _fit(model: type[Event], data: dict[str, Any]) -> tuple[Event, tuple[str, ...]]:
    """The event without what does not fit, and the names of what does not fit or is missing."""
    wrong: tuple[str, ...] = ()
    try:
        event = model.model_validate(data)
    except ValidationError:
        wrong = _wrong(model, data)
        event = model.model_validate({key: data[key] for key in data if key not in wrong})
    missing = (name for name in model.always if name not in data)
    return event, (*wrong, *missing)


def _wrong(model: type[Event], data: dict[str, Any]) -> tuple[str, ...]:
    """The names of the fields that a model refuses, one by one: what pydantic says of them all
    together can't be read where a key, at any depth, is not valid Unicode.
    """
    refused = []
    for key, value in data.items():
        try:
            model.model_validate({key: value})
        except ValidationError:
            refused.append(key)
    return tuple(refused)


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
