"""Fan out: publish the records of the table's stream, in order, and skip nothing.

A stream's partial batch response is a checkpoint: Lambda resumes at the sequence number in our
answer. It sends all records from there on again, including those that succeeded. So publishing
stops at the first record that could not be published.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import log
from chalicelib.records import items
from chalicelib.records.notification import Notification, notification
from chalicelib.services.aws import ServiceError
from chalicelib.services.queues import DeadLetters, QueueError
from chalicelib.services.store import Store
from chalicelib.services.table import TableError
from chalicelib.services.topic import Result, Topic
from chalicelib.settings import Masking

# If SNS refuses a part of a batch, that part is retried at once. So the checkpoint causes few
# repeats.
_PAUSES_SECONDS = (0.0, 0.0)

# If SNS does not answer, a batch takes three tries of six seconds.
_MS_FOR_A_BATCH = 20_000
# To read, mask and note one record, however hostile.
_MS_FOR_A_RECORD = 10_000

StreamRecord = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A record to be published: its position in the stream, its key, and its notification."""

    sequence_number: str
    pk: str
    sk: str
    notification: Notification


class FanOut:
    """Publishes the stream of one stage's table."""

    def __init__(
        self, store: Store, topic: Topic, dead_letters: DeadLetters, masking: Masking
    ) -> None:
        self._store = store
        self._topic = topic
        self._dead_letters = dead_letters
        self._masking = masking

    def run(self, records: list[StreamRecord], context: Any) -> dict[str, list[dict[str, str]]]:
        """Publish a batch of stream records from Lambda. The answer has the form that Lambda wants:
        the sequence number to resume at, or none. Each batch for SNS is published before the next
        one is prepared, so whatever takes long or fails later, what was published counts.
        """
        published = 0
        stopped_at = ""

        def prepared() -> Iterator[_Pending]:
            nonlocal stopped_at
            for each in records:
                try:
                    if _is_late(context, _MS_FOR_A_BATCH + _MS_FOR_A_RECORD):
                        raise ServiceError("OutOfTime")
                    yield from self._prepare(each)
                except ServiceError as error:
                    log.warning("fanout stopped", reason=error.code)
                    stopped_at = each["dynamodb"]["SequenceNumber"]
                    return

        for batch in self._topic.batches(prepared(), lambda each: each.notification):
            late = _is_late(context, _MS_FOR_A_BATCH)
            if unpublished := batch[0].sequence_number if late else self._publish(batch):
                stopped_at = unpublished
                break
            published += len(batch)
        log.metrics({"Published": published, "Stopped": int(bool(stopped_at))})
        return {"batchItemFailures": [{"itemIdentifier": stopped_at}] if stopped_at else []}

    def _prepare(self, each: StreamRecord) -> Iterator[_Pending]:
        """What to publish for a stream record: nothing unless it is a new event. A record that no
        retry can help is parked, so that the next ones go on.
        """
        if each["eventName"] != "INSERT":
            return
        values = items.plain(each["dynamodb"]["NewImage"])
        if not items.is_news(values, time.time()):
            return
        try:
            record = self._store.whole(values)
            ready = notification(record, self._masking)
            expires_at = values.get("expires_at")
            self._store.note_day_of(record.cluster, record.id, record.received_at, expires_at)
            self._store.note_deployment(record, expires_at)
        except Exception as error:
            if isinstance(error, TableError) and not error.permanent:
                raise
            reason = error.code if isinstance(error, TableError) else type(error).__name__
            self._park(values["pk"], values["sk"], f"unreadable: {reason}")
            return
        sequence_number = each["dynamodb"]["SequenceNumber"]
        yield _Pending(sequence_number, values["pk"], values["sk"], ready)

    def _publish(self, batch: list[_Pending]) -> str:
        """Publish a batch. Returns the sequence number of the first record that must come again, if
        any.
        """
        results = self._topic.publish([each.notification for each in batch], _PAUSES_SECONDS)
        pairs = zip(batch, results, strict=True)
        left = [(each, result) for each, result in pairs if not self._settled(each, result)]
        if not left:
            return ""
        first, result = left[0]
        log.warning("SNS refuses", records=len(left), id=first.sk, reason=result.reason)
        return first.sequence_number

    def _settled(self, each: _Pending, result: Result) -> bool:
        if result.outcome == "rejected":
            try:
                self._park(each.pk, each.sk, result.reason)
            except QueueError as error:
                log.warning("parking failed", reason=error.code)
                return False
        return result.outcome != "failed"

    def _park(self, pk: str, sk: str, reason: str) -> None:
        self._dead_letters.park(pk, sk, reason)
        log.warning("parked", id=sk, reason=reason)


def _is_late(context: Any, milliseconds: int) -> bool:
    """Whether less time than that is left."""
    return bool(context.get_remaining_time_in_millis() < milliseconds)
