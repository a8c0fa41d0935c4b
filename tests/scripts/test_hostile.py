"""What comes from outside is hostile: it reaches no terminal as it is, and stops no command."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ops.stage.clients import client
from ops.stage.resources import Stage

import events
import pytest
import register

from chalicelib.services.clusters import Cluster
from local.marathon import SimulatedMarathon
from local.system import System
from marathon_relay.marathon import Marathon, MarathonError
from tests.support.haste import slowly
from tests.support.records import record_from
from tests.support.web import answering

# An escape, a C1 control, marks that turn the direction, and rich's own markup.
NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnirts\u2066[/red][bold]"
INVISIBLE = set("\x1b\x07\x9b\u202e\u2066\r")


@pytest.fixture
def nasty(stage: Stage) -> str:
    """An event full of it; its id."""
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    event = {"eventType": "new\x1b[2J", "appId": f"/{NASTY}", "note": NASTY}
    found = record_from(json.dumps(event | {"timestamp": "2016-04-24T09:00:00Z"}).encode())
    raw = record_from(f'{{"note": "{NASTY}"'.encode())
    unescaped = json.dumps({"eventType": "x", "note": "\x9b\u202e"}, ensure_ascii=False)
    for each in (found, raw, record_from(unescaped.encode())):
        stage.store.put(each)
        stage.store.note_day("prod", each.timestamp[:10])
    return found.id


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_no_escape_of_an_event_reaches_the_terminal(
    stage: Stage, nasty: str, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["--stage", stage.name]
    assert events.main([*base, "list", *more]) == 0
    listed = capsys.readouterr().out
    ids = {record.id for record in stage.store.feed("prod", "2016-04-24")} | {nasty}
    ids |= {record.id for record in stage.store.feed("prod", "2026-01-02")}
    assert len(ids) == 3
    for each in ids:
        assert events.main([*base, "show", each, *more]) == 0
    shown = listed + capsys.readouterr().out
    assert not INVISIBLE & set(shown)
    assert "red" in shown
    if more:
        for line in shown.splitlines():
            json.loads(line)


def test_no_escape_of_a_parked_message_reaches_the_terminal(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = {"kind": "parked", "pk": f"p|{NASTY}", "sk": "1", "reason": NASTY}
    for body in (json.dumps(letter), "{" * 3000, json.dumps({"kind": ["\x1b"]})):
        queue = stage.dead_letter_queue_url
        client("sqs").send_message(QueueUrl=queue, MessageBody=body)
    for more in ([], ["--json"]):
        assert events.main(["--stage", stage.name, "parked", *more]) == 0
    shown = capsys.readouterr().out
    assert not INVISIBLE & set(shown)
    assert len(shown.splitlines()) == 6


def test_foreign_subscriptions_and_what_marathon_says_of_itself_stop_nothing(
    served: System, capsys: pytest.CaptureFixture[str]
) -> None:
    marathon = SimulatedMarathon(name="prod", version="1.4[/red]\x1b", framework_id="f\x1b[2J")
    with marathon.running() as url:
        for foreign in ("http://[x/", f"http://h/{NASTY}", "", "no url"):
            marathon.subscribe(foreign, "192.0.2.1")
        marathon.settle()
        args = ["--stage", served.stage.name, "--url", served.api, "--marathon", url]
        assert register.main([*args]) == 0
        assert register.main([*args, "--list"]) == 0
        shown = capsys.readouterr()
        assert "an invalid URL  (another listener)" in shown.out
        assert "1.4[/red]" in shown.err
        printed = [line for line in shown.out.splitlines() if not line.startswith("{")]
        assert not INVISIBLE & set("".join(printed) + shown.err)


def test_json_nested_deeper_than_python_reads_is_not_taken_for_a_marathon() -> None:
    with (
        answering(200, b"[" * 100_000) as url,
        pytest.raises(MarathonError, match="not a Marathon"),
    ):
        Marathon(url).info()


@contextmanager
def flooding(pause: float, size: int) -> Iterator[tuple[str, threading.Event]]:
    """A server whose answer never ends; an event that is set when its client has gone."""
    gone = threading.Event()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            try:
                while True:
                    connection.sendall(b" " * size)
                    slowly(pause)
            except OSError:
                gone.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", gone


def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with flooding(0, 1_000_000) as (url, gone):
        with pytest.raises(MarathonError, match="larger than"):
            Marathon(url).info()
        assert gone.wait(60)


def test_an_answer_that_comes_too_slowly_is_cut_off() -> None:
    with (
        flooding(0.05, 1) as (url, _),
        pytest.raises(MarathonError, match="no answer in time"),
    ):
        Marathon(url, answer_seconds=1).info()
