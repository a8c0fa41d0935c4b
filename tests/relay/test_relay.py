"""The relay between a simulated Marathon and a stub of the API: what is sent is stored, and every
time without listening is told.
"""

import json
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.marathon import SimulatedMarathon
from tests.support.endpoint import TOKEN, Endpoint
from tests.support.relay import Wire, eventually, relaying, scripted


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def task(n: int, **more: Any) -> dict[str, Any]:
    event = {"appId": f"/a{n}", "eventType": "app_terminated_event", "timestamp": now()}
    return {"n": n} | more | event


def publish(marathon: SimulatedMarathon, numbers: range, **more: Any) -> list[bytes]:
    """Publish so many events, no faster than a good reader reads; their bodies."""
    sent = []
    for n in numbers:
        marathon.publish(task(n, **more))
        sent.append(marathon.sent[-1])
        if n % 20 == 0:
            marathon.settle()
    marathon.settle()
    return sent


def listening(marathon: SimulatedMarathon, listeners: int = 1) -> None:
    eventually(lambda: marathon.listeners == listeners, "a stream")


def stored(endpoint: Endpoint, sent: list[bytes]) -> None:
    """Wait until all of it is stored; then it is, once and in order."""
    eventually(lambda: len(endpoint.events) >= len(sent), "the events")
    assert endpoint.events == sent


def told_lines_up(gap: dict[str, Any], cause: str) -> None:
    assert list(gap) == ["eventType", "timestamp", "relay", "from", "to", "cause", "changed"]
    assert (gap["relay"], gap["cause"]) == ("r1", cause)
    assert gap["from"] <= gap["to"] <= gap["timestamp"]


def inside(gap: dict[str, Any], body: bytes) -> bool:
    return bool(gap["from"] <= json.loads(body)["timestamp"] <= gap["to"])


def test_a_first_start_brings_what_is_sent_and_tells_no_gap(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        stored(endpoint, publish(marathon, range(50), note="grüße \u2028 \\n"))
        first = next(iter(endpoint.records))
        assert json.loads(first)["eventType"] == "event_stream_attached"
        assert relay.stop() == 0
    assert endpoint.gaps == []
    assert not relay.plain


def test_a_quiet_marathon_gets_single_events_at_once_and_a_busy_one_full_batches(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.batches == [1])
        endpoint.fault = "hang"
        sent = publish(marathon, range(1))
        eventually(lambda: endpoint.refused == 1)
        sent += publish(marathon, range(1, 700))
        eventually(lambda: relay.health()[1]["spooled"] == 700)
        endpoint.heal()
        stored(endpoint, sent)
    assert 500 in endpoint.batches


def test_the_api_is_away_while_more_than_a_batch_comes_in(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180", heartbeat=0.2)
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "unavailable"
        sent = publish(marathon, range(600))
        relay.wait_for("sending_failed")
        eventually(lambda: relay.health()[1]["spooled"] == 600)
        status, health = relay.health()
        assert (status, health["stream"]) == (503, True)
        endpoint.heal()
        stored(endpoint, sent)
        eventually(lambda: relay.health()[0] == 200)
    assert marathon.stream_counts.dropped == marathon.stream_counts.cut_off == 0
    assert endpoint.gaps == []
    assert set(endpoint.received.values()) == {1}


def test_it_reads_on_while_the_api_hangs_and_killed_then_it_goes_on_where_it_was(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180", buffer=50)
    with marathon.running() as url:
        with relaying(url, endpoint, spool) as relay:
            listening(marathon)
            eventually(lambda: endpoint.records)
            endpoint.fault = "hang"
            sent = publish(marathon, range(300))
            eventually(lambda: endpoint.refused)
            eventually(lambda: relay.metrics()["received_events_total"] == 301)
            assert marathon.stream_counts.cut_off == 0
            relay.process.kill()
        missed = publish(marathon, range(300, 310))
        endpoint.heal()
        with relaying(url, endpoint, spool):
            eventually(lambda: endpoint.gaps)
            sent += publish(marathon, range(310, 320))
            stored(endpoint, sent)
    (gap,) = endpoint.gaps
    told_lines_up(gap, "relay_stopped")
    assert all(inside(gap, body) for body in missed)
    assert all(json.loads(body)["timestamp"] <= gap["from"] for body in sent[:300])


def test_a_new_leader_is_listened_to_and_the_time_between_is_told(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    marathon.publish(
        {
            "eventType": "api_post_event",
            "appDefinition": {"id": "/web", "version": "2020-01-01T00:00:00.000Z"},
            "timestamp": now(),
        }
    )
    with (
        marathon.running() as first,
        marathon.running() as second,
        relaying(f"{first},{second}", endpoint, spool) as relay,
    ):
        listening(marathon)
        sent = publish(marathon, range(5))
        stored(endpoint, sent)
        marathon.elect()
        version = now()
        marathon.publish(
            {
                "eventType": "api_post_event",
                "appDefinition": {"id": "/web", "version": version},
                "timestamp": version,
            }
        )
        failed = {"taskStatus": "TASK_FAILED", "appId": "/web", "taskId": "web.1", "message": "137"}
        marathon.publish({"eventType": "status_update_event", "timestamp": now()} | failed)
        plan = {"id": "d1", "version": version, "steps": [{"actions": [{"app": "/web"}]}]}
        marathon.publish({"eventType": "deployment_info", "timestamp": now(), "plan": plan})
        relay.wait_for("stream_failed")
        marathon.elect(second)
        listening(marathon)
        sent += publish(marathon, range(5, 10))
        stored(endpoint, sent)
        eventually(lambda: endpoint.gaps)
        assert relay.wait_for("stream_opened", 2)["leader"] == second.removeprefix("http://")
    (gap,) = endpoint.gaps
    told_lines_up(gap, "leader_changed")
    by_what = {change["what"]: change for change in gap["changed"]}
    assert by_what["task_failed"]["message"] == "137"
    assert by_what["version_made"] == {"what": "version_made", "app": "/web", "version": version}
    assert by_what["deployment_running"]["apps"] == ["/web"]
    assert len(gap["changed"]) == 3


def test_a_connection_that_is_dead_without_saying_so(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180", heartbeat=0.1)
    with marathon.running() as url:
        wire = Wire(url)
        with (
            wire.running() as address,
            relaying(address, endpoint, spool, "--dead-after", "3") as relay,
        ):
            listening(marathon)
            sent = publish(marathon, range(5))
            stored(endpoint, sent)
            wire.swallow()
            missed = publish(marathon, range(5, 10))
            wire.carry()
            assert "no sign of life" in relay.wait_for("stream_ended")["reason"]
            relay.wait_for("stream_opened", 2)
            eventually(lambda: endpoint.gaps)
            sent += publish(marathon, range(10, 15))
            stored(endpoint, sent)
    (gap,) = endpoint.gaps
    told_lines_up(gap, "connection_lost")
    assert all(inside(gap, body) for body in missed)


def test_two_relays_at_once_store_each_event_once(
    endpoint: Endpoint, spool: Path, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.6.322")
    plan = {"id": "d", "version": "v", "steps": [], "original": {"apps": []}, "target": {}}
    with (
        marathon.running() as url,
        relaying(url, endpoint, spool) as first,
        relaying(url, endpoint, tmp_path / "other", RELAY_NAME="r2") as second,
    ):
        listening(marathon, 2)
        sent = publish(marathon, range(200))
        marathon.publish({"eventType": "deployment_success", "timestamp": now(), "plan": plan})
        eventually(lambda: len(endpoint.events) >= 201)
        eventually(lambda: first.metrics()["sent_events_total"] >= 202)
        eventually(lambda: second.metrics()["sent_events_total"] >= 202)
        counted = sum(relay.metrics()["duplicate_events_total"] for relay in (first, second))
    assert len(endpoint.events) == 201
    assert set(sent) < set(endpoint.events)
    assert b"original" not in endpoint.events[-1]
    assert counted == endpoint.received.total() - len(endpoint.records)
    assert endpoint.gaps == []


def test_a_relay_that_was_cut_off_tells_of_every_hole(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180", buffer=10)
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        sent = publish(marathon, range(20))
        stored(endpoint, sent)
        relay.process.send_signal(signal.SIGSTOP)
        n = 20
        while not marathon.stream_counts.cut_off:
            marathon.publish(task(n, filler="x" * 100_000))
            sent.append(marathon.sent[-1])
            n += 1
        relay.process.send_signal(signal.SIGCONT)
        eventually(lambda: endpoint.gaps)
        listening(marathon)
        sent += publish(marathon, range(n, n + 20))
        eventually(lambda: endpoint.events[-1:] == sent[-1:])
    (gap,) = endpoint.gaps
    told_lines_up(gap, "cut_off")
    holes = [body for body in sent if body not in endpoint.records]
    assert holes
    assert all(inside(gap, body) for body in holes)
    assert set(endpoint.received.values()) == {1}


def test_a_full_spool_stops_the_reading_and_forgets_nothing(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180", heartbeat=0.1)
    with (
        marathon.running() as url,
        relaying(url, endpoint, spool, "--spool-limit", "200KB") as relay,
    ):
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "unavailable"
        sent: list[bytes] = []
        while not relay.told("spool_full"):
            sent += publish(marathon, range(len(sent), len(sent) + 50), filler="x" * 1000)
        eventually(lambda: not relay.health()[1]["stream"])
        eventually(lambda: not marathon.listeners)
        sent += publish(marathon, range(len(sent), len(sent) + 5))
        endpoint.heal()
        relay.wait_for("spool_drained")
        eventually(lambda: endpoint.gaps)
        listening(marathon)
        sent += publish(marathon, range(len(sent), len(sent) + 5))
        eventually(lambda: endpoint.events[-1:] == sent[-1:])
    (gap,) = endpoint.gaps
    told_lines_up(gap, "spool_full")
    holes = [body for body in sent if body not in endpoint.records]
    assert len(holes) >= 5
    assert all(inside(gap, body) for body in holes)


def test_no_leader_then_one_that_is_not_ready_then_a_stream_are_one_gap(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.4.13")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        stored(endpoint, publish(marathon, range(3)))
        marathon.elect()
        assert "no leader" in relay.wait_for("stream_failed")["reason"]
        marathon.ready = False
        marathon.elect(url)
        relay.wait_for("stream_ended", 3)
        assert not endpoint.gaps
        marathon.ready = True
        eventually(lambda: endpoint.gaps)
    (gap,) = endpoint.gaps
    told_lines_up(gap, "connection_lost")


def test_heartbeats_that_arrive_in_halves(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="0.9.0", heartbeat=0.02, split_heartbeats=True)
    with (
        marathon.running() as url,
        relaying(url, endpoint, spool, "--dead-after", "3") as relay,
    ):
        listening(marathon)
        stored(endpoint, publish(marathon, range(100)))
        assert not relay.told("stream_ended")


def test_an_event_passes_letter_for_letter_however_it_comes(
    endpoint: Endpoint, spool: Path
) -> None:
    odd = '{"eventType" :"x","s":"ä\u2028\u0085 \\n","bad":"'.encode() + b'\xff\xfe"}'
    pieces = [
        b"data: {}",
        b"\r",
        b"\n",
        b"\r",
        b"\n\r\n",
        b"event: x\r\nda",
        b"ta: " + odd[:20],
        odd[20:] + b"\r\n\r",
        b"\n\r\n",
        b": a comment\r\n\r\n",
        b'event: y\r\ndata:{"no":"blank"}\r\n\r\n',
    ]
    with scripted(*pieces) as url, relaying(url, endpoint, spool) as relay:
        eventually(lambda: len(endpoint.records) == 3)
        assert list(endpoint.records) == [b"{}", odd, b'{"no":"blank"}']
        assert relay.stop() == 0


def test_one_line_of_10_mb_is_kept_aside_and_stops_nothing(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.5.0")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        sent = publish(marathon, range(3))
        marathon.publish(task(3, filler="x" * 10_000_000))
        large = marathon.sent[-1]
        sent += publish(marathon, range(4, 7))
        stored(endpoint, sent)
        line = relay.wait_for("kept_aside")
        assert line["bytes"] == len(large)
        assert Path(line["file"]).read_bytes() == large
        assert Path(line["file"]).parent == spool / "aside"
        assert relay.metrics()["aside_events_total"] == 1
    assert endpoint.gaps == []


def test_events_near_the_limit_of_the_api_go_alone(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.5.0")
    with marathon.running() as url, relaying(url, endpoint, spool):
        listening(marathon)
        sent = []
        for n, size in enumerate((5_242_700, 1_000_000)):
            sent += publish(marathon, range(n, n + 1), filler="x" * size)
        stored(endpoint, sent)
    assert max(map(len, endpoint.records)) > 5_200_000


def test_a_batch_too_large_for_the_api_is_split_before_anything_is_kept_aside(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    endpoint.most_bytes = 20_000
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "hang"
        sent = publish(marathon, range(60), filler="x" * 1000)
        publish(marathon, range(60, 61), filler="x" * 30_000)
        sent += publish(marathon, range(61, 70), filler="x" * 1000)
        endpoint.heal()
        stored(endpoint, sent)
        assert relay.wait_for("kept_aside")["bytes"] > 30_000
        assert relay.health()[0] == 200


def test_an_event_that_the_api_refuses_is_kept_aside_and_can_be_sent_again(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "hang"
        sent = publish(marathon, range(100))
        endpoint.malformed = {sent.pop(37)}
        endpoint.heal()
        stored(endpoint, sent)
        (bad,) = endpoint.malformed
        file = Path(relay.wait_for("kept_aside")["file"])
        assert file.read_bytes() == bad
        # The relay may go on meanwhile.
        with relaying(url, endpoint, spool, "--send-aside") as refused:
            assert refused.ended() == 1
        assert refused.told("aside_refused")[0]["reason"].endswith("no event")
        assert file.exists()
        endpoint.malformed = set()
        with relaying(url, endpoint, spool, "--send-aside") as sent_again:
            assert sent_again.ended() == 0
        assert sent_again.told("aside_done")[0]["sent"] == 1
        assert not file.exists()
        assert endpoint.events[-1] == bad


def test_a_proxy_that_takes_no_long_requests_gets_short_ones(
    endpoint: Endpoint, spool: Path
) -> None:
    """The line that is too long even alone waits, and is not put aside: a proxy can be mended."""
    marathon = SimulatedMarathon(version="1.8.180")
    endpoint.proxy_bytes = 20_000
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "hang"
        sent = publish(marathon, range(60), filler="x" * 1000)
        sent += publish(marathon, range(60, 61), filler="x" * 30_000)
        endpoint.heal()
        failed = relay.told
        eventually(lambda: any("proxies" in line["reason"] for line in failed("sending_failed")))
        stored(endpoint, sent[:60])
        endpoint.proxy_bytes = 10**9
        stored(endpoint, sent)
        assert not relay.told("kept_aside")


def test_only_the_api_s_own_answer_counts(endpoint: Endpoint, spool: Path) -> None:
    faults = ("html", "half", "too few", "moved", "unavailable", "a proxy's 400", "a proxy's 413")
    marathon = SimulatedMarathon(version="1.8.180")
    sent: list[bytes] = []
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        for n, fault in enumerate(faults, 1):
            failed = len(relay.told("sending_failed"))
            endpoint.fault = fault
            sent += publish(marathon, range(len(sent), len(sent) + 10))
            relay.wait_for("sending_failed", failed + 2)
            endpoint.heal()
            stored(endpoint, sent)
            relay.wait_for("sending_again", n)
        assert not relay.told("kept_aside")


def test_an_api_that_does_not_answer_in_time_is_asked_again(
    endpoint: Endpoint, spool: Path
) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with (
        marathon.running() as url,
        relaying(url, endpoint, spool, "--timeout", "0.3") as relay,
    ):
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "hang"
        sent = publish(marathon, range(10))
        assert "in time" in relay.wait_for("sending_failed", 2)["reason"]
        endpoint.heal()
        stored(endpoint, sent)


def test_a_revoked_token_stops_the_sending_not_the_reading(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "forbidden"
        sent = publish(marathon, range(100))
        assert "register.py --relay-env" in relay.wait_for("sending_failed")["reason"]
        eventually(lambda: relay.health()[1]["spooled"] == 100)
        assert relay.health()[0] == 503
        endpoint.heal()
        stored(endpoint, sent)


def test_sigterm_sends_what_waits_and_exits_0(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        eventually(lambda: endpoint.records)
        endpoint.fault = "unavailable"
        sent = publish(marathon, range(700))
        relay.wait_for("sending_failed")
        eventually(lambda: relay.metrics()["received_events_total"] == 701)
        endpoint.heal()
        assert relay.stop() == 0
        assert endpoint.events == sent
        assert relay.told("stopped")[0]["spooled"] == 0


def test_unsent_events_are_sent_at_the_next_start(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url:
        with relaying(url, endpoint, spool) as relay:
            listening(marathon)
            eventually(lambda: endpoint.records)
            endpoint.fault = "unavailable"
            sent = publish(marathon, range(30))
            eventually(lambda: relay.metrics()["received_events_total"] == 31)
            assert relay.stop(signal.SIGINT) == 0
            assert relay.told("stopped")[0]["spooled"] == 30
        endpoint.heal()
        with relaying(url, endpoint, spool):
            stored(endpoint, sent)
            eventually(lambda: endpoint.gaps)
    told_lines_up(endpoint.gaps[0], "relay_stopped")


def test_a_second_relay_on_the_same_spool_is_refused(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as first:
        first.wait_for("started")
        with relaying(url, endpoint, spool) as second:
            assert second.ended() == 1
        assert f"Another relay uses the spool {spool}" in "".join(second.plain)
        assert "--spool" in "".join(second.plain)


def test_health_and_metrics(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with marathon.running() as url, relaying(url, endpoint, spool) as relay:
        listening(marathon)
        sent = publish(marathon, range(20))
        stored(endpoint, sent)
        eventually(lambda: relay.metrics()["sent_events_total"] == 21)
        status, health = relay.health()
        assert status == 200
        assert {"stream", "spooled", "oldest_seconds", "last_event", "gaps"} <= health.keys()
        assert (health["stream"], health["spooled"], health["gaps"]) == (True, 0, 0)
        assert health["last_event"].endswith("Z")
        marathon.elect()
        relay.wait_for("stream_failed")
        assert relay.health()[0] == 503
        marathon.elect(url)
        eventually(lambda: relay.health()[1]["gaps"] == 1)
        eventually(lambda: relay.metrics()["received_events_total"] >= 22)
        shown = relay.metrics()
        assert shown["received_bytes_total"] > sum(map(len, sent))
        assert shown['gaps_total{cause="connection_lost"}'] == 1
        assert shown["reconnects_total"] >= 1
        assert shown["oldest_seconds"] >= 0
        assert any(name.startswith("build_info") for name in shown)


def test_no_secret_is_logged(endpoint: Endpoint, spool: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180", credentials="Basic b3BzOmh1bnRlcjI=")
    login = {"MARATHON_USER": "ops", "MARATHON_PASSWORD": "hunter3"}
    with marathon.running() as url, relaying(url, endpoint, spool, **login) as relay:
        assert "MARATHON_PASSWORD" in relay.wait_for("stream_failed")["reason"]
    with marathon.running() as url, relaying(url, endpoint, spool, **login) as relay:
        marathon.credentials = "Basic b3BzOmh1bnRlcjM="
        listening(marathon)
        relay.stop()
    shown = json.dumps(relay.lines) + "".join(relay.plain)
    assert not any(secret in shown for secret in ("hunter", TOKEN))
