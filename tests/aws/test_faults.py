"""Things broken on purpose, where the SDK meets the network: what went in must come out.

Each fault is a function that sends events into a world in which something breaks, and lets it
recover. It gives back what was sent, and how many notifications may have come twice: the design
lists the cases (docs/architecture.md). The sum is printed at the end of the test run.
"""

import base64
import io
import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest

from chalicelib import ingest
from chalicelib.records import items
from chalicelib.services import aws, tokens
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import (
    Handler,
    after,
    answer,
    injected,
    no_connection,
    only,
    silence,
    unanswered,
)
from tests.support.world import Killed, Sent, World, event


def spilled_and_restored(world: World, fault: Handler) -> tuple[Sent, int]:
    world.send(event(99))  # the token is known
    with world.broken_table(fault):
        sent = world.send(*(event(n) for n in range(4)), expect="spilled")
        world.spill.pump()
    return sent, 0


def table_throttles(world: World) -> tuple[Sent, int]:
    return spilled_and_restored(world, answer("ThrottlingException"))


def table_times_out(world: World) -> tuple[Sent, int]:
    return spilled_and_restored(world, silence)


def table_stores_but_its_answer_is_lost(world: World) -> tuple[Sent, int]:
    world.send(event(99))
    with world.broken_table(unanswered, "PutItem"):
        return world.send(expect="spilled"), 0


def table_is_gone(world: World) -> tuple[Sent, int]:
    return spilled_and_restored(world, answer("ResourceNotFoundException"))


def table_answers_with_a_page_of_html(world: World) -> tuple[Sent, int]:
    return spilled_and_restored(world, answer("InternalServerError", 503))


def token_can_not_be_looked_up(world: World) -> tuple[Sent, int]:
    with world.broken_table(no_connection):
        return world.send(expect="spilled"), 0


def token_is_revoked_meanwhile(world: World) -> tuple[Sent, int]:
    world.send(event(99))
    with world.broken_table(no_connection):
        sent = world.send(expect="spilled")
    world.stage.tokens.revoke(tokens.hash_of(world.token))
    return sent, 0


def table_and_queue_are_gone(world: World) -> tuple[Sent, int]:
    world.send(event(99))
    lines = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patched,
        world.broken_table(no_connection),
        injected(aws.sqs(urgent=True), "SendMessage", no_connection),
    ):
        patched.setattr("sys.stdout", lines)
        patched.setattr(ingest, "REQUEST_SECONDS", 1.0)
        bodies = [event(1), event(2, big=os.urandom(300_000).hex())]
        sent = world.send(*bodies, expect="lost")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stdin", io.StringIO(lines.getvalue()))
        assert world.run("restore") == 0
    return sent, 0


def body_is_too_large_for_a_message(world: World) -> tuple[Sent, int]:
    world.send(event(99))
    with world.broken_table(no_connection):
        big = event(1, big=base64.b64encode(os.urandom(400_000)).decode())
        return world.send(big, expect="spilled"), 0


def function_is_killed_before_it_answers(world: World) -> tuple[Sent, int]:
    world.send(event(99))

    def kill(**kwargs: Any) -> None:
        raise Killed

    made = aws.dynamodb(urgent=True)
    made.meta.events.register("after-call.dynamodb.PutItem", kill)
    with pytest.raises(Killed):
        world.send(event(1))
    made.meta.events.unregister("after-call.dynamodb.PutItem", kill)
    return world.send(event(1), expect="duplicate"), 0


def while_sns(world: World, fault: Handler) -> tuple[Sent, int]:
    sent = world.send()
    with injected(aws.sns(), "PublishBatch", fault):
        for _ in range(3):
            world.stream.pump()
    return sent, 0


def sns_throttles(world: World) -> tuple[Sent, int]:
    return while_sns(world, answer("Throttled"))


def sns_is_down(world: World) -> tuple[Sent, int]:
    return while_sns(world, silence)


def sns_takes_a_batch_and_its_answer_is_lost(world: World) -> tuple[Sent, int]:
    sent = world.send()
    with injected(aws.sns(), "PublishBatch", only(unanswered, 1)):
        world.pump()
    return sent, len(sent)


def spill_queue_takes_events_and_its_answer_is_lost(world: World) -> tuple[Sent, int]:
    world.send(event(99))
    with (
        world.broken_table(no_connection),
        injected(aws.sqs(urgent=True), "SendMessage", only(unanswered, 1)),
    ):
        sent = world.send(*(event(n) for n in range(4)), expect="spilled")
    world.spill.pump()
    return sent, 0


def sns_refuses_some_entries(world: World) -> tuple[Sent, int]:
    sent = world.send()

    def strip(params: dict[str, Any], **kwargs: Any) -> None:
        entries = params["PublishBatchRequestEntries"]
        params["PublishBatchRequestEntries"] = [e for e in entries if '"/a3"' not in e["Message"]]

    def tell(parsed: dict[str, Any], **kwargs: Any) -> None:
        parsed["Failed"] = [{"Id": "3", "Code": "InternalError", "SenderFault": False}]

    hooks = aws.sns().meta.events
    hooks.register("provide-client-params.sns.PublishBatch", strip)
    hooks.register("after-call.sns.PublishBatch", tell)
    # moto refuses the empty batch that is left of the second try.
    world.stream.pump()
    hooks.unregister("provide-client-params.sns.PublishBatch", strip)
    hooks.unregister("after-call.sns.PublishBatch", tell)
    return sent, 6  # those of the batch behind the refused one


def sns_refuses_a_call_for_one_entry(world: World) -> tuple[Sent, int]:
    sent = world.send()

    def refuse(request: Any, **kwargs: Any) -> Any:
        bad = "%2Fa3%22" in str(request.body) or '"/a3"' in str(request.body)
        return answer("InvalidParameter")(request, **kwargs) if bad else None

    with injected(aws.sns(), "PublishBatch", refuse):
        world.pump()
    assert world.run("parked", "--send") == 0
    return sent, 0


def record_is_poison(world: World) -> tuple[Sent, int]:
    sent = world.send()
    with injected(aws.sns(), "PublishBatch", answer("InvalidParameter")):
        world.pump()
    assert world.run("parked", "--send") == 0
    return sent, 0


def fanout_fails_until_its_retries_are_used_up(world: World) -> tuple[Sent, int]:
    sent = world.send()
    numbers = [each["dynamodb"]["SequenceNumber"] for each in world.stream.give_up()]
    told = {
        "requestContext": {"condition": "RetryAttemptsExhausted"},
        "DDBStreamBatchInfo": {
            "shardId": world.stream.shard,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
        },
    }
    queue = world.stage.dead_letter_queue_url
    client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(told))
    assert world.run("parked", "--send") == 0
    return sent, 0


def fanout_crashes_half_way(world: World) -> tuple[Sent, int]:
    sent = world.send(*(event(n) for n in range(25)))

    def kill(request: Any, **kwargs: Any) -> Any:
        raise Killed

    with injected(aws.sns(), "PublishBatch", after(kill, 1)), pytest.raises(Killed):
        world.stream.pump()
    return sent, 10  # what was published of the batch


def stream_stands_still_for_more_than_a_day(world: World) -> tuple[Sent, int]:
    sent = world.send()
    world.stream.give_up()  # the stream has trimmed them
    world.stage.store.note_day("prod", "2016-04-24")
    assert world.run("replay", "--since", "2016-04-24", "--rate", "1000", "--yes") == 0
    return sent, 0


def bodies_are_of_every_size(world: World) -> tuple[Sent, int]:
    sizes = (1, 1000, 300_000, 400_000, 5_000_000)
    filled = [b"x" * size for size in sizes] + [os.urandom(size) for size in sizes]
    return world.send(*filled), 0


def many_come_at_once_and_many_are_the_same(world: World) -> tuple[Sent, int]:
    sent = world.send(*(event(n) for n in range(20)))
    for n in range(40):
        assert world.ingest.receive(world.token, event(n % 20)).outcome == "duplicate"
    return sent, 0


def clocks_are_all_over_the_place(world: World) -> tuple[Sent, int]:
    times_ = ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "20160424T090000Z", "never", 7]
    times_ += ["2016-04-24T09:00:00+05:30", "1969-12-31T23:59:59Z", "", None]
    return world.send(*(event(1, timestamp=time) for time in times_)), 0


def ttl_deletes(world: World) -> tuple[Sent, int]:
    sent = world.send()
    world.pump()
    gone, _ = next(iter(sent.items()))
    world.stage.table.delete(items.record_key("prod", "app:/a0", gone))
    world.pump()
    del sent[gone]
    return sent, 0


FAULTS: list[Callable[[World], tuple[Sent, int]]] = [
    table_throttles,
    table_times_out,
    table_stores_but_its_answer_is_lost,
    table_is_gone,
    table_answers_with_a_page_of_html,
    token_can_not_be_looked_up,
    token_is_revoked_meanwhile,
    table_and_queue_are_gone,
    body_is_too_large_for_a_message,
    function_is_killed_before_it_answers,
    sns_throttles,
    sns_is_down,
    sns_takes_a_batch_and_its_answer_is_lost,
    spill_queue_takes_events_and_its_answer_is_lost,
    sns_refuses_some_entries,
    sns_refuses_a_call_for_one_entry,
    record_is_poison,
    fanout_fails_until_its_retries_are_used_up,
    fanout_crashes_half_way,
    stream_stands_still_for_more_than_a_day,
    bodies_are_of_every_size,
    many_come_at_once_and_many_are_the_same,
    clocks_are_all_over_the_place,
    ttl_deletes,
]


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_nothing_is_lost(
    stage: Stage, fault: Callable[[World], tuple[Sent, int]], record_property: Any
) -> None:
    journal = Journal()
    with listening(stage, journal.heard):
        world = World(stage, journal)
        sent, allowed = fault(world)
        world.recover()
        journal.wait_for_notified(sent, 60)
    lost = 0
    for id_, body in sent.items():
        record = stage.store.get("prod", id_)
        lost += record is None or record.body != body or not journal.notified[id_]
    twice = Counter({id_: count - 1 for id_, count in journal.notified.items() if count > 1})
    record_property("fault", [len(sent), lost, max(0, twice.total() - allowed), twice.total()])
    assert lost == 0
    assert twice.total() <= allowed
