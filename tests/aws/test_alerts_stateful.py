"""Bad and good events, in any order and again, looks at any time, two at once, killed at any call
to AWS: nothing is told twice, and nothing is never told.
"""

import itertools
import uuid
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from chalicelib.records import items
from chalicelib.records.record import Record
from chalicelib.services import aws
from chalicelib.telling import NotTold
from local import cloud
from local.functions import Context
from tests.support.cluster import event, healthy, task
from tests.support.faults import answer, injected, silence
from tests.support.night import MIDNIGHT, Night, at_call, attributes
from tests.support.world import Killed

APPS = ("/a", "/b", "/c")
MARKED = "You may have heard this already"
# The first of what is said of a call, and how far it may get.
CALLS = st.tuples(st.sampled_from(["before-call", "after-call"]), st.integers(1, 9))


def kill() -> None:
    raise Killed


class Machine(RuleBasedStateMachine):
    """A stage, and what is to be heard."""

    def __init__(self) -> None:
        super().__init__()
        self.night = Night(cloud.make_stage(f"a{uuid.uuid4().hex[:12]}"))
        self.brought: list[dict[str, Any]] = []
        self.unsettled: dict[str, tuple[datetime, Record]] = {}
        self.news: dict[str, list[datetime]] = defaultdict(list)
        self.count = 0

    @rule(
        app=st.sampled_from(APPS),
        ago=st.integers(0, 900),
        status=st.sampled_from(["TASK_FAILED", "TASK_LOST", "TASK_UNREACHABLE"]),
    )
    def something_bad(self, app: str, ago: int, status: str) -> None:
        self.count += 1
        time = self.night.now - timedelta(seconds=ago, milliseconds=self.count)
        self.night.store(task(time, app, self.count, status)[:1])

    @rule(app=st.sampled_from(APPS))
    def a_deployment_fails(self, app: str) -> None:
        self.night.store(
            [event(self.night.now, "deployment_failed", id=f"d{app}", reason="No offers")]
        )

    @rule(app=st.sampled_from(APPS))
    def something_good(self, app: str) -> None:
        self.night.store(healthy(self.night.now, app, 1, True))

    @rule(minutes=st.sampled_from([1, 2, 5, 16, 50]))
    def time_passes(self, minutes: int) -> None:
        self.night.now += timedelta(minutes=minutes)

    @rule()
    def the_stream_brings_it(self) -> None:
        self.bring(self.night.alerts.fetch())
        self.night.alerts.pump()

    @rule(data=st.data(), call=CALLS)
    def alerts_is_killed(self, data: st.DataObject, call: tuple[str, int]) -> None:
        self.bring(self.night.alerts.fetch())
        with suppress(Killed), at_call(*call, kill):
            self.night.alerts.pump()

    @rule(data=st.data())
    def the_stream_brings_it_again(self, data: st.DataObject) -> None:
        again = data.draw(st.permutations(self.brought))
        self.night.functions.alerts({"Records": again[:5]}, Context())

    @rule()
    def watch_looks(self) -> None:
        self.night.look()

    @rule(call=CALLS)
    def watch_is_killed(self, call: tuple[str, int]) -> None:
        with suppress(Killed), at_call(*call, kill):
            self.night.look()
        self.night.hear()

    @rule(fault=st.sampled_from([answer("Throttled"), answer("InternalError", 500), silence]))
    def sns_takes_nothing(self, fault: Any) -> None:
        with injected(aws.sns(once=True), "PublishBatch", fault), suppress(NotTold):
            self.night.look()

    @rule(call=CALLS)
    def two_look_at_once(self, call: tuple[str, int]) -> None:
        with at_call(*call, self.night.look):
            self.night.look()

    @rule(call=CALLS)
    def something_bad_comes_while_watch_looks(self, call: tuple[str, int]) -> None:
        def bring() -> None:
            self.something_bad("/a", 0, "TASK_FAILED")
            self.the_stream_brings_it()

        with at_call(*call, bring):
            self.night.look()

    def bring(self, brought: list[dict[str, Any]]) -> None:
        """Note what is to be told: what lies in a time that was told counts as told."""
        known = {each.subject: each for each in self.night.stage.incidents.known()}
        for each in brought:
            if each in self.brought:
                continue
            self.brought.append(each)
            record = items.to_record(items.plain(each["dynamodb"]["NewImage"]), [])
            incident = known.get(record.subject)
            settled = incident and incident.is_settled(record.timestamp)
            if not settled:
                self.news[record.subject].append(self.night.now)
            if record.severity == "error" and not settled:
                self.unsettled[record.id] = (self.night.now, record)

    def teardown(self) -> None:
        night = self.night
        self.the_stream_brings_it()
        for _ in range(4):
            night.now += timedelta(minutes=17)
            night.look()
        assert night.stage.incidents.all() == []
        self.nothing_is_never_told()
        self.nothing_is_told_twice()

    def nothing_is_never_told(self) -> None:
        for came, record in self.unsettled.values():
            # A deployment is told of once, also if its end comes again.
            since = MIDNIGHT if record.deployment else came
            after = [told for told, _ in self.of(record.subject) if told >= since]
            assert after, f"{record.title} was never told"

    def nothing_is_told_twice(self) -> None:
        texts = [message["Message"] for _, message in self.night.heard]
        assert len(texts) == len(set(texts))
        for subject in {attributes(message)["subject"] for _, message in self.night.heard}:
            row = [
                attributes(m)["state"] for _, m in self.of(subject) if MARKED not in m["Message"]
            ]
            if subject.startswith("deployment:"):
                assert row == ["began"] * len(row[:1])
                continue
            assert attributes(self.of(subject)[-1][1])["state"] == "over"
            # Whatever comes again, only something new begins anew.
            for before, (told, message) in itertools.pairwise([(MIDNIGHT, {}), *self.of(subject)]):
                if attributes(message)["state"] == "began" and MARKED not in message["Message"]:
                    assert any(before[0] <= came <= told for came in self.news[subject])
            # Between two that say that it began there is one that says that it is over.
            kept = [state for state in row if state != "goes_on"]
            assert ("began", "began") not in itertools.pairwise(kept), row

    def of(self, subject: str) -> list[tuple[datetime, dict[str, Any]]]:
        return [
            (told, message)
            for told, message in self.night.heard
            if attributes(message)["subject"] == subject
        ]


@pytest.mark.usefixtures("aws")
def test_nothing_is_told_twice_and_nothing_never() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # shrinking would take many minutes
        ),
    )
