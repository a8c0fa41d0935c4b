"""What Lambda hands to the functions."""

import json
from typing import Any

from chalicelib.services.tokens import hash_of

_TOKEN = "A" * 43


def token_item() -> dict[str, Any]:
    """The item that lets these requests in."""
    return {
        "pk": {"S": f"#token|{hash_of(_TOKEN)}"},
        "sk": {"S": "token"},
        "role": {"S": "publisher"},
        "cluster": {"S": "prod"},
        "label": {"S": "bench"},
        "feed_order": {"S": "2000-01-01T00:00:00.000Z"},
    }


def post(body: bytes) -> dict[str, Any]:
    """A callback, as API Gateway makes it."""
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "spray-can/1.3.2",
    }
    return _request("/callback", headers, {"token": _TOKEN}, body)


def post_many(bodies: list[bytes]) -> dict[str, Any]:
    """A relay's batch, as API Gateway makes it."""
    headers = {
        "Authorization": f"Bearer {_TOKEN}",
        "Content-Type": "application/x-ndjson",
        "User-Agent": "marathon-relay",
    }
    return _request("/events", headers, None, b"".join(body + b"\n" for body in bodies))


def _request(
    path: str, headers: dict[str, str], query: dict[str, str] | None, body: bytes
) -> dict[str, Any]:
    headers |= {
        "Accept": "application/json",
        "Host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    many_values = {name: [value] for name, value in query.items()} if query else None
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": many_values,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": "POST",
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def batch(puts: list[str]) -> dict[str, Any]:
    """A batch of the table's stream: what these PutItem requests wrote."""
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2026-01-01T00:00:00.000"
    return {"Records": [_change(n, json.loads(put)["Item"], arn) for n, put in enumerate(puts)]}


def _change(n: int, item: dict[str, Any], arn: str) -> dict[str, Any]:
    return {
        "eventID": f"{n:032x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000,
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": item,
            "SequenceNumber": f"{n + 1:021d}",
            "SizeBytes": 1024,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": arn,
    }
