"""scripts/events.py where it does more than look: replay, parked, restore; and what it refuses."""

import io
import json
import os
from collections.abc import Iterator
from typing import Any

from ops import cli
from ops.cli import Failure
from ops.stage.clients import client
from ops.stage.resources import Stage

import events
import pytest

from chalicelib import times
from chalicelib.records.spilled import LOG_CHUNK_BYTES, Spilled, to_messages
from chalicelib.services import aws, tokens
from chalicelib.services.clusters import Cluster
from chalicelib.services.queues import DeadLetters
from local import cloud, functions
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import after, answer, injected, only
from tests.support.queue import look
from tests.support.records import RECEIVED, at, record, record_from
from tests.support.relay import eventually
from tests.support.web import answering


@pytest.fixture
def messages(stage: Stage) -> Iterator[list[dict[str, Any]]]:
    """What the topic's subscriber hears, in order."""
    heard: list[dict[str, Any]] = []
    journal = Journal()

    def hear(message: dict[str, Any]) -> None:
        heard.append(message)
        journal.heard(message)

    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    with listening(stage, hear):
        yield heard


def test_a_web_page_instead_of_aws_is_reported_plainly(
    aws: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(200, b"<html>Log in & go on<p></html>") as url:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", url)
            cloud.forget_clients()
            with pytest.raises(SystemExit) as ended:
                cli.run(lambda: events.main(["list"]))
        cloud.forget_clients()
    assert ended.value.code == 1
    assert "not from AWS" in capsys.readouterr().err


def run(stage: Stage, *args: str) -> int:
    return events.main(["--stage", stage.name, *args])


def store(stage: Stage, *seconds: int, app: str = "/shop") -> list[str]:
    records = [at(second, app) for second in seconds]
    for each in records:
        stage.store.put(each)
        stage.store.note_day("prod", "2016-04-24")
    return [each.id for each in records]


def until(heard: list[dict[str, Any]], count: int) -> list[str]:
    """The ids heard, once there are so many."""
    eventually(lambda: len(heard) >= count, f"{count} notifications")
    return [each["id"] for each in heard]


def dead_letters(stage: Stage) -> DeadLetters:
    return DeadLetters(lambda: client("sqs"), stage.dead_letter_queue_url)


def test_a_replay_notifies_again_oldest_first_and_is_marked(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = store(stage, *range(15))
    store(stage, 3, app="/other")
    assert run(stage, "replay", "--app", "/shop", "--rate", "1000", "--yes") == 0
    assert until(messages, 15) == ids
    assert all(each["replay"] is True for each in messages)
    assert messages[0]["event"]["appId"] == "/shop"
    assert capsys.readouterr().out == "15 events were notified of again.\n"


def test_a_dry_run_only_counts(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    store(stage, 1, 2, 3)
    window = ["--since", "2016-04-24T09:00:02Z", "--until", "2016-04-24T09:00:03Z"]
    assert run(stage, "replay", "--dry-run", *window) == 0
    assert capsys.readouterr().out == "2 events would be notified of again.\n"
    assert messages == []


def test_a_replay_uses_the_filters(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    store(stage, 1, 2)
    store(stage, 3, app="/other")
    for filters, count in (
        (["--severity", "error"], 0),
        (["--severity", "notice"], 3),
        (["--type", "app_terminated_event"], 3),
        (["--type", "deployment_failed"], 0),
        (["--subject", "app:/shop"], 2),
        (["--since", "2016-04-25"], 0),
    ):
        assert run(stage, "replay", "--dry-run", *filters) == 0
        assert capsys.readouterr().out == f"{count} events would be notified of again.\n"


def test_an_interrupted_replay_says_how_to_go_on(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = store(stage, *range(15))

    def interrupt(request: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    with (
        injected(aws.sns(), "PublishBatch", after(interrupt, 1)),
        pytest.raises(Failure, match=f"Stopped after 10 events. Go on .* --after {ids[9]}"),
    ):
        run(stage, "replay", "--since", "2016-01-01", "--rate", "1000", "--yes")
    assert run(stage, "replay", "--rate", "1000", "--after", ids[9], "--yes") == 0
    assert until(messages, 15) == ids


def test_a_replay_retries_a_throttled_call(stage: Stage, messages: list[dict[str, Any]]) -> None:
    ids = store(stage, 1, 2)
    with injected(aws.sns(), "PublishBatch", only(answer("Throttled"), 1)):
        assert run(stage, "replay", "--app", "/shop", "--rate", "1000", "--yes") == 0
    assert until(messages, 2) == ids


def test_all_dead_letters_are_shown_and_stay_until_they_are_sent(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = store(stage, *range(12))  # more than a poll brings
    for id_ in ids:
        dead_letters(stage).park("prod|app:/shop", id_, "InvalidParameter")
    for _ in range(2):
        assert run(stage, "parked") == 0
        shown = [line.partition("  ")[2] for line in capsys.readouterr().out.splitlines()]
        assert sorted(shown) == [
            f"record {id_} of prod, app:/shop: InvalidParameter" for id_ in ids
        ]
    assert run(stage, "parked", "--json") == 0
    told = map(json.loads, capsys.readouterr().out.splitlines())
    assert sorted(each["sk"] for each in told) == ids
    assert run(stage, "parked", "--send") == 0
    assert sorted(until(messages, 12)) == ids


def test_a_parked_record_is_sent_again_and_deleted(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = store(stage, 1)
    dead_letters(stage).park("prod|app:/shop", id_, "InvalidParameter")
    assert run(stage, "parked", "--send") == 0
    assert until(messages, 1) == [id_]
    assert "replay" not in messages[0]
    assert run(stage, "parked") == 0
    assert "Nothing is parked" in capsys.readouterr().err


def test_a_dead_letter_that_cannot_be_sent_stays(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    dead_letters(stage).park("prod|app:/gone", at(1).id, "InvalidParameter")
    assert run(stage, "parked", "--send") == 1
    assert "is no longer in the table" in capsys.readouterr().err
    assert run(stage, "parked") == 0
    assert "app:/gone" in capsys.readouterr().out


def test_a_parked_spill_goes_back_to_its_queue(
    stage: Stage, messages: list[dict[str, Any]]
) -> None:
    spilled = Spilled(at(1).id, times.iso(RECEIVED), "", "prod", at(1).body)
    dead_letters(stage).park_spilled(next(to_messages(spilled)), "mended")
    assert run(stage, "parked", "--send") == 0
    assert functions.Spill(functions.load(stage), stage).pump() == 1
    assert stage.store.get("prod", at(1).id) is not None


def range_of_stream(stage: Stage, first: int, last: int) -> None:
    """Park what Lambda parks of the records of a range, counted from 0."""
    stream = functions.Stream(functions.load(stage), stage)
    numbers = [each["dynamodb"]["SequenceNumber"] for each in stream.fetch()]
    by_lambda = {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 4},
        "DDBStreamBatchInfo": {
            "shardId": stream.shard,
            "startSequenceNumber": numbers[first],
            "endSequenceNumber": numbers[last],
            "batchSize": 3,
            "streamArn": stage.stream_arn,
        },
    }
    client("sqs").send_message(
        QueueUrl=stage.dead_letter_queue_url, MessageBody=json.dumps(by_lambda)
    )


def test_a_range_of_the_stream_is_published_again(
    stage: Stage, messages: list[dict[str, Any]]
) -> None:
    ids = store(stage, *range(5))
    range_of_stream(stage, 1, 3)
    assert run(stage, "parked", "--send") == 0
    assert until(messages, 3) == ids[1:4]


def test_an_empty_page_of_the_stream_is_not_its_end(
    stage: Stage, messages: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = store(stage, *range(5))
    range_of_stream(stage, 1, 4)
    monkeypatch.setattr("ops.repairing.dead_letters._PAUSE_SECONDS", 0)
    streams = client("dynamodbstreams")
    real = streams.get_records
    pages: list[str] = []

    def get_records(ShardIterator: str) -> dict[str, Any]:
        pages.append(ShardIterator)
        if len(pages) % 2:  # as DynamoDB may answer at any time
            return {"Records": [], "NextShardIterator": ShardIterator}
        return dict(real(ShardIterator=ShardIterator))

    monkeypatch.setattr(streams, "get_records", get_records)
    assert run(stage, "parked", "--send") == 0
    assert until(messages, 4) == ids[1:5]
    assert len(pages) > 1


def test_a_throttled_stream_is_not_called_gone(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    store(stage, *range(5))
    range_of_stream(stage, 1, 3)
    throttled = answer("LimitExceededException")
    with injected(client("dynamodbstreams"), "GetRecords", throttled):
        assert run(stage, "parked", "--send") == 1
    told = capsys.readouterr().err
    assert "LimitExceededException" in told
    assert "no longer there" not in told
    trimmed = answer("TrimmedDataAccessException")
    with injected(client("dynamodbstreams"), "GetShardIterator", trimmed):
        assert run(stage, "parked", "--send") == 1
    assert "no longer there (a stream keeps 24 hours)" in capsys.readouterr().err
    assert run(stage, "parked") == 0
    assert "of the stream" in capsys.readouterr().out


def test_an_empty_short_poll_does_not_hide_dead_letters(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = store(stage, 1)
    dead_letters(stage).park("prod|app:/shop", id_, "InvalidParameter")
    asked: list[dict[str, Any]] = []
    queue = client("sqs")
    event = "before-parameter-build.sqs.ReceiveMessage"

    def note(params: dict[str, Any], **kwargs: Any) -> None:
        if params["QueueUrl"] == stage.dead_letter_queue_url:
            asked.append(params)

    queue.meta.events.register(event, note)
    try:
        assert run(stage, "parked") == 0
    finally:
        queue.meta.events.unregister(event, note)
    assert id_ in capsys.readouterr().out
    assert asked
    assert all(each["WaitTimeSeconds"] > 0 for each in asked)


def test_dead_letters_that_somebody_else_reads_are_counted(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (id_,) = store(stage, 1)
    dead_letters(stage).park("prod|app:/shop", id_, "InvalidParameter")
    assert len(look(stage.dead_letter_queue_url, VisibilityTimeout=120)) == 1
    assert run(stage, "parked", "--send") == 1
    told = capsys.readouterr().err
    assert "About 1 more are hidden" in told
    assert "Nothing is parked" not in told


def test_a_spill_that_sqs_moved_is_shown_as_its_event_and_sent(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    spilled = Spilled(at(1).id, times.iso(RECEIVED), "", "prod", at(1).body)
    (raw,) = to_messages(spilled)
    client("sqs").send_message(QueueUrl=stage.dead_letter_queue_url, MessageBody=raw)
    assert run(stage, "parked") == 0
    shown = capsys.readouterr().out
    assert f"the spilled event {at(1).id} of prod (App /shop was deleted)" in shown
    assert "the table did not take it for days" in shown
    with pytest.raises(Failure, match="Nothing was changed"):
        run(stage, "parked", "--drop", shown[:8])
    assert "Marathon was told that this event is stored" in capsys.readouterr().err
    assert run(stage, "parked", "--send") == 0
    assert functions.Spill(functions.load(stage), stage).pump() == 1
    assert stage.store.get("prod", at(1).id) is not None


def test_a_replay_leaves_out_what_sns_refuses_and_goes_on(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    ids = store(stage, *range(4))

    def refuse_second(model: Any, params: dict[str, Any], **kwargs: Any) -> None:
        for each in params["PublishBatchRequestEntries"]:
            if ids[1] in each["Message"]:
                each["MessageAttributes"]["x"] = {"DataType": "Nonsense", "StringValue": ""}

    event = "before-parameter-build.sns.PublishBatch"
    aws.sns().meta.events.register(event, refuse_second)
    try:
        assert run(stage, "replay", "--app", "/shop", "--rate", "1000", "--yes") == 1
    finally:
        aws.sns().meta.events.unregister(event, refuse_second)
    shown = capsys.readouterr()
    assert shown.out.endswith("3 events were notified of again.\n")
    assert f"Not notified of: {ids[1]}" in shown.err
    assert until(messages, 3) == [ids[0], ids[2], ids[3]]


def test_a_message_in_no_known_format_is_shown_and_stays(
    stage: Stage, messages: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    client("sqs").send_message(QueueUrl=stage.dead_letter_queue_url, MessageBody="what?")
    assert run(stage, "parked", "--send") == 1
    assert "no known format" in capsys.readouterr().out


def test_last_copies_in_the_log_are_restored(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known = stage.tokens.add(tokens.mint(), "publisher", "prod", "test")
    big = os.urandom(2 * LOG_CHUNK_BYTES)
    lines = ["START RequestId: 1"]
    for body, token in ((at(1).body, known.hash), (big, known.hash), (b"{}", "0" * 64)):
        spilled = Spilled(record_from(body).id, times.iso(times.now()), token, "", body)
        lines += [
            f"2026-01-01T00:00:00Z\t{json.dumps({'level': 'ERROR', 'last_copy': message})}"
            for message in to_messages(spilled, LOG_CHUNK_BYTES)
        ]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    assert run(stage, "restore") == 0
    out = capsys.readouterr().out.splitlines()[-1]
    assert "2 events restored" in out
    assert "1 that can't be stored, parked" in out
    assert stage.store.get("prod", at(1).id) is not None
    found = stage.store.get("prod", record_from(big).id)
    assert found is not None
    assert found.body == big


def test_restore_without_input_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("nothing here\n"))
    with pytest.raises(Failure, match="No line with a last_copy"):
        run(stage, "restore")


def test_events_of_all_clusters_are_listed_with_their_names(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Failure, match="No Marathon is registered"):
        run(stage, "list")
    for name in ("east", "west"):
        stage.clusters.claim(Cluster(name, "http://m", name))
    stage.store.put(record("east", appId="/a", timestamp="2016-04-24T09:00:01.000Z"))
    stage.store.put(record("west", appId="/a", timestamp="2016-04-24T09:00:02.000Z"))
    stage.store.put(record("east", appId="/a", timestamp="2016-04-24T09:00:03.000Z"))
    for name in ("east", "west"):
        stage.store.note_day(name, "2016-04-24")
    for filters in ([], ["--app", "/a"]):
        assert run(stage, "list", *filters) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[3] for line in lines] == ["east", "west", "east"]
    assert run(stage, "list", "--cluster", "west") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "west" not in line
    assert run(stage, "show", line.split()[-1], "--json") == 0
    assert json.loads(capsys.readouterr().out)["cluster"] == "west"
    with pytest.raises(Failure, match=r"No cluster of .* has an event 2016"):
        run(stage, "show", "20160424T090009000Z-0123456789abcdef")
    with pytest.raises(Failure, match=r"has no cluster 'north'\. Registered: east, west"):
        run(stage, "list", "--cluster", "north")


@pytest.mark.parametrize(
    "wrong",
    [
        ["list", "--since", "soon"],
        ["list", "--limit", "0"],
        ["list", "--severity", "bad"],
        ["show", "1"],
        ["replay", "--rate", "0"],
        ["nonsense"],
        [],
    ],
)
def test_a_wrong_argument_is_refused_with_the_usage(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        events.main(wrong)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_events_of_any_date_are_listed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    stream = functions.Stream(functions.load(stage), stage)
    for time in ("1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2016-04-24T09:00:00Z"):
        body = json.dumps({"eventType": "scheduler_disconnected_event", "timestamp": time})
        stage.store.put(record_from(body.encode()))
    stage.store.put(record_from(b"no time"))
    stream.pump()
    capsys.readouterr()
    assert run(stage, "list", "--json") == 0
    listed = [json.loads(line)["timestamp"][:4] for line in capsys.readouterr().out.splitlines()]
    assert listed == ["9999", "2026", "2016", "1970"]


def test_tail_shows_new_events_and_late_ones(stage: Stage) -> None:
    from ops.looking.tail import as_they_come

    from chalicelib.history import Wanted

    coming = as_they_come(stage.store, Wanted(("prod",)))
    stage.store.note_day("prod", "2016-04-24")
    body = json.dumps({"eventType": "app_terminated_event", "appId": "/shop"}).encode()
    from chalicelib.marathon.reading import read
    from chalicelib.records.record import identify, record_of

    now = times.now()
    late = read(at(1).body)
    stage.store.put(record_of(at(1).id, "prod", now, late, at(1).body))
    live = record_of(identify(body, now), "prod", now, read(body), body)
    stage.store.put(live)
    assert [next(coming).id, next(coming).id] == [at(1).id, live.id]
