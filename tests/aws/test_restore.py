"""Restore: what was spilled comes into the table, under the id and time of its first receipt."""

import json
import os
from datetime import timedelta
from types import ModuleType
from typing import Any

from ops.stage.resources import Stage

import pytest

from chalicelib import times
from chalicelib.records.items import part_key
from chalicelib.records.spilled import (
    CHUNK_BYTES,
    LOG_CHUNK_BYTES,
    Spilled,
    from_message,
    join,
    to_messages,
    with_cluster,
)
from chalicelib.services import aws, tokens
from local import functions
from tests.support.faults import answer, injected, no_connection
from tests.support.queue import look
from tests.support.records import RECEIVED, record_from

BODY = b'{"eventType":"app_terminated_event","appId":"/shop"}'


@pytest.fixture
def module(stage: Stage) -> ModuleType:
    return functions.load(stage)


def spilled(body: bytes = BODY, cluster: str = "prod", token: str = "") -> Spilled:
    return Spilled(record_from(body).id, times.iso(RECEIVED), token, cluster, body)


def restore(module: ModuleType, messages: list[str]) -> list[str]:
    """What of the messages must come again."""
    records = [
        {"messageId": str(n), "receiptHandle": "r", "body": message}
        for n, message in enumerate(messages)
    ]
    reply = module.restore({"Records": records}, functions.Context())
    return [each["itemIdentifier"] for each in reply["batchItemFailures"]]


def dead_letters(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(each["Body"]) for each in look(stage.dead_letter_queue_url)]


def test_it_is_the_record_that_it_would_have_been(module: ModuleType, stage: Stage) -> None:
    assert restore(module, list(to_messages(spilled()))) == []
    assert stage.store.get("prod", spilled().id) == record_from(BODY)


def test_twice_it_is_one_record(module: ModuleType, stage: Stage) -> None:
    restore(module, list(to_messages(spilled())) * 2)
    assert len(list(stage.store.timeline("prod", "app:/shop"))) == 1


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_a_large_body_is_gathered_from_its_parts_in_any_order(
    module: ModuleType, stage: Stage, order: list[int]
) -> None:
    body = os.urandom(2 * CHUNK_BYTES + 1000)
    messages = list(to_messages(spilled(body)))
    assert len(messages) == 3
    assert all(len(message) < 1_048_576 for message in messages)
    for n in order[:2]:
        assert restore(module, [messages[n]]) == []
    assert stage.store.get("prod", spilled(body).id) is None
    restore(module, [messages[order[2]]])
    found = stage.store.get("prod", spilled(body).id)
    assert found is not None
    assert found.body == body


def test_a_part_that_comes_twice_spoils_nothing(module: ModuleType, stage: Stage) -> None:
    body = os.urandom(CHUNK_BYTES + 1000)
    messages = list(to_messages(spilled(body)))
    restore(module, messages)
    restore(module, messages[:1])
    found = stage.store.get("prod", spilled(body).id)
    assert found is not None
    assert found.body == body


def test_while_the_table_is_away_it_comes_again(module: ModuleType, stage: Stage) -> None:
    messages = list(to_messages(spilled()))
    with injected(aws.dynamodb(), "PutItem", no_connection):
        assert restore(module, messages) == ["0"]
    assert restore(module, messages) == []
    assert stage.store.get("prod", spilled().id) is not None


def test_the_log_has_awss_code(
    module: ModuleType, stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    with injected(aws.dynamodb(), "PutItem", answer("ThrottlingException")):
        assert restore(module, list(to_messages(spilled()))) == ["0"]
    assert '"reason":"ThrottlingException"' in capfd.readouterr().out


def test_a_message_that_must_wait_does_not_hold_up_another(
    module: ModuleType, stage: Stage
) -> None:
    waiting = next(to_messages(spilled(cluster="", token="f" * 64)))
    with injected(aws.dynamodb(), "GetItem", no_connection):
        assert restore(module, [waiting, next(to_messages(spilled()))]) == ["0"]
    assert stage.store.get("prod", spilled().id) is not None


def test_a_token_is_checked_as_of_the_time_of_receipt(module: ModuleType, stage: Stage) -> None:
    known = stage.tokens.add(tokens.mint(), "publisher", "prod", "test")
    reader = stage.tokens.add(tokens.mint(), "reader", "prod", "test")
    now = times.now()

    def came(received_at: Any, token: str, app: str) -> str:
        body = json.dumps({"eventType": "app_terminated_event", "appId": app}).encode()
        each = Spilled(record_from(body).id, times.iso(received_at), token, "", body)
        return next(to_messages(each))

    while times.now() <= now:  # a revocation in the same millisecond would count
        pass
    stage.tokens.revoke(known.hash)
    messages = [
        came(now, known.hash, "/accepted"),
        came(now + timedelta(hours=1), known.hash, "/after-revocation"),
        came(now - timedelta(days=1), known.hash, "/before-its-creation"),
        came(now, reader.hash, "/by-a-reader"),
    ]
    assert restore(module, messages) == []
    day = times.iso(RECEIVED)[:10]
    assert [each.app for each in stage.store.feed("prod", day)] == ["/accepted"]
    assert dead_letters(stage) == []


def test_an_event_with_an_unknown_token_is_parked(module: ModuleType, stage: Stage) -> None:
    (message,) = to_messages(spilled(cluster="", token="0" * 64))
    assert restore(module, [message]) == []
    (letter,) = dead_letters(stage)
    assert letter["spill"] == message
    assert letter["reason"] == "the table does not know its token"
    # Its operator knows whose it is.
    assert restore(module, [with_cluster(message, "prod")]) == []
    assert stage.store.get("prod", spilled().id) == record_from(BODY)


def test_a_token_may_be_as_young_as_clocks_differ(module: ModuleType, stage: Stage) -> None:
    known = stage.tokens.add(tokens.mint(), "publisher", "prod", "test")
    early = times.now() - timedelta(minutes=5)
    message = next(to_messages(Spilled(spilled().id, times.iso(early), known.hash, "", BODY)))
    assert restore(module, [message]) == []
    assert stage.store.get("prod", spilled().id) is not None


@pytest.mark.parametrize("message", ["no json", "{}", "[]", '{"data": 1}', '{"data": "!"}'])
def test_an_event_that_can_never_be_stored_is_parked_whole(
    module: ModuleType, stage: Stage, message: str
) -> None:
    assert restore(module, [message]) == []
    (letter,) = dead_letters(stage)
    assert (letter["kind"], letter["spill"]) == ("parked", message)
    assert letter["reason"]


def test_the_parts_on_the_way_have_keys_of_their_own(module: ModuleType, stage: Stage) -> None:
    body = os.urandom(CHUNK_BYTES + 1000)
    restore(module, [next(to_messages(spilled(body)))])
    digest = from_message(next(to_messages(spilled(body)))).digest
    key = part_key("prod", spilled(body).id, f"spill-{digest}-0")
    assert stage.table.get(key) is not None


def test_a_part_that_comes_again_after_a_restore_from_the_log_does_no_harm(
    module: ModuleType, stage: Stage
) -> None:
    body = os.urandom(CHUNK_BYTES + 1000)
    by_queue, by_log = to_messages(spilled(body)), to_messages(spilled(body), LOG_CHUNK_BYTES)
    first, *_ = by_queue
    assert restore(module, [first]) == []
    assert restore(module, list(by_log)) == []
    assert restore(module, [first]) == []
    found = stage.store.get("prod", spilled(body).id)
    assert found is not None
    assert found.body == body
    assert dead_letters(stage) == []


def test_a_message_of_the_first_version_is_understood(module: ModuleType, stage: Stage) -> None:
    body = os.urandom(CHUNK_BYTES + 1000)
    messages = [json.loads(message) for message in to_messages(spilled(body))]
    for message in messages:
        del message["digest"]
    assert restore(module, [json.dumps(message) for message in messages]) == []
    assert stage.store.get("prod", spilled(body).id) is not None


def test_a_message_says_all_that_restore_needs() -> None:
    sent = spilled(token="f" * 64)
    chunk = from_message(next(to_messages(sent)))
    assert join(chunk, [chunk.data]) == sent
