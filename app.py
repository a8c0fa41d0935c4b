"""Wiring: gives each function the objects that it needs. They are made once in a container."""

from chalicelib import coldstart  # first: it makes the imports below cheaper in Lambda
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalice.app import Chalice, CloudWatchEvent, DynamoDBEvent, Rate, Response, SQSEvent

from chalicelib.services import aws
from chalicelib.services.table import Table
from chalicelib.settings import EventSources, Settings
from chalicelib.web import answers

if TYPE_CHECKING:
    from chalicelib.alerts import Alerts
    from chalicelib.deliver import Deliver
    from chalicelib.fanout import FanOut
    from chalicelib.ingest import Ingest
    from chalicelib.restore import Restore
    from chalicelib.watch import Watch
    from chalicelib.web.readers import Readers, Request

app = Chalice(app_name="marathon-events", configure_logs=False)
sources = EventSources.read()


@app.route("/callback", methods=["POST"], content_types=["*/*"])
def callback() -> Response:
    """Marathon posts an event."""
    request: Any = app.current_request
    token = (request.query_params or {}).get("token")
    return answers.callback(ingest(), token, request.raw_body, _request_id())


@app.route("/events", methods=["POST"], content_types=["*/*"])
def events() -> Response:
    """A relay posts events, one a line."""
    request: Any = app.current_request
    authorization = request.headers.get("Authorization")
    return answers.events(ingest(), authorization, request.raw_body, _request_id())


@app.route("/events", methods=["GET"])
def list_events() -> Response:
    """A reader asks for events."""
    return reading().events(_request())


@app.route("/events/{cluster}/{id}", methods=["GET"])
def event(cluster: str, id: str) -> Response:
    """A reader asks for one event."""
    return reading().event(_request(), cluster, id)


@app.route("/deployments", methods=["GET"])
def list_deployments() -> Response:
    """A reader asks for deployments."""
    return reading().deployments(_request())


@app.route("/deployments/{cluster}/{id}", methods=["GET"])
def deployment(cluster: str, id: str) -> Response:
    """A reader asks for the story of a deployment."""
    return reading().deployment(_request(), cluster, id)


@app.route("/alerts", methods=["GET"])
def list_alerts() -> Response:
    """A reader asks what people were told."""
    return reading().alerts(_request())


@app.route("/incidents", methods=["GET"])
def list_incidents() -> Response:
    """A reader asks which incidents people were told of."""
    return reading().incidents(_request())


@app.route("/clusters", methods=["GET"])
def clusters() -> Response:
    """A reader asks how the clusters are."""
    return reading().clusters(_request())


@app.route("/openapi.json", methods=["GET"])
def openapi() -> Response:
    """Somebody asks what the API can do."""
    return reading().openapi(_request())


@app.route("/health", methods=["GET"])
def health() -> Response:
    """Somebody asks whether the API is running."""
    return answers.health()


@app.route("/", methods=["GET"])
def index() -> Response:
    """Somebody opens the page."""
    from chalicelib.web import files

    request: Any = app.current_request
    return files.index(request.context.get("path", "/"), request.headers.get("If-None-Match"))


@app.route("/page/{name}", methods=["GET"])
def file(name: str) -> Response:
    """The page loads its files."""
    from chalicelib.web import files

    return files.file(name)


@app.on_dynamodb_record(sources.stream_arn, batch_size=100, starting_position="TRIM_HORIZON")
def fanout(event: DynamoDBEvent) -> dict[str, Any]:
    """The table's stream brings what was stored."""
    return fan_out().run(event.to_dict()["Records"], event.context)


@app.on_sqs_message(queue_arn=sources.spill_queue_arn, batch_size=10)
def restore(event: SQSEvent) -> dict[str, Any]:
    """The spill queue brings what the table could not take."""
    return restoring().run(event.to_dict()["Records"])


@app.on_dynamodb_record(sources.stream_arn, batch_size=100, starting_position="TRIM_HORIZON")
def alerts(event: DynamoDBEvent) -> dict[str, Any]:
    """The table's stream brings new warnings and errors."""
    return alerting().run(event.to_dict()["Records"])


@app.schedule(Rate(1, unit=Rate.MINUTES))
def watch(_event: CloudWatchEvent) -> None:
    """A minute has passed."""
    watching().run()


@app.lambda_function()
def deliver(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A target's queue brings an alert. Whoever subscribes the target makes the mapping."""
    return delivering().run(event["Records"])


def _request_id() -> str:
    return getattr(app.lambda_context, "aws_request_id", "")


def _request() -> "Request":
    from chalicelib.web.readers import Request

    asked: Any = app.current_request
    headers = asked.headers
    return Request(
        headers.get("Authorization"), asked.query_params or {}, headers.get("If-None-Match")
    )


# Each function imports only its own use case, so its cold start does not pay for the others.


@coldstart.once
def ingest() -> "Ingest":
    """The use case that takes events in."""
    from chalicelib.ingest import Ingest
    from chalicelib.services.guard import TableGuard
    from chalicelib.services.queues import SpillQueue
    from chalicelib.services.store import Store
    from chalicelib.services.tokens import Tokens

    settings = Settings.read()
    table = Table(aws.dynamodb(urgent=True), settings.table)
    queue = SpillQueue(partial(aws.sqs, urgent=True), settings.spill_queue_url)
    return Ingest(Tokens(table), Store(table, settings.retention_days), queue, TableGuard())


@coldstart.once
def reading() -> "Readers":
    """The answers to readers: nothing of them is imported before somebody reads."""
    from chalicelib.services.alerts_sent import AlertsSent
    from chalicelib.services.clusters import Clusters
    from chalicelib.services.store import Store
    from chalicelib.services.tokens import Tokens
    from chalicelib.services.incidents import Incidents
    from chalicelib.web.readers import Readers

    table = Table(aws.dynamodb(), Settings.read().table)
    return Readers(
        Tokens(table), Store(table), Clusters(table), Incidents(table), AlertsSent(table)
    )


@coldstart.once
def fan_out() -> "FanOut":
    """The use case that publishes the stream."""
    from chalicelib.fanout import FanOut
    from chalicelib.services.queues import DeadLetters
    from chalicelib.services.store import Store
    from chalicelib.services.topic import Topic

    settings = Settings.read()
    return FanOut(
        Store(Table(aws.dynamodb(), settings.table), settings.retention_days),
        Topic(aws.sns(), settings.topic_arn),
        DeadLetters(aws.sqs, settings.dead_letter_queue_url),
        settings.masking,
    )


@coldstart.once
def restoring() -> "Restore":
    """The use case that brings spilled events into the table."""
    from chalicelib.restore import Restore
    from chalicelib.services.queues import DeadLetters
    from chalicelib.services.store import Store
    from chalicelib.services.tokens import Tokens

    settings = Settings.read()
    table = Table(aws.dynamodb(), settings.table)
    dead_letters = DeadLetters(aws.sqs, settings.dead_letter_queue_url)
    return Restore(Tokens(table), Store(table, settings.retention_days), dead_letters)


@coldstart.once
def alerting() -> "Alerts":
    """The use case that notes incidents."""
    from chalicelib.alerts import Alerts
    from chalicelib.services.incidents import Incidents

    return Alerts(Incidents(Table(aws.dynamodb(), Settings.read().table)))


@coldstart.once
def watching() -> "Watch":
    """The use case that notifies people of incidents."""
    from datetime import timedelta

    from chalicelib.records.timing import TIMING
    from chalicelib.sender import Sender
    from chalicelib.services import deployed
    from chalicelib.services.alerts_sent import AlertsSent
    from chalicelib.services.clusters import Clusters
    from chalicelib.services.incidents import Incidents
    from chalicelib.services.store import Store
    from chalicelib.services.topic import Topic
    from chalicelib.watch import Watch

    settings = Settings.read()
    topic_arn = settings.alerts_topic()
    table = Table(aws.dynamodb(), settings.table)
    incidents = Incidents(table)
    sent = AlertsSent(table, settings.retention_days)
    return Watch(
        Store(table),
        incidents,
        Clusters(table),
        Sender(incidents, Topic(aws.sns(once=True), topic_arn), sent),
        settings.stage,
        deployed.Page(table).address,
        timedelta(minutes=settings.no_events_minutes),
        replace(TIMING, stuck=timedelta(minutes=settings.stuck_minutes)),
    )


@coldstart.once
def delivering() -> "Deliver":
    """The use case that sends alerts to chat channels and pagers."""
    from chalicelib.deliver import Deliver
    from chalicelib.services.alerts_sent import AlertsSent
    from chalicelib.services.targets import Targets

    settings = Settings.read()
    stage = settings.stage
    targets = Targets(aws.ssm(), aws.sqs(), stage, settings.spill_queue_url)
    return Deliver(targets, AlertsSent(Table(aws.dynamodb(), settings.table)), stage)


coldstart.make_now(
    {
        "app.app": ingest,
        "app.fanout": fan_out,
        "app.restore": restoring,
        "app.alerts": alerting,
        "app.watch": watching,
        "app.deliver": delivering,
    }
)
