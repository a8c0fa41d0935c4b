"""What a real Marathon sent when a container was created and when it was deleted, all the way."""

import json
import subprocess
import sys

from ops import ROOT
from ops.cli import Failure

import events
import pytest
import register
import run

from chalicelib.records.record import Record
from chalicelib.services.store import Store
from local.marathon import SimulatedMarathon
from local.scenario import CREATED, DELETED, EXAMPLE
from local.system import System

SEQUENCE = [*CREATED, *DELETED]


@pytest.fixture
def registered(running: System, url: str) -> System:
    args = ["--stage", running.stage.name, "--url", running.api, "--marathon", url]
    assert register.main(args) == 0
    return running


def test_each_event_is_stored_once_and_notified_once_in_words_however_often_it_is_sent(
    registered: System, marathon: SimulatedMarathon
) -> None:
    for event in [EXAMPLE, *SEQUENCE] * 2:
        marathon.publish(event)
    marathon.settle()
    assert registered.journal.wait_for(16, 60)
    assert marathon.counts.statuses == [200] * 31
    assert registered.journal.notified == dict.fromkeys(registered.journal.records, 1)
    assert len(registered.journal.records) == 16
    store = registered.stage.store

    def titles(subject: str) -> list[str]:
        # Without the pointers to deployments, which fan-out may not have written yet.
        found = store.timeline("prod", subject)
        return [each.title for each in found if each.subject == subject]

    definition = "Definition of /my-app submitted by 10.0.9.4: 2 instances, 0.2 CPUs, 32 MB"
    assert titles("app:/my-app") == [
        "App /my-app was deleted",
        "Task of /my-app was killed on node-1.example.net: "
        "Command terminated with signal Terminated",
        "Task of /my-app is running on node-1.example.net",
        definition,
        definition,
    ]
    assert titles("group:/") == ["Change in group / accepted"] * 2
    created, deleted = CREATED[-1]["id"], DELETED[-1]["id"]
    assert sorted(titles(f"deployment:{created}")) == [
        "Deployment of /my-app succeeded",
        "Deployment step 1 of 2 began: start /my-app",
        "Deployment step 1 of 2 succeeded: start /my-app",
        "Deployment step 2 of 2 began: scale /my-app to 2 instances",
        "Deployment step 2 of 2 succeeded: scale /my-app to 2 instances",
    ]
    assert sorted(titles(f"deployment:{deleted}")) == [
        "Deployment of /my-app succeeded",
        "Deployment step 1 of 1 began: stop /my-app",
        "Deployment step 1 of 1 succeeded: stop /my-app",
    ]
    assert titles("marathon") == ["Event subscription for 127.0.0.1 added by 127.0.0.1"]


def test_operators_see_what_happened(
    registered: System, marathon: SimulatedMarathon, capsys: pytest.CaptureFixture[str]
) -> None:
    for event in SEQUENCE:
        marathon.publish(event)
    marathon.settle()
    assert registered.journal.wait_for(15, 60)
    capsys.readouterr()
    stage = ["--stage", registered.stage.name]

    assert events.main([*stage, "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["id"] for each in listed] == sorted((each["id"] for each in listed), reverse=True)
    assert len(listed) == 15

    narrow = ["--app", "my-app", "--severity", "notice", "--since", "2016-04-24T09:30:00Z"]
    assert events.main([*stage, "list", *narrow]) == 0
    lines = capsys.readouterr().out.splitlines()
    titles = sorted(line[35:].rsplit("  ", 1)[0] for line in lines)
    assert titles == [
        "App /my-app was deleted",
        "Deployment of /my-app succeeded",
        "Task of /my-app was killed on node-1.example.net: "
        "Command terminated with signal Terminated",
    ]

    killed = lines[2].split()[-1]
    assert events.main([*stage, "show", killed, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["event"] == SEQUENCE[10]
    assert shown["status"] == "TASK_KILLED"

    assert events.main([*stage, "show", killed]) == 0
    assert '"taskStatus": "TASK_KILLED"' in capsys.readouterr().out

    with pytest.raises(Failure, match="has no event 2016"):
        events.main([*stage, "show", killed[:-16] + "0" * 16])


def test_make_run_once_is_a_check() -> None:
    """Here through the relay; CI runs it through callbacks."""
    command = [sys.executable, "scripts/run.py", "--once", "--stream"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "51 events sent, 51 stored, 51 notified"
    assert "token=" not in done.stdout + done.stderr
    (gap,) = [line for line in lines if "was not listening" in line]
    assert "Marathon's leader changed" in gap


def test_an_event_that_is_lost_on_the_way_fails_the_check(
    running: System, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: Store, record: Record) -> str:
        return "new" if record.type == "app_terminated_event" else real(self, record)

    real, journal = Store.put, running.journal
    monkeypatch.setattr(Store, "put", lose)
    # All the others come, however slow this machine is.
    wait_for = journal.wait_for
    monkeypatch.setattr(journal, "wait_for", lambda count, seconds: wait_for(count - 1, 60))
    args = ["--stage", running.stage.name, "--url", running.api, "--marathon", url]
    assert register.main(args) == 0
    with pytest.raises(Failure, match="1 events are missing"):
        run.once(marathon, journal)
