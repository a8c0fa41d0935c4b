"""What holds for every body, not only for those that we thought of."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.marathon.models import MODELS
from chalicelib.marathon.reading import parse, read
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.marathon.titles import TITLE_CHARACTERS
from chalicelib.records import items
from chalicelib.records.notification import LIMIT_BYTES, notification
from chalicelib.records.record import Record, identify, record_of
from chalicelib.records.redaction import redact
from chalicelib.records.spilled import Spilled, from_message, join, to_messages
from chalicelib.text import SUMMARY_STRING_BYTES
from tests.support.project import EVENTS

RECEIVED = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
TOKEN = "t" * 43
LONG = "a number of 6,000 digits"

# Text with lone surrogates, as JSON's escapes may carry them.
texts = st.text(st.characters(codec=None, categories=None), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | texts
    | st.sampled_from(["TASK_FAILED", "/a/b", "2016-04-24T09:27:47.044Z", "n/a", "", LONG])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
fields = sorted({name for model in MODELS.values() for name in model.model_fields})
events = st.dictionaries(st.sampled_from(fields) | texts, values, max_size=8)
typed_events = st.builds(
    lambda event, type_: {**event, "eventType": type_}, events, st.sampled_from([*MODELS, "new"])
)
# Events as Marathon sends them, but with one field of another shape.
recorded = [json.loads(path.read_text()) for path in sorted(EVENTS.glob("*.json"))]
twisted = st.builds(
    lambda event, name, value: event | {name: value},
    st.sampled_from(recorded),
    st.sampled_from(fields),
    values,
)


def as_json(value: Any) -> bytes:
    # Python writes no integer of so many digits; JSON may have it.
    return json.dumps(value).encode().replace(f'"{LONG}"'.encode(), b"9" * 6000)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


bodies = st.one_of(
    st.binary(max_size=200),
    values.map(as_json),
    typed_events.map(as_json),
    twisted.map(as_json),
    st.integers(1, 3000).map(
        lambda depth: b'{"eventType":"x","a":' + b"[" * depth + b"]" * depth + b"}"
    ),
)


def record(body: bytes, received_at: datetime = RECEIVED) -> Record:
    kept = redact(body, TOKEN)
    reading = read(kept)
    id_ = identify(body, reading.timestamp or received_at)
    return record_of(id_, "prod", received_at, reading, kept)


@given(st.text(st.characters(codec="utf-8")) | st.floats(allow_nan=False) | st.integers() | values)
def test_the_parser_agrees_with_json(value: Any) -> None:
    body = as_json(value)
    try:
        expected = json.loads(body, parse_constant=_refuse)
    except ValueError:  # no JSON, or an integer that is too long for Python's own parser
        return
    assert repr(parse(body)) == repr(expected)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


@given(
    bodies,
    st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    st.integers(1, 300),
)
@example(b'{"eventType":"x","n":' + b"9" * 1_000_000 + b"}", timedelta(days=1), 100_000)
@example(b"\xef\xbb\xbf{}", timedelta(days=1), 1)
@settings(max_examples=200)
def test_whatever_comes_is_kept_summarised_notified_and_spilled(
    body: bytes, later: timedelta, chunk_bytes: int
) -> None:
    made = record(body)
    no_byte_is_lost(body, made)
    summary_is_within_its_limits(made.summary())
    notification_is_within_the_limits_of_mail_and_sns(made)
    id_depends_on_content_and_else_on_the_time_of_receipt(made, record(body, RECEIVED + later))
    spilled_event_comes_back_as_it_was(made, body, chunk_bytes)


def no_byte_is_lost(body: bytes, made: Record) -> None:
    parts, item = items.to_items(made, 1_800_000_000)
    assert items.to_record(items.plain(item), [part["body"]["B"] for part in parts]) == made
    if b'"callbackUrl"' not in body and TOKEN.encode() not in body:
        assert made.body == body


def summary_is_within_its_limits(summary: dict[str, Any]) -> None:
    assert summary["severity"] in SEVERITIES
    assert 0 < len(summary["title"]) <= TITLE_CHARACTERS
    assert summary["title"].isprintable()
    assert len(summary.get("apps", [])) <= 100
    for value in [*summary.values(), *summary.get("apps", [])]:
        if isinstance(value, str):
            assert 0 < len(value.encode()) <= SUMMARY_STRING_BYTES + 64
            assert value.encode().decode() == value


def notification_is_within_the_limits_of_mail_and_sns(record: Record) -> None:
    made = notification(record)
    assert 0 < len(made.subject) < 100
    assert made.subject.isascii()
    assert made.subject.isprintable()
    assert len(made.attributes) <= 10
    assert all(made.attributes.values())
    assert made.size <= LIMIT_BYTES
    # Strict JSON of characters that a queue takes.
    message = json.loads(made.message, parse_constant=lambda name: 1 / 0, parse_int=str)
    assert message["id"] == record.id
    assert not set(made.message) & {chr(n) for n in range(32) if n not in (9, 10, 13)}


def id_depends_on_content_and_else_on_the_time_of_receipt(first: Record, later: Record) -> None:
    if first.timestamp_from == "receipt":
        assert first.id[:19] == "20260102T030405678Z"
        assert first.id != later.id
        assert first.id[19:] == later.id[19:]
    else:
        assert first.id == later.id


def spilled_event_comes_back_as_it_was(made: Record, body: bytes, chunk_bytes: int) -> None:
    spilled = Spilled(made.id, made.received_at, "f" * 64, "", body)
    chunks = [from_message(message) for message in to_messages(spilled, chunk_bytes)]
    assert [chunk.part for chunk in chunks] == list(range(chunks[0].parts))
    assert join(chunks[0], [chunk.data for chunk in chunks]) == spilled


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where the values stand that hold no others."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    found = False
    for key, each in inner:
        found = True
        yield from leaves(each, (*path, key))
    if not found and path:
        yield path


def changed(event: dict[str, Any], path: Path, change: Callable[[Any, Any], None]) -> Any:
    """A copy of an event in which something was done to one place."""
    made = copy.deepcopy(event)
    holder: Any = made
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return made


def without(event: dict[str, Any], path: Path) -> Any:
    """An event that never had what stands there."""

    def drop(holder: Any, key: Any) -> None:
        if isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = {}

    return changed(event, path, drop)


@given(st.data(), st.sampled_from(recorded), scalars | st.just([[]]) | st.just({"dateTime": {}}))
def test_a_field_of_another_shape_costs_itself_alone_at_any_depth(
    data: st.DataObject, event: dict[str, Any], value: Any
) -> None:
    path = data.draw(st.sampled_from([each for each in leaves(event) if each != ("eventType",)]))
    spoiled = changed(event, path, lambda holder, key: holder.__setitem__(key, value))
    named = ".".join(map(str, path))
    before = read(as_json(event))
    after = read(as_json(spoiled))
    if named not in after.misfits:
        return  # it fits, or nobody looks at it
    assert after.misfits == (named,) or set(after.misfits) - {named} <= set(before.misfits)
    expected = read(as_json(without(event, path)))
    if not isinstance(path[-1], int) or isinstance(path[-2], int):
        assert (after.about, after.title, after.severity) == (
            expected.about,
            expected.title,
            expected.severity,
        )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("plan", "version"), {"dateTime": {}}),
        (("plan", "steps", 0, "actions", 1, "app"), [7]),
        (("currentStep", "actions", 0, "action"), {}),
        (("plan", "steps", 1), "none"),
        (("currentStep", "actions"), {"dateTime": {}}),
    ],
)
def test_a_plan_survives_a_field_of_another_shape(path: Path, value: Any) -> None:
    event = json.loads((EVENTS / "deployment_info-1.8.180-light.json").read_text())
    spoiled = changed(event, path, lambda holder, key: holder.__setitem__(key, value))
    reading = read(json.dumps(spoiled).encode())
    assert reading.misfits == (".".join(map(str, path)),)
    assert reading.cause == "unexpected_shape"
    assert reading.about.subject == f"deployment:{event['plan']['id']}"
    touched = set(read(json.dumps(event).encode()).about.apps)
    assert len(touched - set(reading.about.apps)) <= 2
    assert reading.about.apps


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001" * 9,
        ".instance-",
        "a.c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "_1-1",
        "://",
        "://u:p@",
        "?token=",
        "&x-amz-",
        '\\"env\\":',
        "\\u0040",
    ],
)
def test_hostile_strings_end(text: str) -> None:
    """Where a pattern took quadratic time, this would not end before its reader gave up."""
    hostile = text * (100_000 // len(text))
    for event in (
        {"eventType": "status_update_event", "taskId": hostile, "taskStatus": "TASK_FAILED"},
        {"eventType": "failed_health_check_event", "taskId": hostile + "!"},
        {"eventType": "framework_message_event", "executorId": "instance-" + hostile},
        {"eventType": "subscribe_event", "callbackUrl": hostile},
        {"eventType": "new", "x": hostile, "env": hostile},
    ):
        for body in (json.dumps(event).encode(), json.dumps(event)[:-1].encode()):
            assert notification(record(body)).size <= LIMIT_BYTES


@given(typed_events | twisted)
def test_no_rule_trips(event: dict[str, Any]) -> None:
    reading = read(as_json(event))
    # A rule that trips leaves the name of its exception among the misfits.
    assert not [name for name in reading.misfits if name.endswith("Error") and name not in event]
