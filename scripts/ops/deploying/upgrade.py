"""What a table of an older version needs once: its warnings and errors in the index ``trouble``."""

import contextlib

from ops.cli import say
from ops.stage.resources import Stage

from chalicelib.marathon.severity import BAD
from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services.table import ConditionFailed

_KEY = {"pk": {"S": "#stage"}, "sk": {"S": "schema"}}


def upgrade(stage: Stage) -> None:
    """Bring a stage's table up to the present schema. Does nothing the next time; if it is
    interrupted, the next deploy does it.
    """
    kept = stage.table.get(_KEY)
    if kept and kept["schema"] >= items.SCHEMA:
        return
    clusters = [each.name for each in stage.clusters.all()]
    if clusters:
        say("Indexing what went wrong before this version (once) …")
    found = sum(_index_cluster(stage, name) for name in clusters)
    if found:
        say(f"Indexed {found:,} warnings and errors.", "dim")
    stage.table.put(_KEY | {"kind": {"S": "stage"}, "schema": {"N": str(items.SCHEMA)}})


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
