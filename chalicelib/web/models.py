"""The answers, as models: the code fills them, and the OpenAPI document describes them."""

from typing import Literal

from pydantic import JsonValue

from chalicelib.deployments import Deployment
from chalicelib.marathon.severity import Severity
from chalicelib.records.story import Running
from chalicelib.records.summary import Absent, Answer, Summary, Time


class Events(Answer):
    """A page of events, newest first. It may have fewer than ``limit``, even none, before the end:
    only if ``cursor`` is missing there are no more.
    """

    events: list[Summary]
    cursor: str | Absent = None


class Event(Summary):
    """An event, whole. ``event``: what Marathon sent, with ``***`` in the place of the values of
    environments and secrets; a string if it is not JSON. ``event_omitted``: why it is left out.
    """

    event: JsonValue
    event_omitted: str | Absent = None


class Incident(Answer):
    """What is wrong with one subject, since when. ``title``: that of its newest event. ``count``:
    how often it happened. ``cause``: what went wrong, in a few words. ``deployment``, ``by``: the
    one that touched it shortly before, and who asked for that. ``group``: the same for
    those that people were told of together. ``silenced_until``: people are told
    nothing until then.
    """

    subject: str
    since: Time
    severity: Severity
    title: str
    state: str | Absent = None
    count: int | Absent = None
    cause: str | Absent = None
    apps: list[str] | Absent = None
    deployment: str | Absent = None
    by: str | Absent = None
    group: str | Absent = None
    silenced_until: Time | Absent = None


class Cluster(Answer):
    """A Marathon. ``newest``: the time of its newest event. ``deployments``: those running."""

    name: str
    newest: Time | Absent = None
    incidents: list[Incident]
    deployments: list[Running]


class Clusters(Answer):
    """The Marathons that the token may read."""

    clusters: list[Cluster]


class Deployments(Answer):
    """A page of deployments, newest first. It may have fewer than ``limit`` before the end: only if
    ``cursor`` is missing there are no more.
    """

    deployments: list[Deployment]
    cursor: str | Absent = None


class Error(Answer):
    """``message`` says what to do. ``parameter``: which one is meant."""

    code: str
    message: str
    parameter: str | Absent = None


class Refusal(Answer):
    """Why there is no answer."""

    error: Error


class Receipt(Answer):
    """What became of an event."""

    id: str
    stored: Literal["new", "duplicate", "spilled"]


class Receipts(Answer):
    """One for each line, in order."""

    events: list[Receipt]


class Health(Answer):
    """That the API runs, and which version."""

    status: Literal["ok"]
    version: str
