"""Bad and good events, in any order and again, looks at any time, two at once, killed at any call
to AWS: nothing is told twice, and nothing is never told.
"""

import itertools
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from chalicelib.records.lives import history
from chalicelib.sender import NotSent
from chalicelib.services import aws
from local import cloud
from local.functions import A_MINUTE_HAS_PASSED, Context, Stream
from local.rehearsal import Heard
from tests.support.cluster import Deployment, Event, event, task
from tests.support.faults import answer, injected, silence
from tests.support.night import Night, at_call
from tests.support.world import Killed

APPS = ("/a", "/b", "/c")
MARKED = "You may have heard this already"
# The first of what is said of a call, and how far it may get.
CALLS = st.tuples(st.sampled_from(["before-call", "after-call"]), st.integers(1, 9))


def kill() -> None:
    raise Killed


class Machine(RuleBasedStateMachine):
    """A stage, and what is to be heard. There are so few subjects that none are told together."""

    def __init__(self) -> None:
        super().__init__()
        self.night = Night(cloud.make_stage(f"a{uuid.uuid4().hex[:12]}"))
        self.watch = self.night.functions.watching()
        self.watch.timing = replace(self.watch.timing, group_interval=timedelta(0))
        self.alerts = Stream(self.night.functions, self.night.stage, "alerts")
        self.brought: list[dict[str, Any]] = []
        self.failed: set[str] = set()
        self.count = 0

    def arrive(self, event: Event) -> None:
        """An event comes; ``fanout`` has seen it, and ``alerts`` not yet."""
        (record,) = self.night.records_of([event], self.night.now)
        self.night.store([record])
        self.night.stage.store.note_deployment(record, None)

    @rule(
        app=st.sampled_from(APPS),
        ago=st.sampled_from([0, 1, 30, 900, 7200]),
        status=st.sampled_from(["TASK_FAILED", "TASK_LOST", "TASK_FINISHED", "TASK_UNREACHABLE"]),
    )
    def something_bad(self, app: str, ago: int, status: str) -> None:
        self.count += 1
        time = self.night.now - timedelta(seconds=ago, milliseconds=self.count)
        self.arrive(task(time, app, self.count, status)[0])

    @rule(app=st.sampled_from(APPS))
    def it_runs_again(self, app: str) -> None:
        self.count += 1
        self.arrive(task(self.night.now, app, self.count, "TASK_RUNNING")[0])

    @rule()
    def a_deployment_fails(self) -> None:
        self.count += 1
        self.arrive(event(self.night.now, "deployment_failed", id="d", reason="No offers"))
        self.failed.add("deployment:d")

    @rule()
    def a_deployment_begins(self) -> None:
        self.arrive(Deployment("still", self.night.now, "/still").step(self.night.now))

    @rule(minutes=st.sampled_from([1, 2, 5, 16, 50]))
    def time_passes(self, minutes: int) -> None:
        self.night.now += timedelta(minutes=minutes)

    @rule()
    def the_stream_brings_it(self) -> None:
        self.brought += self.alerts.fetch()
        while self.alerts.pump():
            self.brought += self.alerts.fetch()

    @rule(call=CALLS)
    def alerts_is_killed(self, call: tuple[str, int]) -> None:
        self.brought += self.alerts.fetch()
        with suppress(Killed), at_call(*call, kill):
            self.alerts.pump()

    @rule(data=st.data())
    def the_stream_brings_it_again(self, data: st.DataObject) -> None:
        again = data.draw(st.permutations(self.brought))
        self.night.functions.alerts({"Records": again[:5]}, Context())

    @rule()
    def watch_looks(self) -> None:
        self.night.look()

    @rule(call=CALLS)
    def watch_is_killed(self, call: tuple[str, int]) -> None:
        with suppress(Killed, NotSent), at_call(*call, kill):
            self.night.functions.watch(A_MINUTE_HAS_PASSED, Context())
        self.night.hear()

    @rule(fault=st.sampled_from([answer("Throttled"), answer("InternalError", 500), silence]))
    def sns_takes_nothing(self, fault: Any) -> None:
        with injected(aws.sns(once=True), "PublishBatch", fault):
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

    def teardown(self) -> None:
        self.the_stream_brings_it()
        for _ in range(12):
            self.night.now += timedelta(minutes=1)
            self.night.look()
        self.what_is_bad_is_known()
        self.all_run_again()
        for _ in range(27):
            self.night.now += timedelta(minutes=30)
            self.night.look()
        self.what_is_over_is_known()
        self.nothing_is_told_twice()

    def all_run_again(self) -> None:
        """As many as ever failed."""
        now, first = self.night.now, self.count + 1
        self.count += len(APPS) * self.count
        apps = itertools.cycle(APPS)
        made = [task(now, next(apps), n, "TASK_RUNNING")[0] for n in range(first, self.count + 1)]
        self.night.store(self.night.records_of(made, now))

    def what_is_bad_is_known(self) -> None:
        known = {each.subject: each for each in self.night.stage.incidents.read().incidents}
        rows = self.night.records
        for app in APPS:
            found = history(each for each in rows if each.app == app)
            lost = [each for each in found.failures if each.failure.id not in found.replaced]
            if not lost and not found.missing:
                continue
            incident = known[f"app:{app}"]
            assert incident.is_open or not incident.may_open(self.night.now, self.watch.timing)
        for subject in self.failed:
            assert known[subject].opened_at, f"{subject} was never told"

    def what_is_over_is_known(self) -> None:
        for app in APPS:
            told = self.of(f"app:{app}")
            assert not told or told[-1].state == "resolved"

    def nothing_is_told_twice(self) -> None:
        texts = [each.text for each in self.night.heard]
        assert len(texts) == len(set(texts))
        for subject in {each.attributes["subject"] for each in self.night.heard}:
            told = [each.state for each in self.of(subject) if MARKED not in each.text]
            ends = [state for state in told if state != "ongoing"]
            if subject not in self.failed:
                assert all(a != b for a, b in itertools.pairwise(ends)), told
        for each in self.night.heard:
            within = [o for o in self.of(each.attributes["subject"]) if MARKED not in o.text]
            near = [o for o in within if each.at <= o.at < each.at + timedelta(hours=2)]
            assert len(near) <= 4

    def of(self, subject: str) -> list[Heard]:
        return [each for each in self.night.heard if each.attributes["subject"] == subject]


@pytest.mark.usefixtures("aws")
def test_every_incident_is_notified_exactly_once() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # shrinking would take many minutes
        ),
    )
