"""DynamoDB calls on one table, with one kind of error. ``items`` knows what the items mean."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.records.items import Item, is_expired, plain
from chalicelib.services import aws

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Errors that no retry can help: the request itself is wrong.
_PERMANENT = {"ValidationException", "ItemCollectionSizeLimitExceededException"}


# DynamoDB: 25 items for a BatchWriteItem. It may leave some of them to be sent again.
_BATCH = 25
_PAUSES_SECONDS = (0.0, 0.05, 0.2, 0.8)


class TableError(aws.ServiceError):
    """A call to the table failed."""

    @property
    def permanent(self) -> bool:
        """Whether a retry can never succeed."""
        return self.code in _PERMANENT


class ConditionFailed(Exception):
    """The condition of a write was not met."""


class Table:
    """One DynamoDB table. Every method raises TableError."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self._name = name

    def put(
        self,
        item: Item,
        condition: str = "",
        values: Item | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        """Write an item. Raises ConditionFailed. ``values``, ``names``: those of the condition."""
        self._write("put_item", condition, values, names, Item=item)

    def update(
        self,
        key: Item,
        expression: str,
        condition: str,
        values: Item,
        names: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Change an item. Returns the item as it was before, empty if there was none. Raises
        ConditionFailed. ``names``: what stands in the expressions for attributes whose own names
        DynamoDB reserves.
        """
        request: dict[str, Any] = {"Key": key, "UpdateExpression": expression}
        answer = self._write(
            "update_item", condition, values, names, **request, ReturnValues="ALL_OLD"
        )
        return plain(answer.get("Attributes", {}))

    def write_all(self, items: Sequence[Item], deleted: Sequence[Item] = ()) -> None:
        """Write many items, and delete those with the keys ``deleted``, several in one call. Of
        items with the same key the last one counts: DynamoDB refuses a call that has both.
        """
        distinct = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
        requests: list[Any] = [{"PutRequest": {"Item": item}} for item in distinct.values()]
        requests += [{"DeleteRequest": {"Key": key}} for key in deleted]
        for start in range(0, len(requests), _BATCH):
            self._write_batch(requests[start : start + _BATCH])

    def delete(
        self,
        key: Item,
        condition: str = "",
        values: Item | None = None,
        names: dict[str, str] | None = None,
    ) -> None:
        """Delete an item, if it is there. Raises ConditionFailed."""
        self._write("delete_item", condition, values, names, Key=key)

    def get(self, key: Item) -> dict[str, Any] | None:
        """An item as plain values, read consistently, or None."""
        with aws.raised_as(TableError):
            answer = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        item = answer.get("Item")
        return plain(item) if item else None

    def query(
        self,
        condition: str,
        *,
        index: str = "",
        newest_first: bool = False,
        page: int = 0,
        consistent: bool = False,
        **values: str,
    ) -> Iterator[dict[str, Any]]:
        """The items of one key as plain values. ``values`` are the condition's strings. ``page``:
        how many to read at once, 0 for as many as DynamoDB gives (1 MB). ``consistent``: with all
        that was written before; not of an index.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {
                f":{name}": {"S": value} for name, value in values.items()
            },
            "ScanIndexForward": not newest_first,
        }
        if index:
            request["IndexName"] = index
        if page:
            request["Limit"] = page
        if consistent:
            request["ConsistentRead"] = True
        while True:
            with aws.raised_as(TableError):
                answer = self._client.query(**request)
            if "Items" not in answer:
                raise TableError(aws.NotAnAnswer.__name__)
            yield from map(plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def newest_first(
        self, key: str, since: str, last: str, page: int = 0, index: str = ""
    ) -> Iterator[dict[str, Any]]:
        """The items of one key, of the table or an index, whose places are between two, both
        included. What has expired is left out. ``page``: as in ``query``.
        """
        hash_, range_ = (index, "feed_order") if index else ("pk", "sk")
        found = self.query(
            f"{hash_} = :key AND {range_} BETWEEN :since AND :last",
            index=index,
            newest_first=True,
            page=page,
            key=key,
            since=since,
            last=last,
        )
        now = time.time()
        return (values for values in found if not is_expired(values, now))

    def _write_batch(self, left: Any) -> None:
        for pause in _PAUSES_SECONDS:
            time.sleep(pause)
            with aws.raised_as(TableError):
                answer = self._client.batch_write_item(RequestItems={self._name: left})
            left = answer.get("UnprocessedItems", {}).get(self._name)
            if not left:
                return
        raise TableError("UnprocessedItems")

    def _write(
        self,
        operation: str,
        condition: str,
        values: Item | None,
        names: dict[str, str] | None,
        **request: Any,
    ) -> dict[str, Any]:
        if names:
            request["ExpressionAttributeNames"] = names
        if condition:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = values
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(
                TableName=self._name, **request
            )
        except aws.ERRORS as error:
            if aws.error_code(error) == "ConditionalCheckFailedException":
                raise ConditionFailed from error
            raise TableError(aws.error_code(error)) from error
        return answer
