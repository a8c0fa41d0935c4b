"""Publishing by hand: sends stored records again, at a limited rate."""

from collections.abc import Callable, Iterable

from ops.cli import Failure
from ops.repairing.rate_limit import paced
from ops.stage.config import variables
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.records.notification import BATCH_ENTRIES, Mark, Notification, notification
from chalicelib.records.record import Record
from chalicelib.services import aws
from chalicelib.services.topic import Topic
from chalicelib.settings import masking

_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)

Sent = Callable[[Record], None]


def publish(
    stage: Stage, records: Iterable[Record], rate: float, sent: Sent, *, replay: bool
) -> None:
    """Publish records in their order, at most ``rate`` a second; ``sent`` is called for each one
    that SNS took. Raises Failure at the first that it does not take.
    """
    topic = Topic(aws.sns(), stage.topic_arn)
    mark: Mark | None = "replay" if replay else None
    run = times.compact(times.now())
    masked = masking(variables(stage.name))
    # At most one second's records at once, so that an interruption is reported to the second.
    for some in paced(records, max(1, min(BATCH_ENTRIES, int(rate))), rate):
        ready = [notification(record, masked, mark=mark, run=run) for record in some]
        _publish(topic, list(zip(some, ready, strict=True)), sent)


def _publish(topic: Topic, pairs: list[tuple[Record, Notification]], sent: Sent) -> None:
    for batch in topic.batches(pairs, lambda pair: pair[1]):
        results = topic.publish([ready for _, ready in batch], _PAUSES_SECONDS)
        for (record, _), result in zip(batch, results, strict=True):
            if result.outcome == "sent":
                sent(record)
        for (record, _), result in zip(batch, results, strict=True):
            if result.outcome == "rejected":
                raise Failure(f"SNS will never take {record.id}: {result.reason}.")
            if result.outcome == "failed":
                raise Failure(f"SNS did not take {record.id}: {result.reason}.")
