"""Many events in one POST: each kept as a callback keeps it, and answered in order."""

import json
import os

from ops.stage.resources import Stage

import pytest

from chalicelib import ingest, times
from chalicelib.services import aws as clients
from chalicelib.web import answers
from local.system import System
from marathon_relay.sender import MOST_LINES
from tests.support.faults import injected, no_connection
from tests.support.project import EVENTS
from tests.support.proxy import Proxy, dripping
from tests.support.publisher import Publisher
from tests.support.web import request

BODIES = [path.read_bytes().replace(b"\n", b"") for path in sorted(EVENTS.glob("*.json"))]


def lines(*bodies: bytes) -> bytes:
    return b"".join(body + b"\n" for body in bodies)


def test_each_line_is_stored_as_a_callback_stores_it(heard: Publisher) -> None:
    bodies = BODIES[::6]
    status, reply = heard.post_lines(lines(*bodies))
    assert status == 200
    assert [each["stored"] for each in reply["events"]] == ["new"] * len(bodies)
    for body, told in zip(bodies, reply["events"], strict=True):
        by_callback = heard.post(body)[1]
        if times.usable_timestamp(json.loads(body).get("timestamp")):
            assert by_callback == {"id": told["id"], "stored": "duplicate"}
        assert heard.stored(told["id"]).cluster == heard.cluster
    ids = {each["id"] for each in reply["events"]}
    assert heard.system.journal.wait_for_notified(ids, 60)


def test_one_bad_line_costs_no_other(publisher: Publisher) -> None:
    bad = [b"not json", b"", b"[]", b"\xff\x00", b'{"eventType": 7}', b"[" * 5000]
    sent = lines(*(each for one in bad for each in (one, BODIES[0])))
    status, reply = publisher.post_lines(sent)
    assert status == 200
    outcomes = [each["stored"] for each in reply["events"]]
    assert outcomes[::2] == ["new"] * len(bad)
    assert sorted(outcomes[1::2]) == ["duplicate"] * (len(bad) - 1) + ["new"]
    for body, told in zip(bad, reply["events"][::2], strict=True):
        record = publisher.stored(told["id"])
        assert record.body == body
        assert record.cause


def test_lines_are_counted_as_their_sender_does(publisher: Publisher) -> None:
    for body, count in (
        (b"", 0),
        (b"\n", 1),
        (b'{"a":1}', 1),
        (b'{"a":1}\r\n{"b":1}\r\n', 2),
    ):
        status, reply = publisher.post_lines(body)
        assert (status, len(reply["events"])) == (200, count), body


def test_a_line_that_ends_in_cr_lf_is_the_same_event(publisher: Publisher) -> None:
    first = publisher.post_lines(lines(BODIES[3]))[1]["events"]
    again = publisher.post_lines(BODIES[3] + b"\r\n")[1]["events"]
    assert again == [{"id": first[0]["id"], "stored": "duplicate"}]


def test_too_much_is_refused(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answers.MAX_LINES == MOST_LINES
    monkeypatch.setattr(answers, "MAX_LINES", 20)
    assert publisher.post_lines(b"{}\n" * 20)[0] == 200
    for body, status, code in (
        (b"{}\n" * 21, 400, "too_many_lines"),
        (b" " * (5 * 1024 * 1024 + 1), 413, "too_many_bytes"),
    ):
        answered, reply = publisher.post_lines(body)
        assert (answered, reply["error"]["code"]) == (status, code)


def test_without_a_publishers_token_nobody_gets_in(publisher: Publisher) -> None:
    path = f"/events?token={publisher.token}"  # in an address it would be in logs
    reader = publisher.grant("reader")
    for headers, status in (
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic b3BzOmh1bnRlcjI="}, 401),
        ({"Authorization": "Bearer nonsense"}, 403),
        ({"Authorization": "Bearer " + "A" * 43}, 403),
        ({"Authorization": f"Bearer {reader}"}, 403),
    ):
        answered, reply = request(publisher.system.api, "POST", path, b"{}\n", headers)
        assert answered == status, headers
        assert "token" in reply["error"]["message"]


def test_lines_that_the_table_does_not_take_are_spilled(heard: Publisher) -> None:
    heard.post_lines(b"{}\n")  # the token is known
    with injected(clients.dynamodb(urgent=True), "PutItem", no_connection):
        status, reply = heard.post_lines(lines(*BODIES[:20]))
    assert (status, {each["stored"] for each in reply["events"]}) == (200, {"spilled"})
    assert heard.system.journal.wait_for_notified([each["id"] for each in reply["events"]], 60)


@pytest.fixture
def behind(between: Proxy, stage: Stage, request: pytest.FixtureRequest) -> System:
    """A system whose functions call AWS through the proxy."""
    system: System = request.getfixturevalue("running")
    return system


def test_if_any_line_can_not_be_kept_the_sender_sends_all_again(
    behind: System, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(behind)
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 2.0)
    sent = lines(*BODIES[:5], os.urandom(8).hex().encode())
    monkeypatch.setitem(between.faults, "PutItem", dripping)
    monkeypatch.setitem(between.faults, "SendMessage", dripping)
    status, reply = publisher.post_lines(sent)
    assert (status, reply["error"]["code"]) == (503, "not_kept")
    monkeypatch.delitem(between.faults, "PutItem")
    monkeypatch.delitem(between.faults, "SendMessage")
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 60.0)
    behind.functions.ingest().guard.close()
    status, reply = publisher.post_lines(sent)
    assert status == 200
    assert len(reply["events"]) == 6
