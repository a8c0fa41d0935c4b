"""Write the files that are generated from others: ``docs/events.md``,
``docs/notification.schema.json`` and ``docs/openapi.json`` from the code. With --check, only check
whether they are up to date.
"""

import json
from collections.abc import Mapping
from typing import Any

from ops import ROOT, cli
from ops.cli import Failure, Parser

from chalicelib.marathon.models import MODELS
from chalicelib.marathon.reading import read
from chalicelib.marathon.severity import (
    BY_CONDITION,
    BY_HEALTH,
    BY_TASK_STATE,
    BY_TYPE,
    BY_WAITING,
    CANCELLED,
    NOT_UNDERSTOOD,
    SEVERITIES,
    UNKNOWN_STATE,
    UNKNOWN_TYPE,
)
from chalicelib.records.summary import Summary
from chalicelib.web import openapi

_EVENTS = ROOT / "tests" / "events"
_DOCS = ROOT / "docs"

_HEAD = """\
# Every event type

Written by `scripts/document.py` from the code; `make check` compares. Severities are set in
`chalicelib/marathon/severity.py`, subjects in `subjects.py` and titles in `titles.py` beside it.

A subject of `app:` may be a pod's where Marathon 1.4+ names a run spec: nothing in the event tells.

| event type | subject | severity | an example's title |
|---|---|---|---|
"""

_STATES_HEAD = """
## Severity by state

A kill is what a deployment or a scale-down does; the event never tells why, so it is no error.

| what | severity |
|---|---|
"""

_BY_CONTENT: dict[str, Mapping[Any, str]] = {
    "status_update_event": BY_TASK_STATE,
    "instance_changed_event": BY_CONDITION,
    "health_status_changed_event": BY_HEALTH,
    "instance_health_changed_event": BY_HEALTH,
    "relay_waiting": BY_WAITING,
}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = Parser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    args = parser.parse_args(argv)
    documents = {
        _DOCS / "events.md": _events(),
        _DOCS / "notification.schema.json": json.dumps(_schema(), indent=2) + "\n",
        _DOCS / "openapi.json": json.dumps(openapi.document(), indent=2) + "\n",
    }
    for path, text in documents.items():
        if not args.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            raise Failure(f"{path.relative_to(ROOT)} is out of date: run make docs.")
    return 0


def _events() -> str:
    rows = "".join(_row(type_) for type_ in MODELS)
    states = "".join(
        f"| {what} | {severity} |\n"
        for what, severity in [
            *((f"task `{state}`", severity) for state, severity in BY_TASK_STATE.items()),
            *((f"instance `{state}`", severity) for state, severity in BY_CONDITION.items()),
            ("any other state or condition", UNKNOWN_STATE),
            ("healthy, or alive", BY_HEALTH[True]),
            ("unhealthy, or not alive", BY_HEALTH[False]),
            ("health not known", BY_HEALTH[None]),
            *((f"`relay_waiting` `{state}`", severity) for state, severity in BY_WAITING.items()),
            ("`deployment_failed` that says that it was cancelled", CANCELLED),
            ("an event of an unknown type", UNKNOWN_TYPE),
            ("what is no event at all, or has no type", NOT_UNDERSTOOD),
        ]
    )
    return _HEAD + rows + _STATES_HEAD + states


def _row(type_: str) -> str:
    newest = max(_EVENTS.glob(f"{type_}-*.json"), key=lambda path: _version(path.stem))
    reading = read(newest.read_bytes())
    subject = reading.about.subject
    if type_ in _BY_CONTENT:
        used = set(_BY_CONTENT[type_].values())
        severity = ", ".join(each for each in SEVERITIES if each in used) + ", by its state"
    else:
        severity = BY_TYPE[type_]
    if type_ == "deployment_failed":
        severity += f", {CANCELLED} if cancelled"
    return f"| `{type_}` | `{subject}` | {severity} | {reading.title} |\n"


def _version(stem: str) -> tuple[list[int], str]:
    version = stem.split("-")[1]
    return [int(number) for number in version.split(".")], stem


def _schema() -> dict[str, Any]:
    summary = Summary.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **summary,
        "title": "A notification on the events topic",
        "properties": {
            **summary["properties"],
            "replay": {"const": True},
            "test": {"const": True},
            "event": {"description": "The event; a string if it is not JSON; null if left out."},
            "event_omitted": {"type": "string"},
        },
        "required": [*summary["required"], "event"],
    }


if __name__ == "__main__":
    cli.run(main)
