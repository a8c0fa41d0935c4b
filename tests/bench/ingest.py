"""The CPU that the request path costs per event, the SDK's share included: ours, beside a handler
written by hand (parse, put, publish) and the floor, the SDK's bare ``put_item`` of the same item.
AWS answers at once, from memory, where the SDK would send.
"""

import contextlib
import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse, HeadersDict

import app
from chalicelib import aws, times
from chalicelib.items import to_items
from chalicelib.marathon.reading import read
from chalicelib.record import identify, record_of
from chalicelib.tokens import hash_of
from tests.bench.bodies import definition, plan, small
from tests.bench.measure import cpu, medians, show

_TOKEN = "A" * 43
_ROUNDS = 9
_TOPIC = "arn:aws:sns:us-east-1:123456789012:t"
_PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>1</MessageId></PublishResult></PublishResponse>"
)
_TOKEN_ITEM = {
    "pk": {"S": f"#token|{hash_of(_TOKEN)}"},
    "sk": {"S": "token"},
    "role": {"S": "publisher"},
    "cluster": {"S": "prod"},
    "label": {"S": "bench"},
    "feed_order": {"S": "2000-01-01T00:00:00.000Z"},
}


class _Body:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *args: Any, **kwargs: Any) -> Any:
        yield self._body


def main() -> None:
    """Print the ratios and their budgets."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",
        AWS_DEFAULT_REGION="us-east-1",
        EVENTS_TABLE="t",
        EVENTS_TOPIC_ARN=_TOPIC,
        SPILL_QUEUE_URL="https://sqs/1/spill",
        DEAD_LETTER_QUEUE_URL="https://sqs/1/dead",
    )
    dynamodb, sns = boto3.client("dynamodb"), boto3.client("sns")
    token = json.dumps({"Item": _TOKEN_ITEM}).encode()
    _answer(aws.dynamodb(impatient=True), "GetItem", token)
    for client in (aws.dynamodb(impatient=True), dynamodb):
        _answer(client, "PutItem", b"{}")
    _answer(sns, "Publish", _PUBLISHED)

    def by_hand(event: dict[str, Any]) -> dict[str, Any]:
        said = json.loads(event["body"])
        id_ = said["eventType"] + said["timestamp"]
        item: Any = {"id": {"S": id_}, "body": {"S": event["body"]}}
        dynamodb.put_item(TableName="t", Item=item)
        sns.publish(TopicArn=_TOPIC, Message=event["body"], Subject=said["eventType"])
        return {"statusCode": 200, "body": "{}"}

    for name, body, hand_budget, floor_budget in (
        ("small", small(), 0.60, 1.35),
        ("definition", definition(), 0.60, 1.35),
        ("plan of 100 apps", plan(100), 0.25, None),
    ):
        event, item = _request(body), _item(body)
        calls: list[Callable[[], object]] = [
            partial(app.app, event, None),
            partial(by_hand, event),
            partial(dynamodb.put_item, TableName="t", Item=item),
        ]
        repeat = 300 if len(body) < 10_000 else 30
        measures = [partial(_quietly, call, repeat) for call in calls]
        ours, hand, floor = medians(_ROUNDS, measures)
        show(f"CPU of ingest, {name} ({len(body):,} bytes) / by hand", ours / hand, hand_budget)
        show(f"CPU of ingest, {name} / the SDK's bare put", ours / floor, floor_budget)


def _answer(client: Any, operation: str, body: bytes) -> None:
    def handler(request: Any, **kwargs: Any) -> AWSResponse:
        headers: Any = HeadersDict()
        return AWSResponse(request.url, 200, headers, _Body(body))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}.{operation}", handler)


def _request(body: bytes) -> dict[str, Any]:
    """As API Gateway hands it to the function."""
    headers = {"Content-Type": "application/json; charset=UTF-8", "User-Agent": "spray-can/1.3.2"}
    return {
        "resource": "/callback",
        "path": "/callback",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {"token": _TOKEN},
        "multiValueQueryStringParameters": {"token": [_TOKEN]},
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"resourcePath": "/callback", "httpMethod": "POST"},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def _item(body: bytes) -> Any:
    now = times.now()
    return to_items(record_of(identify(body, now), "prod", now, read(body), body), 1_900_000_000)[1]


def _quietly(call: Callable[[], object], repeat: int) -> float:
    """The CPU of so many calls, the functions' log going nowhere."""
    with open(os.devnull, "w") as log, contextlib.redirect_stdout(log):  # noqa: PTH123
        return cpu(call, repeat)


if __name__ == "__main__":
    main()
