"""Many events in one POST: each kept as a callback keeps it, and answered in order."""

import json
import os
from typing import Any

from ops.stage.resources import Stage

import pytest

from chalicelib import ingest
from chalicelib.services import aws as clients
from chalicelib.services import tokens
from local.system import System
from tests.support.faults import injected, no_connection
from tests.support.project import EVENTS
from tests.support.proxy import Proxy, dripping
from tests.support.web import request

BODIES = [path.read_bytes().replace(b"\n", b"") for path in sorted(EVENTS.glob("*.json"))]
HEADERS = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def token(running: System) -> str:
    made = tokens.mint()
    running.stage.tokens.add(made, "publisher", "prod", "test")
    return made


def post(system: System, token: str, body: bytes) -> tuple[int, dict[str, Any]]:
    headers = HEADERS | {"Authorization": f"Bearer {token}"}
    return request(system.api, "POST", "/events", body, headers)


def lines(*bodies: bytes) -> bytes:
    return b"".join(body + b"\n" for body in bodies)


def test_each_line_is_stored_as_a_callback_stores_it(running: System, token: str) -> None:
    status, reply = post(running, token, lines(*BODIES))
    assert status == 200
    assert [each["stored"] for each in reply["events"]] == ["new"] * len(BODIES)
    for body, told in zip(BODIES, reply["events"], strict=True):
        path = f"/callback?token={token}"
        by_callback = request(running.api, "POST", path, body, HEADERS)[1]
        if "status_update_event-0" not in told["id"] and by_callback["id"] == told["id"]:
            assert by_callback["stored"] == "duplicate"
        record = running.stage.store.get("prod", told["id"])
        assert record is not None
        assert record.cluster == "prod"
    ids = {each["id"] for each in reply["events"]}
    assert running.journal.wait_for_notified(ids, 30)


def test_one_bad_line_costs_no_other(running: System, token: str) -> None:
    bad = [b"not json", b"", b"[]", b"\xff\x00", b'{"eventType": 7}', b"[" * 5000]
    status, reply = post(running, token, lines(*(each for one in bad for each in (one, BODIES[0]))))
    assert status == 200
    outcomes = [each["stored"] for each in reply["events"]]
    assert outcomes[::2] == ["new"] * len(bad)
    assert sorted(outcomes[1::2]) == ["duplicate"] * (len(bad) - 1) + ["new"]
    for body, told in zip(bad, reply["events"][::2], strict=True):
        record = running.stage.store.get("prod", told["id"])
        assert record is not None
        assert record.body == body
        assert record.cause


@pytest.mark.parametrize(
    ("body", "count"),
    [(b"", 0), (b"\n", 1), (b'{"a":1}', 1), (b'{"a":1}\r\n{"b":1}\r\n', 2), (b"{}\n" * 500, 500)],
)
def test_lines_are_counted_as_their_sender_does(
    running: System, token: str, body: bytes, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 500 puts may take moto a while.
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 60.0)
    monkeypatch.setattr(ingest, "RECORDS_SECONDS", 30.0)
    status, reply = post(running, token, body)
    assert (status, len(reply["events"])) == (200, count)


def test_a_line_that_ends_in_cr_lf_is_the_same_event(running: System, token: str) -> None:
    first = post(running, token, lines(BODIES[3]))[1]["events"]
    again = post(running, token, BODIES[3] + b"\r\n")[1]["events"]
    assert again == [{"id": first[0]["id"], "stored": "duplicate"}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}\n" * 501, 400, "too_many_lines"),
        (b" " * (5 * 1024 * 1024 + 1), 413, "too_many_bytes"),
    ],
)
def test_too_much_is_refused(
    running: System, token: str, body: bytes, status: int, code: str
) -> None:
    answered, reply = post(running, token, body)
    assert (answered, reply["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic b3BzOmh1bnRlcjI="}, 401),
        ({"Authorization": "Bearer nonsense"}, 403),
        ({"Authorization": "Bearer " + "A" * 43}, 403),
    ],
)
def test_without_a_publishers_token_nobody_gets_in(
    running: System, headers: dict[str, str], status: int
) -> None:
    answered, reply = request(running.api, "POST", "/events", b"{}\n", HEADERS | headers)
    assert answered == status
    assert "token" in reply["error"]["message"]


def test_a_readers_token_does_not_write(running: System) -> None:
    reader = tokens.mint()
    running.stage.tokens.add(reader, "reader", "prod", "test")
    assert post(running, reader, b"{}\n")[0] == 403


def test_a_token_in_the_query_is_not_taken(running: System, token: str) -> None:
    assert request(running.api, "POST", f"/events?token={token}", b"{}\n", HEADERS)[0] == 401


def test_what_the_table_does_not_take_is_spilled_line_by_line(running: System, token: str) -> None:
    post(running, token, b"{}\n")  # the token is known
    with injected(clients.dynamodb(urgent=True), "PutItem", no_connection):
        status, reply = post(running, token, lines(*BODIES[:20]))
    assert (status, {each["stored"] for each in reply["events"]}) == (200, {"spilled"})
    assert running.journal.wait_for_notified([each["id"] for each in reply["events"]], 30)


def test_the_request_s_own_token_is_kept_nowhere(running: System, token: str) -> None:
    body = json.dumps({"eventType": "x", "note": token}).encode()
    (told,) = post(running, token, lines(body))[1]["events"]
    record = running.stage.store.get("prod", told["id"])
    assert record is not None
    assert json.loads(record.body)["note"] == "***"


@pytest.fixture
def behind(between: Proxy, stage: Stage, request: pytest.FixtureRequest) -> System:
    """A system whose functions call AWS through the proxy."""
    system: System = request.getfixturevalue("running")
    return system


def test_if_any_line_can_not_be_kept_the_sender_sends_all_again(
    behind: System, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 2.0)
    token = tokens.mint()
    behind.stage.tokens.add(token, "publisher", "prod", "test")
    sent = lines(*BODIES[:5], os.urandom(8).hex().encode())
    monkeypatch.setitem(between.faults, "PutItem", dripping)
    monkeypatch.setitem(between.faults, "SendMessage", dripping)
    status, reply = post(behind, token, sent)
    assert (status, reply["error"]["code"]) == (503, "not_kept")
    monkeypatch.delitem(between.faults, "PutItem")
    monkeypatch.delitem(between.faults, "SendMessage")
    behind.functions.ingest().guard.close()
    status, reply = post(behind, token, sent)
    assert status == 200
    assert len(reply["events"]) == 6
