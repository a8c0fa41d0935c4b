"""Wiring: each function is handed what it needs, made once in a container."""

import functools
import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

gc.disable()  # What a start makes stays. Looking it through, over and over, is a sixth of a start.

from chalice.app import Chalice, DynamoDBEvent, Response, SQSEvent

from chalicelib.services import aws
from chalicelib.settings import EventSources, Settings
from chalicelib.web import answers

if TYPE_CHECKING:
    from chalicelib.fanout import FanOut
    from chalicelib.ingest import Ingest
    from chalicelib.restore import Restore

app = Chalice(app_name="marathon-events", configure_logs=False)
sources = EventSources.read()


@app.route("/callback", methods=["POST"], content_types=["*/*"])
def callback() -> Response:
    """Marathon posts an event."""
    request: Any = app.current_request
    token = (request.query_params or {}).get("token")
    request_id = getattr(app.lambda_context, "aws_request_id", "")
    return answers.callback(_ingest(), token, request.raw_body, request_id)


@app.route("/health", methods=["GET"])
def health() -> Response:
    """Somebody asks whether we are there."""
    return answers.health()


@app.on_dynamodb_record(sources.stream_arn, batch_size=100, starting_position="TRIM_HORIZON")
def fanout(event: DynamoDBEvent) -> dict[str, Any]:
    """The table's stream brings what was stored."""
    return _fan_out().run(event.to_dict()["Records"], event.context)


@app.on_sqs_message(queue_arn=sources.spill_queue_arn, batch_size=10)
def restore(event: SQSEvent) -> dict[str, Any]:
    """The spill queue brings what the table could not take."""
    return _restore().run(event.to_dict()["Records"])


_UseCase = TypeVar("_UseCase")


def _once(make: Callable[[], _UseCase]) -> Callable[[], _UseCase]:
    """Make a use case once in a container. From then on the collector looks at what is new alone: a
    large plan would take half as long again if it looked at all that a start made.
    """

    @functools.cache
    def made() -> _UseCase:
        use_case = make()
        gc.freeze()
        gc.enable()
        return use_case

    return made


# Each function imports its own use case alone: what it does not use, its cold start does not pay.


@_once
def _ingest() -> "Ingest":
    from chalicelib.gate import Gate
    from chalicelib.ingest import Ingest
    from chalicelib.services.spill import SpillQueue
    from chalicelib.services.store import Store
    from chalicelib.services.table import Table
    from chalicelib.services.tokens import Tokens

    settings = Settings.read()
    table = Table(aws.dynamodb(impatient=True), settings.table)
    queue = SpillQueue(functools.partial(aws.sqs, impatient=True), settings.spill_queue_url)
    gate = Gate(Tokens(table), "publisher")
    return Ingest(gate, Store(table, settings.retention_days), queue)


@_once
def _fan_out() -> "FanOut":
    from chalicelib.fanout import FanOut
    from chalicelib.services.dead_letters import DeadLetters
    from chalicelib.services.store import Store
    from chalicelib.services.table import Table
    from chalicelib.services.topic import Notifier

    settings = Settings.read()
    return FanOut(
        Store(Table(aws.dynamodb(), settings.table), settings.retention_days),
        Notifier(aws.sns(), settings.topic_arn),
        DeadLetters(aws.sqs(), settings.dead_letter_queue_url),
        settings.notify_env,
    )


@_once
def _restore() -> "Restore":
    from chalicelib.restore import Restore
    from chalicelib.services.dead_letters import DeadLetters
    from chalicelib.services.store import Store
    from chalicelib.services.table import Table
    from chalicelib.services.tokens import Tokens

    settings = Settings.read()
    table = Table(aws.dynamodb(), settings.table)
    dead_letters = DeadLetters(aws.sqs(), settings.dead_letter_queue_url)
    return Restore(Tokens(table), Store(table, settings.retention_days), dead_letters)


# Lambda names the function's entrance. It is said to start functions at full speed, whatever their
# memory: so the use case is made now, and not when a request waits for it.
_USE_CASES = {"app.app": _ingest, "app.fanout": _fan_out, "app.restore": _restore}
if entrance := _USE_CASES.get(os.environ.get("_HANDLER", "")):
    entrance()
