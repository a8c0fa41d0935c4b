"""What makes moto quick changes no answer, whether a call takes a socket or not."""

from typing import Any

from ops.stage.resources import Stage

import boto3
import pytest
from botocore.exceptions import ClientError

KINDS: dict[str, Any] = {
    "text": {"S": "a \U0001f600 ł"},
    "number": {"N": "1.5"},
    "bytes": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "texts": {"SS": ["a"]},
    "numbers": {"NS": ["1"]},
    "several": {"BS": [b"\x00", b"\xff"]},
    "list": {"L": [{"S": "a"}, {"B": b"\x01"}, {"L": [{"M": {"deep": {"B": b"\x02"}}}]}]},
    "map": {"M": {"S": {"N": "1"}, "B": {"M": {}}}},
}


@pytest.fixture(params=["127.0.0.1", "localhost"])  # the second goes over a socket
def client(aws: str, request: pytest.FixtureRequest) -> Any:
    return boto3.client("dynamodb", endpoint_url=aws.replace("127.0.0.1", request.param))


def test_each_kind_of_attribute_comes_back_as_it_was_put(client: Any, stage: Stage) -> None:
    key = {"pk": {"S": "#kinds"}, "sk": {"S": "x"}}
    client.put_item(TableName=stage.table_name, Item=key | KINDS)
    assert client.get_item(TableName=stage.table_name, Key=key)["Item"] == key | KINDS
    assert queried(client, stage, "#kinds") == [key | KINDS]


def test_a_partition_is_in_the_order_of_its_keys_bytes(client: Any, stage: Stage) -> None:
    for partition in ("#b", "#a"):
        for name in ("é", "a", "10", "9", "B", "\U0001f600", "\uffff"):
            item = {"pk": {"S": partition}, "sk": {"S": name}}
            client.put_item(TableName=stage.table_name, Item=item)
    found = [each["sk"]["S"] for each in queried(client, stage, "#a")]
    assert found == sorted(found, key=str.encode)
    assert len(found) == 7


def test_each_service_answers_the_same_with_and_without_a_socket(aws: str, stage: Stage) -> None:
    """Also where it refuses, and where moto has no such address."""

    def answers(endpoint: str) -> list[Any]:
        def said(service: str, operation: str, **request: Any) -> Any:
            made: Any = boto3.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]
            try:
                answer = getattr(made, operation)(**request)
            except ClientError as error:
                return error.response["Error"]
            return {name: each for name, each in answer.items() if name != "ResponseMetadata"}

        return [
            said("sns", "get_topic_attributes", TopicArn=stage.topic_arn),
            said("sns", "get_topic_attributes", TopicArn=f"{stage.topic_arn}-none"),
            said(
                "cloudformation", "describe_stacks", StackName=f"marathon-events-{stage.name}-table"
            ),
            said("cloudformation", "describe_stacks", StackName="none"),
            said("sqs", "get_queue_attributes", QueueUrl=stage.spill_queue_url),
            said("dynamodb", "describe_table", TableName="none"),
            said("dynamodbstreams", "list_streams", TableName=stage.table_name),
            said("lambda", "get_account_settings"),
        ]

    assert answers(aws) == answers(aws.replace("127.0.0.1", "localhost"))


def queried(client: Any, stage: Stage, partition: str) -> list[Any]:
    pages = client.get_paginator("query").paginate(
        TableName=stage.table_name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
    )
    return [item for page in pages for item in page["Items"]]
