"""The answers, as models: the code fills them, and the OpenAPI document describes them."""

from typing import Literal

from pydantic import JsonValue

from chalicelib.deployments import Deployment
from chalicelib.marathon.severity import Severity
from chalicelib.records.incident import State
from chalicelib.records.story import Running
from chalicelib.records.summary import Absent, Answer, Moment, Summary, Time


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
    """What is wrong with one subject, since when. ``title``: of the last message that people got,
    or of its newest event if they got none yet. ``state``: that of the last message. ``count``: how
    many of its instances failed. ``cause``: in Mesos' or Marathon's words. ``deployment``, ``by``:
    the deployment that touched it shortly before, and who asked for that. ``group``: what it was
    notified with. ``silenced_until``: until then people are not notified.
    """

    subject: str
    since: Time
    severity: Severity
    title: str
    state: Literal["opened", "ongoing"] | Absent = None
    count: int | Absent = None
    cause: str | Absent = None
    apps: list[str] | Absent = None
    deployment: str | Absent = None
    by: str | Absent = None
    group: str | Absent = None
    silenced_until: Time | Absent = None


class Filters(Answer):
    """Which incidents a silence covers; what is absent covers all."""

    cluster: list[str] | Absent = None
    app: list[str] | Absent = None
    severity: Severity | Absent = None


class Silence(Answer):
    """A time in which people get no alerts of what its filters match. ``by``: who made it."""

    id: str
    filters: Filters
    since: Time
    until: Time
    comment: str
    by: str


class Cluster(Answer):
    """A Marathon. ``newest``: the time of its newest event. ``deployments``: those running.
    ``omitted``: how many of the oldest incidents and deployments are left out of an answer that
    would be too large.
    """

    name: str
    newest: Time | Absent = None
    incidents: list[Incident]
    deployments: list[Running]
    omitted: dict[str, int] | Absent = None


class Clusters(Answer):
    """The Marathons that the token may read, and the silences that last."""

    clusters: list[Cluster]
    silences: list[Silence]


class Alert(Answer):
    """A message that people got. ``at``: when. ``state``: what it said of its incident."""

    id: str
    cluster: str
    at: Time
    state: State
    severity: Severity
    subject: str
    title: str
    text: str
    apps: list[str] | Absent = None


class Alerts(Answer):
    """A page of the messages that people got, newest first. Where they were sent is not kept."""

    alerts: list[Alert]
    cursor: str | Absent = None


class PastIncident(Answer):
    """An incident that people were notified of. ``title``: of the last message about it. ``count``:
    how many of its instances failed. ``group``: what it was notified with.
    """

    subject: str
    severity: Severity
    title: str
    opened_at: Moment
    resolved_at: Moment | Absent = None
    apps: list[str]
    count: int | Absent = None
    group: str | Absent = None


class PastIncidents(Answer):
    """The incidents that people were notified of in some time, the newest first."""

    incidents: list[PastIncident]
    omitted: dict[str, int] | Absent = None


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
