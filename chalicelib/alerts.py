"""Alerts: note the troubles that the table's stream brings, for ``watch`` to tell of.

Lambda's mapping hands over new warnings and errors alone. They may come twice, late, or in any
order: a trouble only ever takes the earlier begin and the later end.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib import log, times
from chalicelib.marathon.severity import TROUBLE
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.table import TableError
from chalicelib.services.troubles import Troubles

StreamRecord = Mapping[str, Any]


class Alerts:
    """Notes the troubles of one stage. ``now``: the clock that it goes by."""

    def __init__(self, troubles: Troubles, now: Callable[[], datetime] = times.now) -> None:
        self._troubles = troubles
        self.now = now

    def run(self, records: list[StreamRecord]) -> dict[str, list[dict[str, str]]]:
        """Note a batch of stream records from Lambda. The answer has the form that Lambda wants:
        the sequence number to resume at, or none.
        """
        opened = 0
        stopped_at = ""
        now = times.iso(self.now())
        for number, record in _that_count(records):
            try:
                opened += self._troubles.note(record, now)
            except TableError as error:
                log.warning("alerts stopped: the table is unavailable", reason=error.code)
                stopped_at = number
                break
        if opened:
            log.metrics({"Opened": opened})
        return {"batchItemFailures": [{"itemIdentifier": stopped_at}] if stopped_at else []}


def _that_count(records: list[StreamRecord]) -> list[tuple[str, Record]]:
    """The records that move a trouble: of each subject the first, the last and the worst. Each with
    the sequence number from which on the batch must come again if it can't be noted, in order.
    """
    by_subject: dict[tuple[str, str], list[tuple[str, Record]]] = {}
    for each in records:
        if record := _record(each):
            bad = by_subject.setdefault((record.cluster, record.subject), [])
            bad.append((each["dynamodb"]["SequenceNumber"], record))
    return [
        (bad[0][0], record)
        for bad in by_subject.values()
        for record in _extremes([record for _, record in bad])
    ]


def _extremes(records: list[Record]) -> list[Record]:
    records = sorted(records, key=lambda each: each.id)
    worst = next((each for each in records if each.severity == "error"), records[0])
    return list(dict.fromkeys((records[0], worst, records[-1])))


def _record(each: StreamRecord) -> Record | None:
    """The warning or error that a stream record brings, without its body; None for all else."""
    if each["eventName"] != "INSERT":
        return None
    values = items.plain(each["dynamodb"]["NewImage"])
    if values.get("kind") != "record" or values.get("severity") not in TROUBLE:
        return None
    try:
        return items.to_record({**values, "body": b""}, [])
    except Exception as error:  # fan-out parks it; a retry would fail in the same way
        log.warning("unreadable", id=values.get("sk"), reason=type(error).__name__)
        return None
