"""The API over real HTTP: what each request is answered, and what becomes of its event."""

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ops.stage.resources import Stage

import pytest

from chalicelib import VERSION, ingest
from chalicelib.records.record import Record
from chalicelib.services import aws, tokens
from local.system import System
from tests.support.faults import answer, injected, no_connection, silence
from tests.support.project import EVENTS
from tests.support.web import request

FAILED = (EVENTS / "status_update_event-1.11.0-failed.json").read_bytes()
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def token(stage: Stage) -> str:
    made = tokens.mint()
    stage.tokens.add(made, "publisher", "prod", "test")
    return made


def post(
    system: System, token: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    return request(system.api, "POST", f"/callback?token={token}", body, headers or JSON)


def stored(system: System, id_: str) -> Record:
    record = system.stage.store.get("prod", id_)
    assert record is not None
    return record


def test_an_event_is_stored_and_answered(served: System, token: str) -> None:
    status, reply = post(served, token, FAILED)
    assert (status, reply["stored"]) == (200, "new")
    record = stored(served, reply["id"])
    assert record.body == FAILED
    assert record.severity == "error"
    assert record.subject == "app:/shop/cart"
    assert reply["id"].startswith("20190321T070809011Z-")


def test_sent_again_it_is_a_duplicate_and_notified_once(running: System, token: str) -> None:
    assert post(running, token, FAILED)[1]["stored"] == "new"
    status, reply = post(running, token, FAILED)
    assert (status, reply["stored"]) == (200, "duplicate")
    other = (EVENTS / "app_terminated_event-0.7.4.json").read_bytes()
    last = post(running, token, other)[1]["id"]
    assert running.journal.wait_for(2, 10)
    assert running.journal.notified == {reply["id"]: 1, last: 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json; charset=UTF-8"},
        {"Content-Type": "text/plain; charset=UTF-8"},
        {"Content-Type": "nonsense"},
        {"Content-Type": ""},
        {"Accept": "application/json", "User-Agent": "spray-can/1.3.2"},
    ],
)
def test_any_content_type_or_none_will_do(
    served: System, token: str, headers: dict[str, str]
) -> None:
    status, reply = request(served.api, "POST", f"/callback?token={token}", FAILED, headers)
    assert (status, reply["stored"]) == (200, "new")


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"", "not_json"),
        (b"not json", "not_json"),
        (b'{"eventType": "caf\xe9"}', "not_json"),
        ('{"eventType": "x"}'.encode("utf-16"), "not_json"),
        (b"[" * 50_000, "not_json"),
        (b"42", "not_an_object"),
        (b'{"no": "type"}', "no_type"),
        (b'{"eventType": "never_heard_of"}', "unknown_type"),
        (b'{"eventType": "status_update_event", "taskId": 7}', "unexpected_shape"),
        (b'{"eventType": "__proto__", "appId": "pk|#sk\\ud800\\n"}', "unknown_type"),
        (b'{"eventType": "e", "appId": "' + b"i" * 5000 + b'"}', "unknown_type"),
        (b'{"eventType": "e", "n": ' + b"1" * 1_000_000 + b', "m": 1e999}', "unknown_type"),
    ],
)
def test_what_makes_no_sense_is_stored_and_notified_all_the_same(
    running: System, token: str, body: bytes, cause: str
) -> None:
    status, reply = post(running, token, body)
    assert (status, reply["stored"]) == (200, "new")
    record = stored(running, reply["id"])
    assert (record.cause, record.timestamp_from) == (cause, "receipt")
    assert record.body == body
    assert running.journal.wait_for(1, 10)
    assert running.journal.notified == {reply["id"]: 1}


@pytest.mark.parametrize("compressible", [True, False])
def test_a_body_of_5_mb_is_stored_whole(served: System, token: str, compressible: bool) -> None:
    filling = "a" * 5_000_000 if compressible else os.urandom(2_500_000).hex()
    body = json.dumps({"eventType": "deployment_info", "filling": filling}).encode()
    status, reply = post(served, token, body)
    assert (status, reply["stored"]) == (200, "new")
    assert stored(served, reply["id"]).body == body


def test_more_than_lambda_takes_is_refused_as_too_large(served: System, token: str) -> None:
    status, reply = post(served, token, b" " * 6_291_457)
    assert (status, reply["error"]["code"]) == (413, "too_large")
    assert "6,291,456 bytes" in reply["error"]["message"]


@pytest.mark.parametrize(
    "wrong",
    [
        "?token=" + "A" * 43,
        "?token=" + "A" * 42,
        "?token=" + "A" * 86,
        "?token=",
        "?token=%00",
        "?token=" + "é" * 43,
        "",
        "?other=1",
    ],
)
def test_without_a_right_token_nobody_gets_in(served: System, wrong: str) -> None:
    path = "/callback" + wrong.replace("é", "%C3%A9")
    status, reply = request(served.api, "POST", path, FAILED)
    assert (status, reply["error"]["code"]) == (403, "refused")
    assert "register" in reply["error"]["message"]


def test_a_readers_or_a_revoked_token_does_not_write(served: System) -> None:
    reader, revoked = tokens.mint(), tokens.mint()
    served.stage.tokens.add(reader, "reader", "prod", "test")
    served.stage.tokens.add(revoked, "publisher", "prod", "test")
    served.stage.tokens.revoke(tokens.hash_of(revoked))
    for token in (reader, revoked, revoked[:-1], revoked + revoked):
        assert post(served, token, FAILED)[0] == 403


def test_a_token_writes_for_its_own_cluster_alone(served: System, token: str) -> None:
    other = tokens.mint()
    served.stage.tokens.add(other, "publisher", "other", "test")
    id_ = post(served, other, FAILED)[1]["id"]
    assert served.stage.store.get("prod", id_) is None
    assert served.stage.store.get("other", id_) is not None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(served: System, token: str, method: str) -> None:
    status, _ = request(served.api, method, f"/callback?token={token}", FAILED)
    assert status in (403, 405)


def test_health_needs_no_token(served: System) -> None:
    assert request(served.api, "GET", "/health") == (200, {"status": "ok", "version": VERSION})


def test_neither_token_nor_callback_secret_is_kept(served: System, token: str) -> None:
    body = json.dumps(
        {
            "clientIp": "192.0.2.1",
            "callbackUrl": f"https://u:pw@h.example/callback?token={token}",
            "eventType": "subscribe_event",
            "timestamp": "2016-04-24T09:00:00.000Z",
            "note": token,
        }
    ).encode()
    record = stored(served, post(served, token, body)[1]["id"])
    assert token.encode() not in record.body
    assert json.loads(record.body)["callbackUrl"] == "https://***@h.example/callback?***"
    assert json.loads(record.body)["note"] == "***"


def test_200_at_once_many_the_same_are_stored_once_each(running: System, token: str) -> None:
    bodies = [
        json.dumps({"eventType": "app_terminated_event", "appId": f"/a{n % 80}"})[:-1].encode()
        + b',"timestamp":"2016-04-24T09:00:00.000Z"}'
        for n in range(200)
    ]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda body: post(running, token, body), bodies))
    # This machine's table may be slow enough for some to go through the spill.
    assert {status for status, _ in replies} <= {200, 202}
    assert sum(reply["stored"] == "new" for _, reply in replies) <= 80
    ids = {reply["id"] for _, reply in replies}
    assert len(ids) == 80
    assert running.journal.wait_for(80, 60)
    assert running.journal.notified == dict.fromkeys(ids, 1)
    assert {each.id for each in running.stage.store.feed("prod", "2016-04-24")} == ids


@pytest.mark.parametrize(
    "fault",
    [
        silence,
        no_connection,
        answer("ProvisionedThroughputExceededException"),
        answer("ThrottlingException"),
        answer("ResourceNotFoundException"),
        answer("InternalServerError", 500),
    ],
)
def test_an_event_that_the_table_does_not_take_is_spilled_and_restored(
    running: System, token: str, fault: Any
) -> None:
    with injected(aws.dynamodb(urgent=True), "PutItem", fault):
        status, reply = post(running, token, FAILED)
    assert (status, reply["stored"]) == (202, "spilled")
    assert running.journal.wait_for(1, 10)
    assert running.journal.notified == {reply["id"]: 1}
    assert stored(running, reply["id"]).body == FAILED


def test_while_the_table_can_not_tell_tokens_are_checked_later(running: System, token: str) -> None:
    wrong = tokens.mint()
    other = FAILED.replace(b"137", b"138")
    with injected(aws.dynamodb(urgent=True), "GetItem", silence):
        assert post(running, wrong, other)[0] == 202
        status, reply = post(running, token, FAILED)
    assert (status, reply["stored"]) == (202, "spilled")
    assert running.journal.wait_for(1, 10)
    assert list(running.journal.records) == [reply["id"]]


def test_with_table_and_queue_gone_the_log_has_the_last_copy(
    served: System,
    token: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 1.0)
    with (
        injected(aws.dynamodb(urgent=True), "PutItem", no_connection),
        injected(aws.sqs(urgent=True), "SendMessage", no_connection),
    ):
        status, reply = post(served, token, FAILED)
    assert (status, reply["error"]["code"]) == (503, "lost")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    copies = [json.loads(line["last_copy"]) for line in lines if "last_copy" in line]
    assert [(copy["token"], copy["part"], copy["parts"]) for copy in copies] == [
        (tokens.hash_of(token), 0, 1)
    ]


def test_a_table_that_hangs_costs_little_of_marathons_ten_seconds(
    served: System, token: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        endpoint = f"http://127.0.0.1:{hole.getsockname()[1]}"
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        try:
            aws.dynamodb.cache_clear()
            served.functions.ingest.cache_clear()
            started = time.monotonic()
            status, reply = post(served, token, FAILED)
            took = time.monotonic() - started
            assert connections(hole)
            assert post(served, token, FAILED)[0] == 202
            assert not connections(hole)  # the circuit is open: the table is not even tried
        finally:
            del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
            aws.dynamodb.cache_clear()
    assert (status, reply["stored"]) == (202, "spilled")
    assert took < 5


def connections(server: socket.socket) -> int:
    """How many came since."""
    server.setblocking(False)
    count = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            count += 1
    return count


def test_the_log_has_one_line_a_request_and_no_secret(
    served: System, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = FAILED.replace(b"Container exited", b"hunter2")
    id_ = post(served, token, secret)[1]["id"]
    out = capfd.readouterr().out
    line = next(json.loads(each) for each in out.splitlines() if id_ in each)
    assert (line["outcome"], line["cluster"], line["Stored"]) == ("new", "prod", 1)
    assert [m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == [
        "Stored",
        "Latency",
    ]
    assert token not in out
    assert "hunter2" not in out


def test_what_did_not_fit_is_in_the_log_by_its_name_alone(
    served: System, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    many = {f"appId{n}": 1 for n in range(100)}
    event = {"eventType": "status_update_event", "taskId": ["hunter2"], "ports": "hunter2", **many}
    assert post(served, token, json.dumps(event).encode())[0] == 200
    out = capfd.readouterr().out
    lines = [json.loads(line) for line in out.splitlines() if "unexpected shape" in line]
    assert [set(line["fields"]) for line in lines] == [{"taskId", "ports", "taskStatus"}]
    assert "hunter2" not in out


def test_parallel_requests_are_not_mixed_up(served: System, token: str) -> None:
    barrier = threading.Barrier(8)

    def one(n: int) -> bool:
        body = json.dumps({"eventType": "x", "n": n}).encode()
        barrier.wait()
        return stored(served, post(served, token, body)[1]["id"]).body == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(8)))
