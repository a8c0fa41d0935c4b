"""Send, duplicate, crash, outage and recovery in any order: every acknowledged event is stored
exactly once and notified at least once.
"""

import uuid
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from chalicelib.services import aws
from local import cloud
from local.journal import Journal
from local.subscriber import listening
from tests.support.faults import answer, injected, no_connection
from tests.support.world import Killed, World, event

# silence would do too, but costs its half second each time.
FAULTS = [no_connection, answer("ThrottlingException"), answer("InternalServerError", 500)]


class Machine(RuleBasedStateMachine):
    """A stage, its outages, and what has been acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.outages: dict[str, ExitStack] = {}
        stage = cloud.make_stage(f"s{uuid.uuid4().hex[:12]}")
        self.journal = Journal()
        self.stack.enter_context(listening(stage, self.journal.heard))
        self.world = World(stage, self.journal)
        self.acknowledged: dict[str, bytes] = {}

    @rule(n=st.integers(0, 30))
    def send(self, n: int) -> None:
        body = event(n)
        receipt = self.world.ingest.receive(self.world.token, body)
        assert receipt.outcome in ("new", "duplicate", "spilled")
        self.acknowledged[receipt.id] = body

    @rule(n=st.integers(0, 30))
    def be_killed_before_the_answer(self, n: int) -> None:
        def kill(**kwargs: Any) -> None:
            raise Killed

        hooks = aws.dynamodb(urgent=True).meta.events
        hooks.register("after-call.dynamodb.PutItem", kill)
        try:
            receipt = self.world.ingest.receive(self.world.token, event(n))
            self.acknowledged[receipt.id] = event(n)  # it went to the spill
        except Killed:
            pass
        hooks.unregister("after-call.dynamodb.PutItem", kill)

    @precondition(lambda self: "table" not in self.outages)
    @rule(fault=st.sampled_from(FAULTS))
    def lose_the_table(self, fault: Any) -> None:
        self.outages["table"] = ExitStack()
        self.outages["table"].enter_context(self.world.broken_table(fault))

    @precondition(lambda self: "sns" not in self.outages)
    @rule(fault=st.sampled_from(FAULTS))
    def lose_sns(self, fault: Any) -> None:
        self.outages["sns"] = ExitStack()
        self.outages["sns"].enter_context(injected(aws.sns(), "PublishBatch", fault))

    @precondition(lambda self: self.outages)
    @rule(data=st.data())
    def end_an_outage(self, data: st.DataObject) -> None:
        what = data.draw(st.sampled_from(sorted(self.outages)))
        self.outages.pop(what).close()
        if what == "table":
            self.world.ingest.guard.close()

    @rule()
    def fan_out(self) -> None:
        self.world.stream.pump()

    @rule()
    def fan_out_and_crash(self) -> None:
        def kill(**kwargs: Any) -> None:
            raise Killed

        hooks = aws.sns().meta.events
        hooks.register("after-call.sns.PublishBatch", kill)
        with suppress(Killed):
            self.world.stream.pump()
        hooks.unregister("after-call.sns.PublishBatch", kill)

    @rule()
    def restore(self) -> None:
        self.world.spill.pump()

    def teardown(self) -> None:
        for outage in self.outages.values():
            outage.close()
        try:
            self.world.recover()
            assert self.journal.wait_for_notified(self.acknowledged, 60)
            feed = list(self.world.stage.store.feed("prod", "2016-04-24"))
            assert len(feed) == len({record.id for record in feed})
            assert {record.id for record in feed} >= self.acknowledged.keys()
            for id_, body in self.acknowledged.items():
                record = self.world.stage.store.get("prod", id_)
                assert record is not None
                assert record.body == body
        finally:
            self.stack.close()


@pytest.mark.usefixtures("aws", "unhurried")
def test_every_acknowledged_event_is_stored_once_and_notified() -> None:
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=6, stateful_step_count=25, deadline=None)
    )
