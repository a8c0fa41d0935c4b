"""The way of Chalice's tutorials: a route, the resource API, publishing inline."""

import os
from typing import Any

import boto3
from chalice.app import Chalice

app = Chalice(app_name="tutorial")
table = boto3.resource("dynamodb").Table(os.environ["EVENTS_TABLE"])
topic = boto3.resource("sns").Topic(os.environ["EVENTS_TOPIC_ARN"])


@app.route("/callback", methods=["POST"])
def callback() -> dict[str, str]:
    request: Any = app.current_request
    said = request.json_body
    body = request.raw_body.decode()
    table.put_item(Item={"type": said["eventType"], "timestamp": said["timestamp"], "body": body})
    topic.publish(Subject=said["eventType"], Message=body)
    return {"status": "ok"}
