"""Fan-out: what the stream brings is published in order, whatever SNS, table or queue do."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ops.stage.resources import Stage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services import aws
from chalicelib.services.store import Store
from local import functions
from local.functions import Stream
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import after, answer, injected, no_connection, only, silence
from tests.support.queue import look
from tests.support.records import at, record, record_from


class Bench:
    """A stage's stream, pumped by hand, and what its subscriber hears."""

    def __init__(self, stage: Stage, journal: Journal) -> None:
        self.stage = stage
        self.journal = journal
        self.functions = functions.load(stage)
        self.stream = Stream(self.functions, stage)

    def store(self, *seconds: int, **more: Any) -> list[str]:
        records = [at(second, **more) for second in seconds]
        for each in records:
            self.stage.store.put(each)
        return [each.id for each in records]

    def pump(self, times: int = 1) -> None:
        for _ in range(times):
            for each in self.stream.pump():
                self.journal.stored(each)

    def heard(self, count: int) -> dict[str, int]:
        """How often each was notified, once so many notifications have come."""
        assert self.journal.wait_until(lambda: self.journal.notified.total() >= count, 60)
        return dict(self.journal.notified)

    def parked(self) -> list[dict[str, Any]]:
        return [json.loads(each["Body"]) for each in look(self.stage.dead_letter_queue_url)]


@pytest.fixture
def bench(stage: Stage) -> Iterator[Bench]:
    journal = Journal()
    with listening(stage, journal.heard):
        yield Bench(stage, journal)


def sns(fault: Any) -> AbstractContextManager[None]:
    return injected(aws.sns(), "PublishBatch", fault)


def test_each_new_record_is_published_once(bench: Bench) -> None:
    ids = bench.store(*range(25))
    bench.pump(3)
    assert bench.heard(25) == dict.fromkeys(ids, 1)


def test_it_notes_each_day_once(bench: Bench) -> None:
    bench.store(1, 2)
    bench.stage.store.put(record_from(b'{"eventType":"x","timestamp":"2014-03-01T00:00:00Z"}'))
    bench.pump(3)
    assert list(bench.stage.store.days("prod")) == ["2016-04-24", "2014-03-01"]


@pytest.mark.parametrize("fault", [silence, no_connection, answer("InternalError", 500)])
def test_while_sns_is_away_nothing_is_skipped(bench: Bench, fault: Any) -> None:
    ids = bench.store(1, 2, 3)
    with sns(fault):
        bench.pump(2)
        assert bench.heard(0) == {}
    bench.pump(2)
    assert bench.heard(3) == dict.fromkeys(ids, 1)


@pytest.mark.parametrize("code", ["Throttled", "ThrottlingException", "AuthorizationError"])
def test_a_refusal_that_will_pass_parks_nothing(bench: Bench, code: str) -> None:
    ids = bench.store(1, 2)
    with sns(answer(code)):
        bench.pump(2)
    assert bench.parked() == []
    bench.pump()
    assert bench.heard(2) == dict.fromkeys(ids, 1)


def test_a_passing_refusal_is_overcome_at_once(bench: Bench) -> None:
    ids = bench.store(1, 2)
    with sns(only(answer("InternalError", 500), 1)):
        bench.pump()
    assert bench.heard(2) == dict.fromkeys(ids, 1)


def refuse_entry(bench: Bench, id_: str, code: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Answer as SNS does when it refuses one entry: the others are in ``Successful``."""
    real = aws.sns().publish_batch

    def publish_batch(**request: Any) -> Any:
        entries = request["PublishBatchRequestEntries"]
        bad = [each for each in entries if id_ in each["Message"]]
        good = [each for each in entries if each not in bad]
        told: Any = {"Successful": [], "Failed": []}
        if good:
            told = real(**{**request, "PublishBatchRequestEntries": good})
        failed = [
            {"Id": each["Id"], "Code": code, "SenderFault": code == "InvalidParameter"}
            for each in bad
        ]
        return {**told, "Failed": failed}

    monkeypatch.setattr(aws.sns(), "publish_batch", publish_batch)


def test_a_poisonous_entry_is_parked_with_its_key_and_why_and_the_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = bench.store(1, 2, 3)
    refuse_entry(bench, ids[1], "InvalidParameter", monkeypatch)
    bench.pump(2)
    assert bench.heard(2) == {ids[0]: 1, ids[2]: 1}
    assert bench.parked() == [
        {"kind": "parked", "pk": "prod|app:/shop", "sk": ids[1], "reason": "InvalidParameter"}
    ]


def test_an_entry_that_stays_refused_stops_the_rest_and_comes_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = bench.store(*range(15))
    with monkeypatch.context() as patched:
        refuse_entry(bench, ids[2], "InternalError", patched)
        bench.pump(1)
    heard = bench.heard(9)
    assert ids[2] not in heard
    assert set(ids[10:]).isdisjoint(heard)
    bench.pump(2)
    assert set(bench.heard(22)) == set(ids)
    assert bench.journal.notified[ids[0]] == 1  # before the checkpoint: not again
    assert bench.parked() == []


def test_the_log_has_the_reason_of_the_entry_that_was_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ids = bench.store(1, 2, 3)
    refuse_entry(bench, ids[1], "InternalError", monkeypatch)
    bench.pump()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    (line,) = [each for each in lines if each.get("message") == "SNS refuses"]
    assert (line["id"], line["reason"], line["records"]) == (ids[1], "InternalError", 1)


def test_the_log_has_awss_code_and_never_its_message(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.store(1)
    with injected(aws.dynamodb(), "PutItem", answer("AccessDeniedException")):
        bench.pump()
    shown = capfd.readouterr().out
    assert '"reason":"AccessDeniedException"' in shown
    assert "injected" not in shown


def test_a_note_lives_as_long_as_what_it_notes(bench: Bench) -> None:
    short, long = Store(bench.stage.table, 1), Store(bench.stage.table, 30)
    notes = []
    for store, second in ((long, 1), (short, 2), (long, 3)):
        store.put(at(second))
        bench.functions = functions.load(bench.stage)  # another container
        bench.stream.use(bench.functions)
        bench.pump()
        (day,) = bench.stage.table.query("pk = :pk", pk="#days|prod")
        notes.append(day["expires_at"])
    month = time.time() + 30 * 86_400
    assert all(month < note < month + 3 * 86_400 for note in notes)  # never shortened


def test_a_note_of_what_is_kept_for_ever_never_expires(bench: Bench) -> None:
    bench.stage.store.put(at(1))
    bench.pump()
    bench.stage.store.note_day("prod", "2016-04-24", expires_at=1)
    (day,) = bench.stage.table.query("pk = :pk", pk="#days|prod")
    assert "expires_at" not in day


def test_a_call_refused_for_one_bad_entry_is_made_one_by_one(bench: Bench) -> None:
    ids = bench.store(1, 2, 3)

    def refuse(request: Any, **kwargs: Any) -> Any:
        bad = ids[1] in str(request.body)
        return answer("InvalidParameter")(request, **kwargs) if bad else None

    with sns(refuse):
        bench.pump(2)
    assert bench.heard(2) == {ids[0]: 1, ids[2]: 1}
    assert [each["sk"] for each in bench.parked()] == [ids[1]]


def test_when_parking_fails_the_record_comes_again(bench: Bench) -> None:
    ids = bench.store(1)
    with sns(answer("InvalidParameter")), injected(aws.sqs(), "SendMessage", no_connection):
        bench.pump()
    bench.pump()
    assert bench.heard(1) == {ids[0]: 1}


def test_a_crash_between_batches_doubles_nothing_before_the_checkpoint(bench: Bench) -> None:
    ids = bench.store(*range(25))
    with sns(after(silence, 1)):
        bench.pump()
    assert bench.heard(10) == dict.fromkeys(ids[:10], 1)
    bench.pump(2)
    assert bench.heard(25) == dict.fromkeys(ids, 1)


def test_a_part_of_the_body_that_is_gone_is_parked_and_the_others_go_on(bench: Bench) -> None:
    big = record_from(os.urandom(800_000))
    bench.stage.store.put(big)
    ids = bench.store(1)
    bench.stage.table.delete(next(items.part_keys(items.plain(items.to_items(big, None)[1]))))
    bench.pump(2)
    assert bench.heard(1) == {ids[0]: 1}
    assert [(each["sk"], each["reason"]) for each in bench.parked()] == [
        (big.id, "unreadable: LookupError")
    ]


def test_when_the_table_can_not_be_read_it_waits(bench: Bench) -> None:
    big = record_from(os.urandom(800_000))
    ids = bench.store(1)
    bench.stage.store.put(big)
    with injected(aws.dynamodb(), "GetItem", no_connection):
        bench.pump()
    assert bench.heard(1) == {ids[0]: 1}
    bench.pump()
    assert bench.heard(2) == {ids[0]: 1, big.id: 1}


def test_out_of_time_it_stops_and_says_where(bench: Bench) -> None:
    bench.store(1)
    records = bench.stream.fetch()
    reply = bench.functions.fanout({"Records": records}, functions.Context(milliseconds=1000))
    number = records[0]["dynamodb"]["SequenceNumber"]
    assert reply == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert bench.heard(0) == {}


class _Clock:
    """A context of Lambda in which each look at the clock takes some seconds."""

    aws_request_id = "test"

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._left = 60

    def get_remaining_time_in_millis(self) -> int:
        self._left -= self._seconds
        return self._left * 1000


def test_fanout_out_of_time_keeps_what_it_published(bench: Bench) -> None:
    ids = bench.store(*range(30))
    records = bench.stream.fetch()
    reply = bench.functions.fanout({"Records": records}, _Clock(2))
    (failure,) = reply["batchItemFailures"]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    done = numbers.index(failure["itemIdentifier"])
    assert 0 < done < 30
    assert bench.heard(done) == dict.fromkeys(ids[:done], 1)


def deployment(*apps: str) -> Record:
    steps = [{"actions": [{"action": "ScaleApplication", "app": app} for app in apps]}]
    body = {"eventType": "deployment_info", "plan": {"id": "d", "steps": steps}}
    return record_from(json.dumps({**body, "currentStep": steps[0]}).encode())


def test_paths_that_become_equal_are_one(bench: Bench) -> None:
    hostile = deployment("/a\ud800", "/a\ud801")
    bench.stage.store.put(hostile)
    ids = bench.store(1)
    bench.pump(2)
    assert bench.heard(2) == {hostile.id: 1, ids[0]: 1}
    assert hostile.summary()["apps"] == ["/a\ufffd"]
    assert bench.parked() == []


_HOSTILE = st.text(
    st.sampled_from(
        ["/", "a", "\ud800", "\udfff", "\0", "|", "#", "é", "\uffff", "\U0001f600", '"']
    )
) | st.sampled_from(
    ["/" + "é" * 300, "/" + "é" * 301, "../..", "marathon", "#open", " ", "x" * 2000]
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_HOSTILE, min_size=3, max_size=5))
def test_no_name_blocks_what_comes_after(bench: Bench, names: list[str]) -> None:
    hostile = [deployment(*names), *(record(appId=each, x=n) for n, each in enumerate(names))]
    hostile += [record(eventType=each, timestamp=each) for each in names]
    for each in hostile:
        bench.stage.store.put(each)
    last = record(appId="/last", names=names)
    bench.stage.store.put(last)
    bench.pump(2 + len(hostile) // 20)
    bench.journal.wait_until(lambda: last.id in bench.journal.notified, 10)
    assert last.id in bench.journal.notified
    assert bench.parked() == []


def test_a_stored_record_with_a_path_twice_is_notified(bench: Bench) -> None:
    old = replace(deployment("/a"), pointers=("/a", "/a"))
    bench.stage.store.put(old)
    bench.pump(2)
    assert bench.heard(1) == {old.id: 1}


def test_a_record_whose_notes_the_table_refuses_for_ever_is_parked(bench: Bench) -> None:
    refused = deployment("/a")
    bench.stage.store.put(refused)
    ids = bench.store(1)
    with injected(aws.dynamodb(), "BatchWriteItem", answer("ValidationException")):
        bench.pump(2)
    assert bench.heard(1) == {ids[0]: 1}
    assert [(each["sk"], each["reason"]) for each in bench.parked()] == [
        (refused.id, "unreadable: ValidationException")
    ]


def test_removals_changes_and_other_items_notify_nobody(bench: Bench) -> None:
    (id_,) = bench.store(1)
    key = items.record_key("prod", "app:/shop", id_)
    bench.stage.table.update(key, "SET title = :t", "attribute_exists(pk)", {":t": {"S": "x"}})
    bench.stage.table.delete(key)
    bench.stage.store.put_part("prod", id_, "0", b"x")
    bench.stage.store.note_day("prod", "2016-04-24")
    bench.pump(3)
    assert bench.heard(1) == {id_: 1}


def test_a_ttl_deletion_notifies_nobody(bench: Bench) -> None:
    _, item = items.to_items(at(1), None)
    removal = {
        "eventID": "1",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {"Keys": {"pk": item["pk"], "sk": item["sk"]}, "SequenceNumber": "1"},
        "eventSourceARN": bench.stage.stream_arn,
    }
    context = functions.Context()
    assert bench.functions.fanout({"Records": [removal]}, context) == {"batchItemFailures": []}
    assert bench.heard(0) == {}


def test_a_record_that_expired_meanwhile_notifies_nobody(bench: Bench) -> None:
    _, item = items.to_items(at(1), 1)
    bench.stage.table.put(item)
    bench.pump()
    assert bench.heard(0) == {}
