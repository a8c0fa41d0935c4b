"""The way of Powertools for AWS Lambda: resolver, parser, logger, metrics."""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser import BaseModel, parse

app = APIGatewayRestResolver()
logger = Logger(service="events")
metrics = Metrics(namespace="Events", service="events")
table = boto3.resource("dynamodb").Table(os.environ["EVENTS_TABLE"])
sns = boto3.client("sns")


class Event(BaseModel, extra="allow"):
    eventType: str
    timestamp: str


@app.post("/callback")
def callback() -> dict[str, str]:
    event = parse(event=app.current_event.json_body, model=Event)
    body = app.current_event.body or ""
    table.put_item(Item={"type": event.eventType, "timestamp": event.timestamp, "body": body})
    sns.publish(TopicArn=os.environ["EVENTS_TOPIC_ARN"], Subject=event.eventType, Message=body)
    metrics.add_metric(name="Stored", unit=MetricUnit.Count, value=1)
    logger.info("stored", type=event.eventType)
    return {"status": "ok"}


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
