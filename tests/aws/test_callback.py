"""The API over real HTTP: what each request is answered, and what becomes of its event."""

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from chalicelib import VERSION, ingest
from chalicelib.services import aws, tokens
from local.system import System
from tests.support.faults import injected, no_connection, silence
from tests.support.project import EVENTS
from tests.support.publisher import Publisher
from tests.support.web import request

FAILED = (EVENTS / "status_update_event-1.11.0-failed.json").read_bytes()


def test_an_event_is_stored_and_answered(publisher: Publisher) -> None:
    status, reply = publisher.post(FAILED)
    assert (status, reply["stored"]) == (200, "new")
    record = publisher.stored(reply["id"])
    assert record.body == FAILED
    assert record.severity == "error"
    assert record.subject == "app:/shop/cart"
    assert reply["id"].startswith("20190321T070809011Z-")


def test_sent_again_it_is_a_duplicate_and_notified_once(heard: Publisher) -> None:
    assert heard.post(FAILED)[1]["stored"] == "new"
    status, reply = heard.post(FAILED)
    assert (status, reply["stored"]) == (200, "duplicate")
    other = (EVENTS / "app_terminated_event-0.7.4.json").read_bytes()
    last = heard.post(other)[1]["id"]
    assert heard.system.journal.wait_for(2, 60)
    assert heard.system.journal.notified == {reply["id"]: 1, last: 1}


def test_any_content_type_or_none_will_do(publisher: Publisher) -> None:
    for n, headers in enumerate(
        (
            {"Content-Type": "application/json; charset=UTF-8"},
            {"Content-Type": "text/plain; charset=UTF-8"},
            {"Content-Type": "nonsense"},
            {"Content-Type": ""},
            {"Accept": "application/json", "User-Agent": "spray-can/1.3.2"},
        )
    ):
        body = FAILED.replace(b"137", b"%d" % n)
        status, reply = publisher.post(body, headers)
        assert (status, reply["stored"]) == (200, "new"), headers


def test_nonsense_is_stored_and_notified_too(heard: Publisher) -> None:
    ids = []
    for body, cause in (
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
    ):
        status, reply = heard.post(body)
        assert (status, reply["stored"]) == (200, "new"), body[:50]
        record = heard.stored(reply["id"])
        assert (record.cause, record.timestamp_from) == (cause, "receipt")
        assert record.body == body
        ids.append(reply["id"])
    assert heard.system.journal.wait_for(len(ids), 60)
    assert heard.system.journal.notified == dict.fromkeys(ids, 1)


def test_a_body_of_5_mb_is_stored_whole(publisher: Publisher) -> None:
    for filling in ("a" * 5_000_000, os.urandom(2_500_000).hex()):
        body = json.dumps({"eventType": "deployment_info", "filling": filling}).encode()
        status, reply = publisher.post(body)
        assert (status, reply["stored"]) == (200, "new")
        assert publisher.stored(reply["id"]).body == body


def test_more_than_lambda_takes_is_refused_as_too_large(publisher: Publisher) -> None:
    status, reply = publisher.post(b" " * 6_291_457)
    assert (status, reply["error"]["code"]) == (413, "too_large")
    assert "6,291,456 bytes" in reply["error"]["message"]


def test_without_a_right_token_nobody_gets_in(publisher: Publisher) -> None:
    for wrong in (
        "?token=" + "A" * 43,
        "?token=" + "A" * 42,
        "?token=" + "A" * 86,
        "?token=",
        "?token=%00",
        "?token=" + "%C3%A9" * 43,
        "",
        "?other=1",
    ):
        status, reply = request(publisher.system.api, "POST", "/callback" + wrong, FAILED)
        assert (status, reply["error"]["code"]) == (403, "refused"), wrong
        assert "register" in reply["error"]["message"]


def test_a_readers_or_a_revoked_token_does_not_write(publisher: Publisher) -> None:
    reader, revoked = publisher.grant("reader"), publisher.grant("publisher")
    publisher.system.stage.tokens.revoke(tokens.hash_of(revoked))
    for token in (reader, revoked, revoked[:-1], revoked + revoked):
        assert publisher.post(FAILED, token=token)[0] == 403


def test_a_token_writes_for_its_own_cluster_alone(publisher: Publisher) -> None:
    other = Publisher(publisher.system)
    id_ = other.post(FAILED)[1]["id"]
    assert other.stored(id_)
    assert publisher.system.stage.store.get(publisher.cluster, id_) is None


def test_other_methods_are_not_allowed(publisher: Publisher) -> None:
    path = f"/callback?token={publisher.token}"
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        status, _ = request(publisher.system.api, method, path, FAILED)
        assert status in (403, 405), method


def test_health_needs_no_token(api: System) -> None:
    assert request(api.api, "GET", "/health") == (200, {"status": "ok", "version": VERSION})


def test_neither_token_nor_callback_secret_is_kept(publisher: Publisher) -> None:
    body = json.dumps(
        {
            "clientIp": "192.0.2.1",
            "callbackUrl": f"https://u:pw@h.example/callback?token={publisher.token}",
            "eventType": "subscribe_event",
            "timestamp": "2016-04-24T09:00:00.000Z",
            "note": publisher.token,
        }
    ).encode()
    record = publisher.stored(publisher.post(body)[1]["id"])
    assert publisher.token.encode() not in record.body
    assert json.loads(record.body)["callbackUrl"] == "https://***@h.example/callback?***"
    assert json.loads(record.body)["note"] == "***"


def test_80_at_once_many_the_same_are_stored_once_each(heard: Publisher) -> None:
    bodies = [
        json.dumps({"eventType": "app_terminated_event", "appId": f"/a{n % 30}"})[:-1].encode()
        + b',"timestamp":"2016-04-24T09:00:00.000Z"}'
        for n in range(80)
    ]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda body: heard.post(body), bodies))
    # This machine's table may be slow enough for some to go through the spill.
    assert {status for status, _ in replies} <= {200, 202}
    assert sum(reply["stored"] == "new" for _, reply in replies) <= 30
    ids = {reply["id"] for _, reply in replies}
    assert len(ids) == 30
    assert heard.system.journal.wait_for(30, 60)
    assert heard.system.journal.notified == dict.fromkeys(ids, 1)
    assert {each.id for each in heard.system.stage.store.feed(heard.cluster, "2016-04-24")} == ids


def test_an_event_that_the_table_does_not_take_is_spilled_and_restored(heard: Publisher) -> None:
    with injected(aws.dynamodb(urgent=True), "PutItem", no_connection):
        status, reply = heard.post(FAILED)
    assert (status, reply["stored"]) == (202, "spilled")
    assert heard.system.journal.wait_for(1, 60)
    assert heard.system.journal.notified == {reply["id"]: 1}
    assert heard.stored(reply["id"]).body == FAILED


def test_while_the_table_can_not_tell_tokens_are_checked_later(heard: Publisher) -> None:
    other = FAILED.replace(b"137", b"138")
    with injected(aws.dynamodb(urgent=True), "GetItem", silence):
        assert heard.post(other, token=tokens.mint())[0] == 202
        status, reply = heard.post(FAILED)
    assert (status, reply["stored"]) == (202, "spilled")
    assert heard.system.journal.wait_for(1, 60)
    assert list(heard.system.journal.records) == [reply["id"]]


def test_with_table_and_queue_gone_the_log_has_the_last_copy(
    served: System,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publisher = Publisher(served)
    monkeypatch.setattr(ingest, "REQUEST_SECONDS", 1.0)
    with (
        injected(aws.dynamodb(urgent=True), "PutItem", no_connection),
        injected(aws.sqs(urgent=True), "SendMessage", no_connection),
    ):
        status, reply = publisher.post(FAILED)
    assert (status, reply["error"]["code"]) == (503, "lost")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    copies = [json.loads(line["last_copy"]) for line in lines if "last_copy" in line]
    assert [(copy["token"], copy["part"], copy["parts"]) for copy in copies] == [
        (tokens.hash_of(publisher.token), 0, 1)
    ]


def test_a_table_that_hangs_costs_little_of_marathons_ten_seconds(served: System) -> None:
    publisher = Publisher(served)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        endpoint = f"http://127.0.0.1:{hole.getsockname()[1]}"
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
        try:
            aws.dynamodb.cache_clear()
            served.functions.ingest.cache_clear()
            started = time.monotonic()
            status, reply = publisher.post(FAILED)
            took = time.monotonic() - started
            assert connections(hole)
            assert publisher.post(FAILED)[0] == 202
            assert not connections(hole)  # the circuit is open: the table is not even tried
        finally:
            del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
            aws.dynamodb.cache_clear()
    assert (status, reply["stored"]) == (202, "spilled")
    assert took < 8  # of Marathon's ten


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
    publisher: Publisher, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = FAILED.replace(b"Container exited", b"hunter2")
    id_ = publisher.post(secret)[1]["id"]
    out = capfd.readouterr().out
    line = next(json.loads(each) for each in out.splitlines() if id_ in each)
    assert (line["outcome"], line["cluster"]) == ("new", publisher.cluster)
    assert line["Stored"] == 1
    assert [m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == [
        "Stored",
        "Latency",
    ]
    assert publisher.token not in out
    assert "hunter2" not in out


def test_the_log_names_fields_of_another_shape_without_their_values(
    publisher: Publisher, capfd: pytest.CaptureFixture[str]
) -> None:
    many = {f"appId{n}": 1 for n in range(100)}
    event = {"eventType": "status_update_event", "taskId": ["hunter2"], "ports": "hunter2", **many}
    assert publisher.post(json.dumps(event).encode())[0] == 200
    out = capfd.readouterr().out
    lines = [json.loads(line) for line in out.splitlines() if "unexpected shape" in line]
    assert [set(line["fields"]) for line in lines] == [{"taskId", "ports", "taskStatus"}]
    assert "hunter2" not in out


def test_parallel_requests_are_not_mixed_up(publisher: Publisher) -> None:
    barrier = threading.Barrier(8)

    def one(n: int) -> bool:
        body = json.dumps({"eventType": "x", "n": n}).encode()
        barrier.wait()
        return publisher.stored(publisher.post(body)[1]["id"]).body == body

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(8)))
