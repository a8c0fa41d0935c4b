"""Alerts: note the incidents that the table's stream brings, for ``watch`` to tell of.

Lambda's mapping hands over new warnings and errors alone. They may come twice, late, or in any
order: an incident only ever takes the earlier begin and the later end.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib import log, times
from chalicelib.marathon.severity import BAD
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.incidents import Incidents
from chalicelib.services.table import TableError

StreamRecord = Mapping[str, Any]


class Alerts:
    """Notes the incidents of one stage. ``now``: the clock that it goes by."""

    def __init__(self, incidents: Incidents, now: Callable[[], datetime] = times.now) -> None:
        self._incidents = incidents
        self.now = now

    def run(self, records: list[StreamRecord]) -> dict[str, list[dict[str, str]]]:
        """Note a batch of stream records from Lambda. The answer has the form that Lambda wants:
        the sequence number to resume at, or none.
        """
        opened = 0
        stopped_at = ""
        now = times.iso(self.now())
        for number, bad in _by_subject(records):
            try:
                opened += self._incidents.note(bad, now)
            except TableError as error:
                log.warning("alerts stopped: the table is unavailable", reason=error.code)
                stopped_at = number
                break
        if opened:
            log.metrics({"Opened": opened})
        return {"batchItemFailures": [{"itemIdentifier": stopped_at}] if stopped_at else []}


def _by_subject(records: list[StreamRecord]) -> list[tuple[str, list[Record]]]:
    """The records of each subject together, in the order in which their first ones came. Each time
    with the first one's sequence number, from which the batch must come again if they can't be
    noted.
    """
    found: dict[tuple[str, str], tuple[str, list[Record]]] = {}
    for each in records:
        if record := _record(each):
            number = each["dynamodb"]["SequenceNumber"]
            _, bad = found.setdefault((record.cluster, record.subject), (number, []))
            bad.append(record)
    return list(found.values())


def _record(each: StreamRecord) -> Record | None:
    """The warning or error that a stream record brings, without its body; None for all else."""
    if each["eventName"] != "INSERT":
        return None
    values = items.plain(each["dynamodb"]["NewImage"])
    if values.get("kind") != "record" or values.get("severity") not in BAD:
        return None
    try:
        return items.to_record({**values, "body": b""}, [])
    except Exception as error:  # fan-out parks it; a retry would fail in the same way
        log.warning("unreadable", id=values.get("sk"), reason=type(error).__name__)
        return None
