"""What waits to be launched: when the relay reports it, and what Marathon's queue may answer."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import times
from local.marathon import Queued, SimulatedMarathon
from marathon_relay import waiting
from marathon_relay.marathon import Marathon, MarathonError, NoQueue
from marathon_relay.waiting import Known, looked
from tests.support.endpoint import Endpoint
from tests.support.relay import Relay, eventually, peak_kilobytes, relaying
from tests.support.web import answering

NOW = 1_583_136_930.0
SECRET = "correct horse"
WEB = {"id": "/shop/web", "instances": 5, "mem": 4096, "env": {"DB_PASSWORD": SECRET}}
FAST = {"RELAY_QUEUE_SECONDS": "0.05"}


def web(**fields: Any) -> Queued:
    """Three instances that have waited for four minutes."""
    of_web: dict[str, Any] = {
        "definition": WEB,
        "count": 3,
        "since": times.now() - timedelta(minutes=4),
        "agents": 15,
        "declined": {"InsufficientMemory": 14, "UnfulfilledConstraint": 1},
    }
    return Queued(**of_web | fields)


def reported(endpoint: Endpoint, times_: int = 1) -> list[dict[str, Any]]:
    """What was reported of the queue, once so much was."""
    eventually(lambda: len(endpoint.of_type("relay_waiting")) >= times_, "relay_waiting")
    return endpoint.of_type("relay_waiting")


def looks(relay: Relay, more: int = 3) -> None:
    """Wait until the relay has looked at the queue some more times."""
    name = 'queue_looks_total{outcome="answered"}'
    enough = relay.metrics().get(name, 0) + more
    eventually(lambda: relay.metrics().get(name, 0) >= enough, "looks at the queue")


@pytest.mark.parametrize("version", ["1.4.0", "1.11.0"])
def test_waiting_instances_are_reported_once_and_again_at_their_launch(
    endpoint: Endpoint, tmp_path: Path, version: str
) -> None:
    marathon = SimulatedMarathon(version=version)
    marathon.queue = [web()]
    with (
        marathon.running() as url,
        relaying(url, endpoint, tmp_path / "spool", **FAST) as relay,
    ):
        reported(endpoint)
        looks(relay)
        (event,) = reported(endpoint)
        assert relay.metrics()["waiting"] == 1
        marathon.queue = []
        _, launched = reported(endpoint, 2)
        looks(relay)
    assert len(endpoint.of_type("relay_waiting")) == 2
    timestamp, since = event.pop("timestamp"), event["since"]
    assert since <= timestamp
    assert event == {
        "eventType": "relay_waiting",
        "relay": "r1",
        "appId": "/shop/web",
        "state": "waiting",
        "count": 3,
        "since": since,
        "delaySeconds": 0,
        "offers": {
            "processed": 105,
            "declined": [
                {"reason": "UnfulfilledConstraint", "declined": 1, "processed": 15},
                {"reason": "InsufficientMemory", "declined": 14, "processed": 14},
            ],
        },
    }
    assert (launched["state"], launched["count"], launched["since"]) == ("launched", 0, since)
    assert SECRET not in json.dumps(relay.lines) + str(list(endpoint.records))


def test_a_pod_is_reported_as_a_pod(endpoint: Endpoint, tmp_path: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    marathon.queue = [web(pod=True, definition={"id": "/crew"}, delay=840)]
    with marathon.running() as url, relaying(url, endpoint, tmp_path / "spool", **FAST):
        (event,) = reported(endpoint)
    assert (event["podId"], event["delaySeconds"]) == ("/crew", 840)
    assert "appId" not in event


def test_a_restart_forgets_neither_what_was_reported_nor_that_it_was(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    marathon.queue = [web()]
    with marathon.running() as url:
        with relaying(url, endpoint, tmp_path / "spool", **FAST) as relay:
            reported(endpoint)
            relay.process.kill()
        with relaying(url, endpoint, tmp_path / "spool", **FAST) as relay:
            relay.wait_for("serving")
            looks(relay)
            assert len(endpoint.of_type("relay_waiting")) == 1
            assert relay.stop() == 0
        marathon.queue = []
        with relaying(url, endpoint, tmp_path / "spool", **FAST):
            assert reported(endpoint, 2)[1]["state"] == "launched"


def test_without_the_stream_a_relay_only_reports_what_waits(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.4.13")
    marathon.queue = [web()]
    with (
        marathon.running() as url,
        relaying(url, endpoint, tmp_path / "spool", RELAY_STREAM="off", **FAST) as relay,
    ):
        reported(endpoint)
        eventually(lambda: relay.health()[0] == 200, "health")
        assert marathon.listeners == 0
        marathon.elect()
        relay.wait_for("queue_unknown")
        assert relay.health()[0] == 503
        assert relay.stop() == 0
    assert {json.loads(body)["eventType"] for body in endpoint.records} == {"relay_waiting"}


def test_asking_can_be_switched_off(endpoint: Endpoint, tmp_path: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    marathon.queue = [web()]
    variables = {"RELAY_QUEUE_SECONDS": "0"}
    with (
        marathon.running() as url,
        relaying(url, endpoint, tmp_path / "spool", **variables) as relay,
    ):
        eventually(lambda: endpoint.records)
        assert relay.metrics()["waiting"] == 0
        assert relay.stop() == 0
    assert endpoint.of_type("relay_waiting") == []


def test_a_queue_that_is_refused_is_told_once_and_stops_nothing(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    with (
        answering(500, b"{}") as url,
        relaying(url, endpoint, tmp_path / "spool", RELAY_STREAM="off", **FAST) as relay,
    ):
        assert "status 500" in relay.wait_for("queue_unknown")["reason"]
        failed = 'queue_looks_total{outcome="failed"}'
        eventually(lambda: relay.metrics()[failed] >= 4, "more looks")
        assert len(relay.told("queue_unknown")) == 1
        assert relay.stop() == 0


def test_a_refused_login_and_a_hidden_queue_are_told_apart() -> None:
    for status, told in ((401, "refused the login"), (404, "proxy hides it")):
        with answering(status, b"{}") as url, pytest.raises(MarathonError) as caught:
            Marathon(url).queue(waiting.queued)
        assert told in caught.value.advice


def test_old_marathons_say_less() -> None:
    def asked(version: str) -> waiting.Queued:
        marathon = SimulatedMarathon(version=version)
        marathon.queue = [web(delay=90)]
        with marathon.running() as url:
            (found,) = Marathon(url).queue(waiting.queued)
        return found

    assert asked("0.7.0") == waiting.Queued("appId", "/shop/web", 3)
    assert asked("1.3.14") == waiting.Queued("appId", "/shop/web", 3, delay=90)
    newest = asked("1.11.0")
    assert newest.since is not None
    assert newest.offers is not None
    with SimulatedMarathon(version="0.6.1").running() as url, pytest.raises(NoQueue):
        Marathon(url).queue(waiting.queued)


def test_an_answer_of_50_mb_is_read_and_not_kept() -> None:
    """Thousands of apps with definitions of 14 KB; only what is wanted of each stays in memory."""
    element = {"app": {"id": "/a", "labels": {"x": 'y"]}{[,' * 1500}}, "count": 1, "delay": {}}
    body = json.dumps({"queue": [element] * 4500 + [{"app": {"id": "/z"}, "count": 2}]}).encode()
    assert len(body) > 50_000_000
    with answering(200, body) as url:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is of now
        before = peak_kilobytes("self")
        found = Marathon(url, answer_seconds=60).queue(waiting.queued)
        grown = peak_kilobytes("self") - before
    assert (len(found), found[-1].path, found[-1].count) == (4501, "/z", 2)
    assert grown < 30_000


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"queue": 7}',
        b'{"queue": [{"app":',
        b'{"queue": [{"app": {"id": "' + b"x" * 9_000_000,
        b'{"queue": [' + b"[" * 100_000,
        b"[" * 9_000_000,
    ],
)
def test_answers_that_are_no_queue_are_rejected(body: bytes) -> None:
    with answering(200, body) as url, pytest.raises(MarathonError, match="not readable"):
        Marathon(url).queue(waiting.queued)


@pytest.mark.parametrize(
    "element",
    [
        {},
        {"app": 7, "count": 1},
        {"app": {"id": ""}, "count": 1},
        {"app": {"id": "/a"}, "count": 0},
        {"app": {"id": "/a"}, "count": "3"},
        {"app": {"id": "/a"}, "count": -1},
    ],
)
def test_an_element_in_which_nothing_waits_is_left_out(element: dict[str, Any]) -> None:
    assert waiting.queued(element) is None


def test_hostile_values_in_the_queue_are_bounded() -> None:
    reasons = [{"reason": "x" * 10_000, "declined": 1e300, "processed": None}, None, 7]
    element = {
        "app": {"id": "/\ud800" + "a" * 10_000},
        "count": 10**400,
        "since": "9999-12-31T23:59:59Z",
        "delay": {"timeLeftSeconds": "soon"},
        "processedOffersSummary": {"rejectSummaryLastOffers": reasons * 1000},
    }
    assert waiting.queued(element) is None
    found = waiting.queued(element | {"count": 3})
    assert found is not None
    known, changes = looked([], [found], NOW)
    assert changes == []
    _, changes = looked(known, [found], NOW + 180)
    line = waiting.event("r1", changes[0], NOW + 180) if changes else b""
    assert len(line) < 5000


def queued(reason: str = "InsufficientMemory", **fields: Any) -> waiting.Queued:
    offers = {"processed": 9, "declined": [{"reason": reason, "declined": 2, "processed": 3}]}
    return waiting.Queued("appId", "/a", 3, **{"offers": offers} | fields)


def test_only_what_waits_for_three_minutes_is_reported() -> None:
    known, changes = looked([], [queued()], NOW)
    assert changes == []
    known, changes = looked(known, [queued()], NOW + 179)
    assert changes == []
    known, (change,) = looked(known, [queued()], NOW + 180)
    assert change.known.since == NOW
    assert looked([], [queued(since=NOW - 180)], NOW)[1]


def test_an_app_twice_in_the_queue_is_reported_once() -> None:
    twice = [queued(since=NOW - 200), queued(since=NOW - 200)]
    known, changes = looked([], twice, NOW)
    assert (len(known), len(changes)) == (1, 1)
    assert looked(known, twice, NOW + 60)[1] == []


def test_instances_launched_in_time_are_never_reported() -> None:
    known, _ = looked([], [queued()], NOW)
    assert looked(known, [], NOW + 500) == ([], [])


def test_it_is_reported_again_each_hour_and_when_the_main_reason_changes() -> None:
    known, _ = looked([], [queued(since=NOW - 200)], NOW)
    other = queued("InsufficientCpus", since=NOW - 200)
    same = queued(since=NOW - 200)
    assert looked(known, [other], NOW + 599)[1] == []
    assert looked(known, [other], NOW + 600)[1]
    assert looked(known, [same], NOW + 3599)[1] == []
    assert looked(known, [same], NOW + 3600)[1]


def test_the_main_reason_is_the_back_off_then_what_most_agents_lack() -> None:
    assert queued(delay=60).reason == "back-off"
    assert queued(delay=59).reason == "InsufficientMemory"
    assert queued(offers={"processed": 0, "declined": []}).reason == "no offers"
    assert queued(offers={"processed": 4, "declined": []}).reason == ""
    assert queued(offers=None).reason == ""


def test_marathon_s_own_time_counts_unless_its_clock_is_ahead() -> None:
    known, _ = looked([], [queued(since=NOW + 7200)], NOW)
    assert known[0].since == NOW
    known, _ = looked(known, [queued(since=NOW - 60)], NOW)
    assert known[0].since == NOW - 60


def test_notes_of_another_version_of_the_relay_are_no_failure() -> None:
    known = [Known("appId", "/a", 1.0, 2.0, 3.0, "x")]
    assert waiting.from_text(waiting.to_text(known)) == known
    assert [waiting.from_text(text) for text in ("", "{}", "[7]", '[{"new": 1}]')] == [[]] * 4
