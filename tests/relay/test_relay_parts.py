"""Parts of the relay that can be looked at alone: the spool, the sender's view of time, what it
tells systemd and a terminal, and that it needs nothing else of the project.
"""

import io
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ops import ROOT

import pytest

from chalicelib.web import answers
from local.marathon import SimulatedMarathon
from marathon_relay import api
from marathon_relay.backoff import Backoff
from marathon_relay.gaps import changes, gap_event
from marathon_relay.log import LINES, Log
from marathon_relay.marathon import Marathon
from marathon_relay.settings import SETTINGS
from marathon_relay.spool import Gap, Spool, SpoolError
from marathon_relay.systemd import notify
from tests.support.endpoint import Endpoint, serving
from tests.support.relay import eventually, relaying
from tests.support.web import NOBODY

GAP = Gap(1, began=1_583_136_930.0, ended=1_583_136_990.0, cause="cut_off")
INSIDE, BEFORE = "2020-03-02T08:15:45.000Z", "2020-03-02T08:15:29.000Z"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool", 10_000)
    yield made
    made.close()


def test_the_spool_gives_batches_in_order_within_their_bounds(spool: Spool) -> None:
    bodies = [b"x" * 100 for _ in range(10)]
    spool.add(bodies, 1.0, 1.0)
    assert len(spool.take(500, 350)) == 3
    assert len(spool.take(2, 5_000)) == 2
    assert len(spool.take(500, 1)) == 1
    spool.forget(spool.take(4, 5_000))
    assert [line.id for line in spool.take(500, 5_000)] == [5, 6, 7, 8, 9, 10]
    assert (spool.count, spool.oldest()) == (6, 1.0)


def test_the_spool_outlives_its_process(tmp_path: Path) -> None:
    for n in range(1, 4):
        spool = Spool(tmp_path, 10_000)
        spool.add([b"abc"], 1.0, 2.0)
        assert (spool.count, len(spool.take(500, 5_000))) == (n, n)
        spool.close()


def test_the_spool_is_full_until_it_has_drained(spool: Spool) -> None:
    spool.add([b"x" * 1000 for _ in range(10)], 1.0, 1.0)
    assert spool.full
    spool.forget(spool.take(1, 1))
    assert not spool.full
    assert not spool.drained
    spool.forget(spool.take(1, 1))
    assert spool.drained


def test_a_gap_waits_in_the_spool_until_it_is_sent(spool: Spool) -> None:
    assert spool.begin(1.0, "relay_stopped") is None
    spool.add([b"{}"], 5.0, 5.0)
    gap = spool.begin(9.0, "cut_off")
    assert gap == Gap(1, 5.0, 9.0, "cut_off")
    assert spool.gaps() == [gap]
    spool.report(gap, b"told", 10.0)
    assert spool.gaps() == []
    assert [line.body for line in spool.take(9, 99)] == [b"{}", b"told"]


def test_a_clock_that_was_set_back_makes_no_gap_that_ends_before_it_began(spool: Spool) -> None:
    spool.begin(100.0, "relay_stopped")
    gap = spool.begin(50.0, "cut_off")
    assert gap is not None
    assert (gap.began, gap.ended) == (50.0, 50.0)


def test_a_full_spool_is_reported_even_after_a_restart(spool: Spool) -> None:
    spool.begin(1.0, "relay_stopped")
    spool.note_cause("spool_full")
    gap = spool.begin(2.0, "relay_stopped")
    assert gap is not None
    assert gap.cause == "spool_full"
    gap = spool.begin(3.0, "cut_off")
    assert gap is not None
    assert gap.cause == "cut_off"


def test_the_relay_knows_by_which_codes_the_api_refuses_what_is_too_large() -> None:
    refused = {code for code, (status, _) in answers._ERRORS.items() if status in (400, 413)}  # noqa: SLF001
    assert refused == api.REFUSALS


def test_events_aside_are_bounded_too(spool: Spool) -> None:
    first = spool.put_aside(b"x" * 6_000, 1.0)
    assert first is not None
    assert first.read_bytes() == b"x" * 6_000
    assert first.stat().st_mode & 0o777 == 0o600
    assert spool.put_aside(b"y" * 6_000, 2.0) is None


def test_an_invalid_spool_is_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(SpoolError, match=r"can't be used.*--spool"):
        Spool(tmp_path, 10_000)
    with pytest.raises(SpoolError, match="--spool"):
        Spool(tmp_path / "spool.db", 10_000)


def test_a_gap_holds_what_marathon_says_of_that_time() -> None:
    simulated = SimulatedMarathon()
    for app, failed, made in (("/in", INSIDE, INSIDE), ("/before", BEFORE, BEFORE)):
        definition = {"id": app, "version": made}
        simulated.publish({"eventType": "api_post_event", "appDefinition": definition})
        failure = {"taskStatus": "TASK_FAILED", "appId": app, "host": "h", "message": "x" * 9000}
        simulated.publish({"eventType": "status_update_event", "timestamp": failed} | failure)
    with simulated.running() as url:
        found = list(changes(Marathon(url), GAP))
    assert found == [
        {
            "what": "task_failed",
            "app": "/in",
            "timestamp": INSIDE,
            "state": "TASK_FAILED",
            "host": "h",
            "message": "x" * 500,
        },
        {"what": "version_made", "app": "/in", "version": INSIDE},
    ]


def test_the_wording_of_a_gap() -> None:
    assert gap_event("r1", GAP, [], 1_583_136_991.5) == (
        b'{"eventType":"relay_gap","timestamp":"2020-03-02T08:16:31.500Z","relay":"r1",'
        b'"from":"2020-03-02T08:15:30.000Z","to":"2020-03-02T08:16:30.000Z","cause":"cut_off",'
        b'"changed":[]}'
    )


def test_a_gap_is_reported_whatever_marathon_says_of_it() -> None:
    strange = {"what": "task_failed", "message": "\ud800"}
    assert b'"message":"?"' in gap_event("r1", GAP, [strange], 1_583_136_991.5)


def test_waits_grow_up_to_the_longest_and_are_never_all_alike() -> None:
    backoff = Backoff(1.0, 8.0)
    waits = [backoff.next() for _ in range(6)]
    bounds = [1, 2, 4, 8, 8, 8]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, bounds, strict=True))
    backoff.reset()
    assert backoff.next() <= 1.0
    assert len({Backoff(1.0, 8.0).next() for _ in range(20)}) > 1


def test_escapes_from_outside_never_reach_the_terminal() -> None:
    out = io.StringIO()
    Log(out, as_json=False).write("stream_ended", reason="\x1b[31mred\nnext")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_systemd_is_notified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        marathon = SimulatedMarathon(version="1.8.180")
        variables = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with (
            serving(Endpoint()) as endpoint,
            marathon.running() as url,
            relaying(url, endpoint, tmp_path / "spool", **variables) as relay,
        ):
            assert systemd.recv(99) == b"READY=1"
            assert systemd.recv(99) == b"WATCHDOG=1"
            relay.process.send_signal(signal.SIGTERM)
            while (told := systemd.recv(99)) == b"WATCHDOG=1":
                pass
            assert told == b"STOPPING=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")  # systemd that is gone is no failure


def test_it_runs_where_nothing_else_of_the_project_is(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "marathon_relay", tmp_path / "marathon_relay")
    command = [sys.executable, "-m", "marathon_relay", "--help"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    for setting in SETTINGS:
        if setting.option:
            assert f"{setting.option} {setting.metavar}" in shown
            assert setting.name in shown


def test_on_a_terminal_there_is_a_line_of_progress(tmp_path: Path) -> None:
    marathon = SimulatedMarathon(version="1.8.180")
    with serving(Endpoint()) as endpoint, marathon.running() as url:
        ours, its = pty.openpty()
        variables = {
            "RELAY_MARATHON": url,
            "RELAY_URL": endpoint.url,
            "RELAY_TOKEN": "t" * 43,
            "RELAY_SPOOL": str(tmp_path / "spool"),
        }
        process = subprocess.Popen(
            [sys.executable, "scripts/relay.py"], cwd=ROOT, env=os.environ | variables, stderr=its
        )
        os.close(its)
        eventually(lambda: endpoint.records)
        shown = b""
        while b"sent: 1" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        os.close(ours)
    assert b"\r\x1b[Klistening" in shown


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["--marathon", "nowhere"], 2, "RELAY_MARATHON"),
        (["--listen", "127.0.0.1:{port}"], 1, "RELAY_LISTEN (--listen)"),
        (["--spool", "/proc/none"], 1, "--spool"),
    ],
)
def test_it_does_not_start_with_what_it_can_t_use(
    tmp_path: Path, options: list[str], status: int, told: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, serving(Endpoint()) as endpoint:
        made = [option.format(port=taken.getsockname()[1]) for option in options]
        with relaying(NOBODY, endpoint, tmp_path / "spool", *made) as relay:
            assert relay.ended() == status
    (line,) = relay.plain
    assert line.startswith("Error: ")
    assert told in line


def test_each_setting_line_and_metric_is_documented(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "relay.md").read_text("utf-8")
    for setting in SETTINGS:
        assert f"`{setting.name}`" in text
        assert not setting.option or f"`{setting.option}`" in text
    for name in LINES:
        assert f"`{name}`" in text
    marathon = SimulatedMarathon(version="1.8.180")
    with (
        serving(Endpoint()) as endpoint,
        marathon.running() as url,
        relaying(url, endpoint, tmp_path / "spool") as relay,
    ):
        eventually(lambda: relay.metrics()["sent_events_total"] == 1)
        names = {name.partition("{")[0] for name in relay.metrics()}
        for name in names:
            assert name.endswith("_created") or f"`{name}`" in text
