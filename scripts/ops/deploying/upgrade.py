"""What a table of an older version needs once: before 1.0.0 its warnings and errors in the index
``trouble``; before 2.0.0 what was open where it is looked for now.
"""

import contextlib
from typing import Any

from ops.cli import say
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.marathon.severity import BAD
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records import items
from chalicelib.records.incident import Incident
from chalicelib.records.record import Record
from chalicelib.services.table import ConditionFailed

# What an upgrade has seen to: the index, and what is open.
_INDEXED, _SCHEMA = 2, 3

_KEY = {"pk": {"S": "#stage"}, "sk": {"S": "schema"}}


def upgrade(stage: Stage) -> None:
    """Bring a stage's table up to the present schema. Does nothing the next time; if it is
    interrupted, the next deploy does it.
    """
    kept = stage.table.get(_KEY)
    before = kept["schema"] if kept else 0
    if before >= _SCHEMA:
        return
    clusters = [each.name for each in stage.clusters.all()]
    if before < _INDEXED:
        _index_all(stage, clusters)
    _carry_over_incidents(stage)
    for cluster in clusters:
        _carry_over_deployments(stage, cluster)
    stage.table.put(_KEY | {"kind": {"S": "stage"}, "schema": {"N": str(_SCHEMA)}})


def _carry_over_incidents(stage: Stage) -> None:
    """What was open in 1.0.0 is open: nobody hears twice of what they know, and nothing is lost."""
    for values in stage.table.query("pk = :pk", pk="#trouble"):
        if not values.get("ended"):
            stage.incidents.open(_incident(values))


def _incident(values: dict[str, Any]) -> Incident:
    cluster, _, subject = values["sk"].partition("|")
    silent = subject == "silence"
    notified = times.from_iso(values["told_at"]) if values.get("told_at") else None
    return Incident(
        cluster,
        MARATHON if silent else subject,
        times.from_iso(values["since"]),
        times.from_iso(values.get("heard", values["last"])),
        values["severity"],
        values["title"],
        state="opened" if notified else None,
        opened_at=times.from_iso(values["opened"]) if notified else None,
        notified=(notified,) if notified else (),
        bad_at=notified,
        openings=1 if notified else 0,
        due=times.now() if notified else None,
        no_events=silent,
    )


def _carry_over_deployments(stage: Stage, cluster: str) -> None:
    """What was running in 1.0.0 counts from now on: it may stand still."""
    for values in stage.table.query("pk = :pk", pk=f"#running|{cluster}"):
        stage.table.put(
            items.open_deployment_key(cluster, values["sk"])
            | {
                "kind": {"S": "deployment"},
                "last": {"S": times.iso(times.now())},
                "expires_at": {"N": str(values["expires_at"])},
            }
        )


def _index_all(stage: Stage, clusters: list[str]) -> None:
    if clusters:
        say("Indexing what went wrong before this version (once) …")
    found = sum(_index_cluster(stage, name) for name in clusters)
    if found:
        say(f"Indexed {found:,} warnings and errors.", "dim")


def _index_cluster(stage: Stage, cluster: str) -> int:
    store = stage.store
    bad = (
        record
        for day in store.days(cluster)
        for record in store.feed(cluster, day)
        if record.severity in BAD
    )
    return sum(_index(stage, record) for record in bad)


def _index(stage: Stage, record: Record) -> bool:
    """Put a record into the index. Returns whether it was not there."""
    key = items.trouble_key(record.cluster, items.month_of(record.id))
    with contextlib.suppress(ConditionFailed):  # it is there, or has expired meanwhile
        stage.table.update(
            items.record_key(record.cluster, record.subject, record.id),
            "SET trouble = :trouble",
            "attribute_exists(pk) AND attribute_not_exists(trouble)",
            {":trouble": {"S": key}},
        )
        return True
    return False
