"""The floor: the SDK's bare ``put_item`` of the item that we store, with the SDK's defaults."""

import base64
import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: Any) -> None:
    body = {"B": base64.b64decode(event["body"]["B"])}
    dynamodb.put_item(TableName=os.environ["EVENTS_TABLE"], Item=event | {"body": body})
