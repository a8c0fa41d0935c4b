"""Publishing by hand: sends stored records again, at a limited rate."""

from collections.abc import Iterable, Iterator

from ops.cli import Failure
from ops.repairing.rate_limit import rate_limited
from ops.stage.config import variables
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.records.notification import BATCH_ENTRIES, Mark, notification
from chalicelib.records.record import Record
from chalicelib.services import aws
from chalicelib.services.topic import Topic
from chalicelib.settings import masking

_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)


def publish(
    stage: Stage, records: Iterable[Record], rate: float, *, replay: bool
) -> Iterator[tuple[Record, str]]:
    """Publish records in their order, at most ``rate`` a second. Each one comes once SNS took it,
    or with the reason why it will never take it. Raises Failure at the first that it did not take
    for another reason.
    """
    topic = Topic(aws.sns(), stage.topic_arn)
    mark: Mark | None = "replay" if replay else None
    run = times.compact(times.now())
    masked = masking(variables(stage.name))
    # At most one second's records at once, so that an interruption is reported to the second.
    for some in rate_limited(records, max(1, min(BATCH_ENTRIES, int(rate))), rate):
        ready = [notification(record, masked, mark=mark, run=run) for record in some]
        for batch in topic.batches(list(zip(some, ready, strict=True)), lambda pair: pair[1]):
            results = topic.publish([each for _, each in batch], _PAUSES_SECONDS)
            for (record, _), result in zip(batch, results, strict=True):
                if result.outcome == "failed":
                    # Those after it may have been sent; they are sent twice then.
                    raise Failure(f"SNS did not take {record.id}: {result.reason}.")
                yield record, result.reason
