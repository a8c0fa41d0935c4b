"""Alerts: note what the table's stream brings of incidents, for ``watch`` to judge.

Lambda's mapping hands over new warnings and errors, and what was killed: only the lives of an app
say whether that was asked for. They may come twice, late, or in any order.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib import log
from chalicelib.marathon.severity import BAD, KILLED
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.incidents import Incidents
from chalicelib.services.table import TableError

StreamRecord = Mapping[str, Any]


class Alerts:
    """Notes the incidents of one stage."""

    def __init__(self, incidents: Incidents) -> None:
        self._incidents = incidents

    def run(self, records: list[StreamRecord]) -> dict[str, list[dict[str, str]]]:
        """Note a batch of stream records from Lambda. The answer has the form that Lambda wants:
        the sequence number to resume at, or none.
        """
        opened = 0
        stopped_at = ""
        for number, bad in _by_subject(records):
            try:
                opened += self._incidents.note(bad)
            except TableError as error:
                if error.permanent:  # a retry would fail in the same way
                    log.warning("unreadable", id=bad[0].id, reason=error.code)
                    continue
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
    """The record that may be part of an incident, without its body; None for all else."""
    if each["eventName"] != "INSERT":
        return None
    values = items.plain(each["dynamodb"]["NewImage"])
    if values.get("kind") != "record":
        return None
    if values.get("severity") not in BAD and values.get("status") not in KILLED:
        return None
    try:
        record = items.to_record({**values, "body": b""}, [])
        _ = record.heard  # its times can be read
    except Exception as error:  # fan-out parks it; a retry would fail in the same way
        log.warning("unreadable", id=values.get("sk"), reason=type(error).__name__)
        return None
    return record
