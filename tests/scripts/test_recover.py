"""The way back from a lost or a spoilt table: all is there again, and nobody is told twice."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

from ops.cli import Failure
from ops.repairing import recovery
from ops.stage import deployed, resources
from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest
import recover

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.records import items
from chalicelib.services import tokens
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import after, answer, injected
from tests.support.rights import granted, needed_here
from tests.support.world import World, event


@pytest.fixture
def world(stage: Stage, unhurried: None, alone: None) -> Iterator[World]:
    journal = Journal()
    with listening(stage, journal.heard):
        yield World(stage, journal)


def restored(stage: Stage) -> str:
    """A table of another name, as AWS makes it from a backup."""
    name = f"{stage.table_name}-restored"
    table = client("dynamodb")
    table.update_continuous_backups(
        TableName=stage.table_name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    table.restore_table_to_point_in_time(
        SourceTableName=stage.table_name, TargetTableName=name, UseLatestRestorableTime=True
    )
    return name


def lose(stage: Stage) -> None:
    """Somebody deletes the table."""
    table = client("dynamodb")
    table.update_table(TableName=stage.table_name, DeletionProtectionEnabled=False)
    table.delete_table(TableName=stage.table_name)


def run(stage: Stage, source: str, *args: str) -> int:
    return recover.main(["--stage", stage.name, "--from", source, "--rate", "9999", *args])


def stored(stage: Stage) -> dict[str, bytes]:
    """Every record of the stage, whole."""
    found = history.newest_first(stage.store, Wanted(("prod",)))
    whole = (stage.store.get("prod", each.id) for each in found)
    return {each.id: each.body for each in whole if each}


def contents(table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """What a table holds, apart from the kinds of records, and from when the notes of days expire:
    that depends on which record of its day comes first.
    """
    found = {}
    for item in client("dynamodb").scan(TableName=table)["Items"]:
        if item["kind"]["S"] == "day":
            item.pop("expires_at", None)
        if item["kind"]["S"] == items.RESTORED:
            item["kind"] = {"S": "record"}
        found[item["pk"]["S"], item["sk"]["S"]] = item
    return found


def test_a_lost_table_comes_back_and_nobody_is_told_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    large = event(40, blob="".join(chr(33 + n * n % 89) * (n % 7) for n in range(300_000)))
    sent = world.send(*(event(n) for n in range(12)), large)
    world.recover()
    assert world.journal.wait_for_notified(sent, 60)
    api = {"resource_type": "rest_api", "rest_api_url": "https://x/dev/", "rest_api_id": "x"}
    deployed.keep_copy(world.stage, {"resources": [api]})
    source = restored(world.stage)
    before = contents(world.stage.table_name)
    lose(world.stage)

    with pytest.raises(Failure, match="pass --yes"):
        run(world.stage, source)
    with needed_here() as rights:
        assert run(world.stage, source, "--yes") == 0
    # The test itself listens meanwhile.
    assert rights - {"sqs:ReceiveMessage", "sqs:DeleteMessage"} <= granted("`recover.py`")
    told = capsys.readouterr()
    assert f"make deploy STAGE={world.stage.name}" in told.err
    assert "valid again" in told.err
    assert contents(world.stage.table_name) == before

    stage = resources.find(world.stage.name)
    assert deployed.api_url(stage) == "https://x/dev"
    assert stored(stage) == sent
    again = World(stage, world.journal)
    again.token = world.token
    again.send(*sent.values(), expect="duplicate")
    new = again.send(event(50))
    again.recover()
    assert world.journal.wait_for_notified(new, 60)
    assert world.journal.notified == dict.fromkeys([*sent, *new], 1)


def test_deleted_items_come_back_and_newer_ones_stay(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = world.send()
    world.recover()
    assert world.journal.wait_for_notified(sent, 60)
    source = restored(world.stage)
    world.stage.tokens.revoke(world.stage.tokens.all()[0].hash)
    for (pk, sk), item in contents(world.stage.table_name).items():
        if item["kind"]["S"] in ("record", "day"):
            world.stage.table.delete({"pk": {"S": pk}, "sk": {"S": sk}})
    assert stored(world.stage) == {}

    assert run(world.stage, source) == 0
    assert stored(world.stage) == sent
    assert not world.stage.tokens.all()[0].valid
    capsys.readouterr()
    assert run(world.stage, source) == 0
    assert "copied" not in capsys.readouterr().out
    # One more goes through the same stream, behind those that came back.
    token = tokens.mint()
    world.stage.tokens.add(token, "publisher", "prod", "another")
    last = world.ingest.receive(token, event(60)).id
    world.recover()
    assert world.journal.wait_for_notified([last], 60)
    assert world.journal.notified == dict.fromkeys([*sent, last], 1)


def test_warnings_from_before_the_index_are_indexed(world: World) -> None:
    failed = event(1, eventType="status_update_event", taskStatus="TASK_FAILED", taskId="a1.x")
    (id_,) = world.send(failed)
    key = {"pk": {"S": "prod|app:/a1"}, "sk": {"S": id_}}
    world.stage.table.update(key, "REMOVE trouble", "severity = :bad", {":bad": {"S": "error"}})
    source = restored(world.stage)
    world.stage.table.delete(key)
    assert run(world.stage, source) == 0
    index = world.stage.table.query("trouble = :key", index="trouble", key="prod|2016-04")
    assert [each["sk"] for each in index] == [id_]


def test_records_that_were_changed_are_replaced_where_asked(world: World) -> None:
    (id_,) = world.send(event(1))
    source = restored(world.stage)
    key = {"pk": {"S": "prod|app:/a1"}, "sk": {"S": id_}}
    world.stage.table.update(key, "SET title = :t", "attribute_exists(pk)", {":t": {"S": "spoilt"}})
    run(world.stage, source)
    assert world.stage.table.get(key)["title"] == "spoilt"  # type: ignore[index]
    with pytest.raises(Failure, match="pass --yes"):
        run(world.stage, source, "--replace")
    run(world.stage, source, "--replace", "--yes")
    assert world.stage.table.get(key)["title"] != "spoilt"  # type: ignore[index]


def test_an_interrupted_recovery_says_how_to_go_on_and_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = world.send(*(event(n) for n in range(15)))
    source = restored(world.stage)
    lose(world.stage)
    table = client("dynamodb")
    monkeypatch.setattr(table, "scan", lambda scan=table.scan, **more: scan(Limit=5, **more))
    with (
        injected(table, "PutItem", after(answer("AccessDeniedException"), 12)),
        pytest.raises(Failure, match="AccessDenied") as failed,
    ):
        run(world.stage, source, "--yes")
    found = re.search(r"Go on with the same command and --after (\S+)\.$", str(failed.value))
    assert found
    assert run(world.stage, source, "--after", found[1]) == 0
    assert stored(resources.find(world.stage.name)) == sent
    with pytest.raises(Failure, match="not a position"):
        run(world.stage, source, "--after", "x")


def test_expired_items_other_times_and_open_incidents_are_left_out(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    table = world.stage.table
    sent = world.send(*(event(n) for n in range(3)))
    first, *others = sorted(sent)
    soon = {":soon": {"N": str(int(time.time()) - 5)}}
    key = {"pk": {"S": "prod|app:/a2"}, "sk": {"S": others[1]}}
    table.update(key, "SET expires_at = :soon", "attribute_exists(pk)", soon)
    incident = {"pk": {"S": "#trouble"}, "sk": {"S": "prod|app:/a1"}, "kind": {"S": "incident"}}
    table.put(incident)
    source = restored(world.stage)
    lose(world.stage)
    since = times.iso(times.from_compact(others[0]))

    assert run(world.stage, source, "--since", since, "--dry-run") == 0
    assert "1 record" in capsys.readouterr().out
    assert not recovery.exists(world.stage.table_name)
    assert run(world.stage, source, "--since", since, "--yes") == 0
    stage = resources.find(world.stage.name)
    assert set(stored(stage)) == {others[0]}
    assert stage.table.get({name: incident[name] for name in ("pk", "sk")}) is None
    assert first not in json.dumps(sorted(contents(stage.table_name)))


def test_an_invalid_source_table_is_rejected(world: World) -> None:
    with pytest.raises(Failure, match="There is no table elsewhere"):
        run(world.stage, "elsewhere")
    with pytest.raises(Failure, match="own table"):
        run(world.stage, world.stage.table_name)
