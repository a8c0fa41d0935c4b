"""What one writes by hand in twenty lines: parse, put, publish."""

import json
import os
from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")
sns = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    body = event["body"]
    said = json.loads(body)
    item: Any = {
        "type": {"S": said["eventType"]},
        "timestamp": {"S": said["timestamp"]},
        "body": {"S": body},
    }
    dynamodb.put_item(TableName=os.environ["EVENTS_TABLE"], Item=item)
    sns.publish(TopicArn=os.environ["EVENTS_TOPIC_ARN"], Subject=said["eventType"], Message=body)
    return {"statusCode": 200, "body": json.dumps({"status": "ok"})}
