"""Publishing by hand: what is in the table already is sent again, at a limited rate."""

import time
from collections.abc import Callable, Iterable, Iterator

from ops.cli import Failure
from ops.stage import Stage, variables

from chalicelib.records.notification import BATCH_ENTRIES, Notification, notification
from chalicelib.records.record import Record
from chalicelib.services import aws
from chalicelib.services.topic import Notifier, batches
from chalicelib.settings import notify_env

_TRIES = 6

Sent = Callable[[Record], None]


def publish(
    stage: Stage, records: Iterable[Record], rate: float, sent: Sent, *, replay: bool
) -> None:
    """Publish records in their order, at most ``rate`` a second; ``sent`` hears of each that SNS
    took. Raises Failure at the first that it does not take.
    """
    notifier = Notifier(aws.sns(), stage.topic_arn)
    environment = notify_env(variables(stage))
    # Not more at once than a second's worth, so that an interruption is told to the second.
    for some in _groups(records, max(1, min(BATCH_ENTRIES, int(rate)))):
        started = time.monotonic()
        ready = [notification(record, environment, replay=replay) for record in some]
        _publish(notifier, list(zip(some, ready, strict=True)), sent)
        time.sleep(max(0.0, len(some) / rate - (time.monotonic() - started)))


def _publish(notifier: Notifier, pairs: list[tuple[Record, Notification]], sent: Sent) -> None:
    for left in batches(pairs, lambda pair: pair[1]):
        for attempt in range(_TRIES):
            results = notifier.publish([ready for _, ready in left])
            for (record, _), result in zip(left, results, strict=True):
                if result.outcome == "poison":
                    raise Failure(f"SNS will never take {record.id}: {result.reason}.")
                if result.outcome == "sent":
                    sent(record)
            refused = [
                pair
                for pair, result in zip(left, results, strict=True)
                if result.outcome == "refused"
            ]
            if not refused:
                break
            if attempt == _TRIES - 1:
                raise Failure(f"SNS refuses {refused[0][0].id}: {results[-1].reason}.")
            left = refused
            time.sleep(0.1 * 2**attempt)


def _groups(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    group: list[Record] = []
    for record in records:
        group.append(record)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group
