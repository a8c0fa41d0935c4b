"""What readers see of a record, as a model: from it come the documents for those who read by
program. ``Record.summary`` makes the values.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from chalicelib import times
from chalicelib.marathon.reading import Cause
from chalicelib.marathon.severity import Severity
from chalicelib.records.record import ID, MAX_APPS

Absent = SkipJsonSchema[None]
"""What is not known is left out of an answer; it is never null."""

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""ISO 8601 in UTC with milliseconds."""

Moment = Annotated[
    datetime,
    PlainSerializer(times.iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time; in an answer ISO 8601 in UTC with milliseconds."""

EVENT_ID = f"^{ID}$"


def _plain(schema: dict[str, Any]) -> None:
    """Leave out of a schema what pydantic adds: names as titles, and null as a default."""
    for each in schema["properties"].values():
        each.pop("title", None)
        if "default" in each and each["default"] is None:
            del each["default"]


class Answer(BaseModel):
    """What every part of an answer has in common."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, json_schema_extra=_plain)


class Summary(Answer):
    """An event without its body.

    ``subject``: what it is about, such as ``app:/prod/web``, ``pod:/x``, ``group:/prod``,
    ``deployment:<id>`` or ``marathon``. ``title``: one sentence. ``timestamp``: when Marathon made
    it; if it did not say (``timestamp_from`` is ``receipt``), when it was received. ``apps``: the
    apps of a deployment's plan; ``apps_omitted``: how many more there are. ``status``: a task's
    state or an instance's condition. ``cause``: why the event was not fully understood.
    """

    id: Annotated[str, Field(pattern=EVENT_ID)]
    cluster: str
    type: str
    timestamp: Time
    received_at: Time
    subject: str
    severity: Severity
    title: Annotated[str, Field(max_length=140)]
    app: str | Absent = None
    apps: Annotated[list[str], Field(min_length=1, max_length=MAX_APPS)] | Absent = None
    apps_omitted: Annotated[int, Field(ge=1)] | Absent = None
    deployment: str | Absent = None
    task: str | Absent = None
    instance: str | Absent = None
    host: str | Absent = None
    status: str | Absent = None
    cause: Cause | Absent = None
    timestamp_from: Literal["receipt"] | Absent = None
