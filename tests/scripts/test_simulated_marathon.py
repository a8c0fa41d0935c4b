"""The simulated Marathon: what its versions did differently, which other tests rely on."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from local.marathon import SimulatedMarathon
from tests.support.web import answering

TIMESTAMP = "2020-03-02T08:15:30.120Z"
EVENT = {"eventType": "app_terminated_event", "appId": "/a", "timestamp": TIMESTAMP}
HEAVY = {
    "eventType": "deployment_info",
    "plan": {"id": "d", "version": TIMESTAMP, "steps": [], "original": {}, "target": {}},
    "timestamp": TIMESTAMP,
}


@contextmanager
def lines(url: str, query: str = "") -> Iterator[Iterator[str]]:
    """The lines of a stream, line ends and all."""
    headers = {"Accept": "text/event-stream"}
    with httpx.stream("GET", f"{url}/v2/events{query}", headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream;charset=utf-8"
        yield answer.iter_lines()


def data(stream: Iterator[str]) -> dict[str, Any]:
    """The next event."""
    line = next(line for line in stream if line.startswith("data: "))
    value: dict[str, Any] = json.loads(line.removeprefix("data: "))
    return value


@pytest.mark.parametrize(("version", "named"), [("0.9.0", False), ("0.11.0", True)])
def test_types_are_named_from_0_11_on(version: str, named: bool) -> None:
    marathon = SimulatedMarathon(version=version)
    with marathon.running() as url, lines(url) as stream:
        first = next(stream)
        assert first.startswith("event: event_stream_attached" if named else "data: {")


@pytest.mark.parametrize(
    ("version", "query", "light", "stamped"),
    [
        ("1.5.8", "?plan-format=light", False, False),
        ("1.5.9", "?plan-format=light", True, True),
        ("1.6.322", "", False, False),
        ("1.6.322", "?plan-format=light", True, True),
        ("1.8.180", "", True, False),
    ],
)
def test_light_plans(version: str, query: str, light: bool, stamped: bool) -> None:
    marathon = SimulatedMarathon(version=version)
    with marathon.running() as url, lines(url, query) as stream:
        data(stream)
        marathon.publish(HEAVY)
        event = data(stream)
    assert ("original" not in event["plan"]) is light
    assert (event["timestamp"] != TIMESTAMP) is stamped


@pytest.mark.parametrize(
    ("version", "dropped", "cut_off"), [("1.4.13", True, False), ("1.8.180", False, True)]
)
def test_slow_readers(version: str, dropped: bool, cut_off: bool) -> None:
    marathon = SimulatedMarathon(version=version, buffer=3)
    with marathon.running() as url, lines(url) as stream:
        data(stream)
        until = time.monotonic() + 60
        counts = marathon.stream_counts
        while not (counts.dropped or counts.cut_off):
            marathon.publish(EVENT | {"filler": "x" * 100_000})
            assert time.monotonic() < until
        assert (bool(counts.dropped), bool(counts.cut_off)) == (dropped, cut_off)


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream, */*"])
def test_any_other_accept_is_refused(accept: str) -> None:
    with SimulatedMarathon(version="1.4.13").running() as url:
        assert httpx.get(f"{url}/v2/events", headers={"Accept": accept}).status_code == 405


@pytest.mark.parametrize(
    ("version", "status", "without"),
    [("1.7.37", 200, 503), ("1.7.50", 302, 503), ("1.8.180", 302, 502)],
)
def test_standbys(version: str, status: int, without: int) -> None:
    marathon = SimulatedMarathon(version=version)
    with marathon.running() as leader, marathon.running() as standby:
        headers = {"Accept": "text/event-stream"}
        with httpx.stream("GET", f"{standby}/v2/events?event_type=a", headers=headers) as answer:
            assert answer.status_code == status
            if status == 302:
                assert answer.headers["Location"] == f"{leader}/v2/events?event_type=a"
            else:
                assert answer.headers["X-Marathon-Leader"] == leader
        assert httpx.get(f"{standby}/v2/leader").json() == {"leader": leader[7:]}
        marathon.elect()
        assert httpx.get(f"{standby}/v2/leader").status_code == without


def test_a_new_leader_ends_the_streams() -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as first, marathon.running() as second, lines(first) as stream:
        data(stream)
        marathon.elect(second)
        assert list(stream) == [""]
        marathon.ready = False
        with lines(second) as closed:
            assert list(closed) == []


def test_a_penalty_hangs_on_the_url_until_an_event_finds_it_unsubscribed() -> None:
    marathon = SimulatedMarathon(version="1.4.13")
    with marathon.running() as url, answering(500, b"") as bad:
        callback = f"{bad}/callback"
        marathon.subscribe(callback, "192.0.2.1")
        marathon.settle()
        marathon.publish(EVENT)
        assert marathon.silent_seconds(callback) > 0
        # Subscribing again changes nothing: its own event is skipped too.
        marathon.subscribe(callback, "192.0.2.1")
        marathon.settle()
        assert marathon.counts.skipped == 2
        meters = httpx.get(f"{url}/metrics").json()["meters"]
        prefix = "service.mesosphere.marathon.core.event.impl.callback.HttpEventActor"
        assert meters[f"{prefix}.skipped-callbacks"]["count"] == 2
        assert meters[f"{prefix}.failed-callbacks"]["count"] == 1
        marathon.unsubscribe(callback, "192.0.2.1")
        assert marathon.silent_seconds(callback) == 0
        marathon.subscribe(callback, "192.0.2.1")
        marathon.settle()
        assert marathon.counts.failed == 2


def test_a_new_leader_knows_of_no_penalty() -> None:
    marathon = SimulatedMarathon(version="1.4.13")
    with marathon.running() as url, answering(500, b"") as bad:
        marathon.subscribe(f"{bad}/1", "192.0.2.1")
        marathon.settle()
        assert 0 < marathon.silent_seconds(f"{bad}/1") <= 2
        marathon.elect(url)
        assert marathon.silent_seconds(f"{bad}/1") == 0


@pytest.mark.parametrize(("version", "status"), [("1.1.1", 200), ("1.3.0", 422), ("1.5.0", 404)])
def test_a_malformed_callback_url(version: str, status: int) -> None:
    with SimulatedMarathon(version=version).running() as url:
        asked = f"{url}/v2/eventSubscriptions?callbackUrl=nowhere"
        assert httpx.post(asked).status_code == status
