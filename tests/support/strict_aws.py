"""What the real AWS may do and moto never does. ``install`` changes moto for this process.

Nothing here is left to chance: a thing happens at certain calls, counted for each queue, table and
shard, so a test meets it each time or never. What is refused, AWS refuses, too.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.session import Session
from moto.apigateway.models import APIGatewayBackend
from moto.awslambda.models import LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.table import StreamShard
from moto.dynamodb.responses import DynamoHandler
from moto.dynamodbstreams.models import DynamoDBStreamsBackend, ShardIterator
from moto.iam.models import iam_backends
from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import SNSBackend
from moto.sqs.models import SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

# Each so many calls: the first of them, or the second, or … does what moto never does.
_EMPTY_POLL = (3, 0)
_EMPTY_STREAM_PAGE = (2, 0)
_PAGE_AFTER_THE_LAST = (3, 0)
_UNPROCESSED = (10, 1)
_UNPUBLISHED = (10, 1)
_ONCE = (1_000_000, 0)

_BATCH_BYTES = 262_144
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK_OR_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "UpdateExpression",
)


def install() -> None:
    """Make moto as strict as AWS from now on, and let the SDK check each parameter."""
    _wrap(SQSBackend, "receive_message", _short_poll)
    _wrap(SQSBackend, "delete_queue", _remember_deleted_queue)
    _wrap(SQSResponse, "create_queue", _refuse_deleted_queue)
    _wrap(SQSBackend, "_validate_message", _check_message_contents)
    _wrap(DynamoDBStreamsBackend, "get_records", _stream_page)
    _wrap(StreamShard, "add", _drop_identical_rewrite)
    _wrap(DynamoHandler, "batch_write_item", _batch_write)
    for operation in ("query", "scan"):
        _wrap(DynamoHandler, operation, _page_after_the_last)
    for operation in ("put_item", "update_item", "delete_item", "query", "scan"):
        _wrap(DynamoHandler, operation, _check_expression_values)
    _wrap(SNSBackend, "publish", _check_subject_and_attributes)
    _wrap(SNSBackend, "publish_batch", _check_batch)
    _wrap(APIGatewayBackend, "put_rest_api", _drop_resource_policy)
    _wrap(LambdaResponse, "create_event_source_mapping", _stream_out_of_reach)
    _wrap(LambdaBackend, "create_event_source_mapping", _no_container)
    _wrap(Session, "create_client", _checked_client)


class Refused(ServiceException):
    """AWS refuses a call. ``code``: its error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


def _wrap(owner: type, name: str, wrapper: Callable[..., Any]) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapper(functools.partial(real, self), self, *args, **kwargs)

    setattr(owner, name, wrapped)


def _state(backend: Any) -> Any:
    """What is remembered of a backend, until moto resets it."""
    return vars(backend).setdefault("strict", Counter())


def _due(backend: Any, what: str, turn: tuple[int, int]) -> bool:
    """Whether it is this call's turn; counts it."""
    every, which = turn
    counts = _state(backend)
    counts[what] += 1
    return bool((counts[what] - 1) % every == which)


def _short_poll(
    real: Any, backend: Any, name: str, count: int, wait: int, *args: Any, **more: Any
) -> Any:
    """A short poll asks only some of the servers, so it may find nothing though messages wait.
    A long one finds them; nobody sends while a test waits, so it need not wait.
    """
    if not wait and _due(backend, f"poll {name}", _EMPTY_POLL):
        backend.get_queue(name)
        return []
    return real(name, count, 0, *args, **more)


def _remember_deleted_queue(real: Any, backend: Any, name: str) -> None:
    real(name)
    _state(backend)[f"deleted {name}"] = 1


def _refuse_deleted_queue(real: Any, request: Any) -> Any:
    """For a minute after its deletion a queue's name can't be used. Here: once, and not in a stack,
    which would fail as a whole.
    """
    name = request._get_param("QueueName")  # noqa: SLF001
    if _state(request.sqs_backend).pop(f"deleted {name}", 0):
        raise Refused(
            "AWS.SimpleQueueService.QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with "
            "the same name.",
        )
    return real()


def _check_message_contents(
    real: Any, backend: Any, queue: Any, message_body: str, *args: Any, **more: Any
) -> None:
    if _NOT_XML.search(message_body):
        raise Refused("InvalidMessageContents", "Invalid characters found. Valid are XML 1.0's.")
    real(queue, message_body, *args, **more)


def _stream_page(real: Any, backend: Any, iterator: str, limit: int) -> Any:
    """A page may hold no records though more are to come."""
    before = backend.shard_iterators[iterator]
    page = real(iterator, limit)
    if page["Records"] and _due(before.stream_shard, "page", _EMPTY_STREAM_PAGE):
        again = ShardIterator(
            backend, before.stream_shard, "AT_SEQUENCE_NUMBER", before.sequence_number
        )
        backend.shard_iterators[again.arn] = again
        return {"NextShardIterator": again.arn, "Records": []}
    return page


def _drop_identical_rewrite(real: Any, shard: Any, old: Any, new: Any) -> None:
    """A write that changes nothing leaves no record in the stream."""
    if old is None or new is None or old.attrs != new.attrs:
        real(old, new)


def _batch_write(real: Any, handler: Any) -> Any:
    """Two operations on one key are refused; and the last of several may be left over."""
    left: dict[str, Any] = {}
    for table_name, requests in handler.body["RequestItems"].items():
        table = handler.dynamodb_backend.get_table(table_name)
        keys = [_key(table, each) for each in requests]
        if len(set(keys)) < len(keys):
            raise MockValidationException("Provided list of item keys contains duplicates")
        if len(requests) > 1 and _due(table, "batch", _UNPROCESSED):
            left[table_name] = [requests.pop()]
    result = real()
    result.result["UnprocessedItems"] = left
    return result


def _key(table: Any, request: dict[str, Any]) -> str:
    (asked,) = request.values()
    item = asked.get("Item") or asked["Key"]
    return repr([item.get(name) for name in table.table_key_attrs])


def _page_after_the_last(real: Any, handler: Any) -> Any:
    """A page may name a key to go on from though nothing comes after it."""
    result = real()
    page = result.result
    if not page.get("Items") or "LastEvaluatedKey" in page:
        return result
    table = handler.dynamodb_backend.get_table(handler.body["TableName"])
    index = handler.body.get("IndexName")
    schema = [*table.schema, *(table.get_index(index).schema if index else [])]
    names = {each["AttributeName"] for each in schema}
    last = page["Items"][-1]
    if names <= last.keys() and _due(table, "pages", _PAGE_AFTER_THE_LAST):
        page["LastEvaluatedKey"] = {name: last[name] for name in names}
    return result


def _check_expression_values(real: Any, handler: Any) -> Any:
    text = " ".join(str(handler.body.get(name, "")) for name in _EXPRESSIONS)
    used = set(re.findall(r":\w+", text))
    unused = sorted(set(handler.body.get("ExpressionAttributeValues", {})) - used)
    if unused:
        raise MockValidationException(
            "Value provided in ExpressionAttributeValues unused in expressions: "
            f"keys: {{{', '.join(unused)}}}"
        )
    return real()


def _check_subject_and_attributes(real: Any, backend: Any, *args: Any, **more: Any) -> Any:
    subject = more.get("subject")
    if subject is not None and (not subject or _LINE_BREAK_OR_CONTROL.search(subject)):
        raise InvalidParameterValue("Invalid parameter: Subject")
    for name, each in (more.get("message_attributes") or {}).items():
        if not re.fullmatch(r"[\w.-]{1,256}", name, re.ASCII):
            raise InvalidParameterValue(f"Invalid parameter: attribute name {name}")
        if each.get("StringValue") == "":
            raise InvalidParameterValue(f"Invalid parameter: attribute {name} has no value")
    return real(*args, **more)


def _check_batch(
    real: Any, backend: Any, topic_arn: str, publish_batch_request_entries: list[dict[str, Any]]
) -> Any:
    entries = publish_batch_request_entries
    if not entries:
        raise Refused("EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if not all(_ENTRY_ID.fullmatch(each["Id"]) for each in entries):
        raise Refused("InvalidBatchEntryId", "The Id of a batch entry does not fit.")
    if sum(map(_size, entries)) > _BATCH_BYTES:
        raise Refused("BatchRequestTooLong", "The length of all the messages is over the limit.")
    for each in entries:
        if "MessageStructure" in each and not _is_structured(each["Message"]):
            raise InvalidParameterValue("Invalid parameter: Message Structure")
    if len(entries) == 1 or not _due(backend.get_topic(topic_arn), "batch", _UNPUBLISHED):
        return real(topic_arn, entries)
    *taken, last = entries  # SNS may take a part of a call
    successful, failed = real(topic_arn, taken)
    error = {"Id": last["Id"], "Code": "InternalError", "Message": "", "SenderFault": False}
    return successful, [*failed, error]


def _is_structured(message: str) -> bool:
    """Whether it has a text for all, and one for each protocol that it names."""
    try:
        said = json.loads(message)
    except ValueError:
        return False
    texts = isinstance(said, dict) and all(isinstance(each, str) for each in said.values())
    return texts and "default" in said


def _size(entry: dict[str, Any]) -> int:
    texts = [entry["Message"]]
    for name, each in entry.get("MessageAttributes", {}).items():
        texts += [name, each.get("DataType", ""), each.get("StringValue", "")]
    return sum(len(text.encode()) for text in texts)


def _drop_resource_policy(
    real: Any, backend: Any, function_id: str, api_doc: dict[str, Any], *args: Any, **more: Any
) -> Any:
    """An overwrite leaves no resource policy but the document's own."""
    api = real(function_id, api_doc, *args, **more)
    if "overwrite" in (*args, more.get("mode")):
        api.policy = api_doc.get("x-amazon-apigateway-policy")
    return api


def _stream_out_of_reach(real: Any, request: Any) -> Any:
    """Right after a role was made, Lambda does not see yet that it may read the stream. Not in a
    stack, which would fail as a whole.
    """
    backend, spec = request.backend, request.json_body
    source = spec.get("EventSourceArn", "")
    roles = iam_backends[backend.account_id]["aws"].roles.values()
    mine = [each for each in roles if each.arn == backend.get_function(spec["FunctionName"]).role]
    if "/stream/" in source and mine and _due(mine[0], "reads a stream", _ONCE):
        raise JsonRESTError(
            "InvalidParameterValueException",
            f"Cannot access stream {source}. Please ensure the role can perform the "
            "GetRecords, GetShardIterator, DescribeStream, ListShards, and ListStreams Actions "
            "on your stream in IAM.",
        )
    return real()


def _no_container(real: Any, backend: Any, spec: dict[str, Any]) -> Any:
    """moto would start a container for each message: tests hand messages over themselves."""
    made = real(spec)
    source = spec.get("EventSourceArn", "")
    if ":sqs:" in source:
        queue = sqs_backends[backend.account_id][backend.region_name].get_queue(
            source.rpartition(":")[2]
        )
        queue.lambda_event_source_mappings.clear()
    return made


def _checked_client(real: Any, session: Any, *args: Any, **more: Any) -> Any:
    """The functions' clients don't check their parameters, to be quick. Here all do."""
    checked = Config(parameter_validation=True)
    given = more.get("config")
    more["config"] = given.merge(checked) if given else checked
    return real(*args, **more)
