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
        "Accept": "application/json",
        "Content-Type": "application/json; charset=UTF-8",
        "Host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
        "User-Agent": "spray-can/1.3.2",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
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
        "requestContext": {
            "resourcePath": "/callback",
            "httpMethod": "POST",
            "path": "/prod/callback",
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
