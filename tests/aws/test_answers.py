"""Only AWS's own complete answer is success, and within its budget of time a request is kept or its
last copy is in the log: whatever stands between us and AWS.
"""

import base64
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ops.stage.resources import Stage

import pytest

from chalicelib import ingest
from chalicelib.services import tokens
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import no_connection
from tests.support.proxy import (
    PAGE,
    Fault,
    Proxy,
    cut,
    dripping,
    failing,
    hanging_up,
    instead,
    slow,
)
from tests.support.world import World, event

LAMBDA_SECONDS = 10


@pytest.fixture
def world(between: Proxy, stage: Stage) -> Iterator[World]:
    journal = Journal()
    with listening(stage, journal.heard):
        yield World(stage, journal)


NO_ANSWERS = {
    "empty": instead(200, b""),
    "page": instead(200, PAGE),
    "other-json": instead(200, b'{"status": "ok"}'),
    "half": cut,
    "forbidden": instead(403, PAGE),
    "redirect": instead(302, b""),
}


@pytest.mark.usefixtures("patient")
def test_a_put_that_aws_did_not_answer_is_spilled_and_restored(
    world: World, between: Proxy
) -> None:
    world.send(event(99))
    for n, (name, fault) in enumerate(NO_ANSWERS.items()):
        with between.fault("PutItem", fault):
            sent = world.send(event(2 * n), event(2 * n + 1), expect="spilled")
        world.pump()
        assert all(world.stage.store.get("prod", id_) for id_ in sent), name
        assert world.journal.wait_for_notified(sent, 60), name


@pytest.mark.usefixtures("patient")
def test_a_connection_that_a_freeze_has_broken_is_made_again_at_once(
    world: World, between: Proxy
) -> None:
    with between.fault("GetItem", hanging_up(1)), between.fault("PutItem", hanging_up(1)):
        sent = world.send(event(1))
    with between.fault("PutItem", hanging_up(1, after_work=True)):
        sent |= world.send(event(2), expect="duplicate")  # the first try stored it
    with between.fault("PutItem", hanging_up(2)):
        sent |= world.send(event(3), expect="spilled")
    world.pump()
    assert all(world.stage.store.get("prod", id_) for id_ in sent)
    assert world.journal.wait_for_notified(sent, 60)


@pytest.mark.usefixtures("patient")
def test_a_token_that_aws_did_not_look_up_is_not_refused(world: World, between: Proxy) -> None:
    for n, (name, fault) in enumerate(NO_ANSWERS.items()):
        world.token = tokens.mint()  # or it would be remembered
        world.stage.tokens.add(world.token, "publisher", "prod", "test")
        with between.fault("GetItem", fault):
            sent = world.send(event(n), expect="spilled")
        world.pump()
        assert all(world.stage.store.get("prod", id_) for id_ in sent), name


@pytest.mark.usefixtures("patient")
def test_restore_takes_nothing_else_for_stored(world: World, between: Proxy) -> None:
    world.send(event(99))
    for n, (name, fault) in enumerate(NO_ANSWERS.items()):
        with world.broken_table(no_connection):
            sent = world.send(event(n), expect="spilled")
        with between.fault("PutItem", fault):
            assert world.spill.pump() == 0, name
        world.pump()
        assert all(world.stage.store.get("prod", id_) for id_ in sent), name


@pytest.mark.usefixtures("patient")
def test_no_notification_is_parked_for_what_sns_did_not_say(world: World, between: Proxy) -> None:
    for n, (name, fault) in enumerate(NO_ANSWERS.items()):
        sent = world.send(event(2 * n), event(2 * n + 1))
        with between.fault("PublishBatch", fault):
            world.stream.pump()
        assert world.dead_letters() == [], name
        world.stream.pump()
        assert world.journal.wait_for_notified(sent, 60), name


@pytest.mark.usefixtures("patient")
def test_a_message_that_the_queue_did_not_take_is_not_called_spilled(
    world: World, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 0.5)
    world.send(event(99))
    for n, fault in enumerate(NO_ANSWERS.values()):
        with between.fault("PutItem", instead(200, b"")), between.fault("SendMessage", fault):
            world.send(event(n), expect="lost")


def big(size: int = 2_000_000) -> bytes:
    """An event of 2.7 MB that hardly compresses."""
    return event(1, big=base64.b64encode(os.urandom(size)).decode())


CASES: dict[str, tuple[bytes, dict[str, Fault], set[str]]] = {
    "the table drips": (event(1), {"PutItem": dripping, "GetItem": dripping}, {"spilled"}),
    "each call takes a while": (
        big(),
        {"PutItem": slow(0.45), "SendMessage": slow(0.45)},
        {"spilled"},
    ),
    "queue of a second": (
        event(1),
        {"PutItem": instead(500, b""), "SendMessage": slow(1)},
        {"spilled"},
    ),
    "two of three sends fail": (
        event(1),
        {"PutItem": instead(500, b""), "SendMessage": failing(True, True, False)},
        {"spilled"},
    ),
    "both drip": (event(1), {"PutItem": dripping, "SendMessage": dripping}, {"lost"}),
}


@pytest.mark.parametrize(("body", "faults", "outcomes"), CASES.values(), ids=CASES)
def test_within_its_budget_a_request_is_kept_or_its_last_copy_is_in_the_log(
    world: World,
    between: Proxy,
    body: bytes,
    faults: dict[str, Fault],
    outcomes: set[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if outcomes == {"lost"}:
        monkeypatch.setattr(ingest, "REQUEST_SECONDS", 1.5)  # it is used up in any case
    with monkeypatch.context() as patient:
        patient.setattr(ingest, "TOKEN_SECONDS", 10.0)
        patient.setattr(ingest, "RECORD_SECONDS", 10.0)
        world.send(event(99))
    for operation, fault in faults.items():
        monkeypatch.setitem(between.faults, operation, fault)
    started = time.monotonic()
    receipt = world.ingest.receive(world.token, body)
    took = time.monotonic() - started
    for operation in faults:
        monkeypatch.delitem(between.faults, operation)
    assert receipt.outcome in outcomes
    assert took < LAMBDA_SECONDS  # or Lambda would have ended it
    if receipt.outcome == "lost":
        assert "last_copy" in capfd.readouterr().out
    else:
        world.pump()
        record = world.stage.store.get("prod", receipt.id)
        assert record is not None
        assert record.body == body


def test_many_at_once_on_a_busy_machine_are_all_kept(world: World) -> None:
    bodies = [event(n) for n in range(60)]
    with ThreadPoolExecutor(40) as pool:
        receipts = list(pool.map(lambda body: world.ingest.receive(world.token, body), bodies))
    assert {receipt.outcome for receipt in receipts} <= {"new", "spilled"}
    world.pump()
    assert all(world.stage.store.get("prod", receipt.id) for receipt in receipts)


@pytest.mark.usefixtures("patient")
def test_the_same_large_event_by_another_token_changes_nothing_that_is_stored(
    world: World,
) -> None:
    other = tokens.mint()
    world.stage.tokens.add(other, "publisher", "prod", "test")
    body = event(1, note=other, big=os.urandom(450_000).hex())
    first = world.ingest.receive(world.token, body)
    before = items_of(world)
    again = world.ingest.receive(other, body)
    assert (again.outcome, again.id) == ("duplicate", first.id)
    assert items_of(world) == before
    record = world.stage.store.get("prod", first.id)
    assert record is not None
    assert json.loads(record.body)["note"] == other  # as the first token's redaction left it


def items_of(world: World) -> list[dict[str, Any]]:
    found = world.scan()
    return sorted(found, key=lambda item: str(item["pk"]))
