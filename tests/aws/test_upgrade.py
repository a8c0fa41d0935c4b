"""An upgrade over a stage of the first version: what its table holds is read as before.

``fixtures/stage-0.1.json`` was written by the code of that version; its parts of a body are small.
"""

import base64
import json
import re
from collections import defaultdict
from typing import Any

from ops import ROOT
from ops.deploying.upgrade import upgrade
from ops.stage import deployed
from ops.stage.clients import client
from ops.stage.resources import Stage

import events
import pytest

import marathon_relay
from chalicelib import VERSION, history, log
from chalicelib.history import Wanted
from local import functions
from local.functions import Stream
from local.journal import Journal
from local.subscriber import listening
from tests.support.cluster import at, task
from tests.support.night import Night, every_minute

OLD = json.loads((ROOT / "tests" / "fixtures" / "stage-0.1.json").read_text())
BODIES: dict[str, str] = OLD["bodies"]


@pytest.fixture
def old(stage: Stage) -> Stage:
    """A stage with the table of the first version."""
    for item in OLD["items"]:
        if "body" in item:
            item = item | {"body": {"B": base64.b64decode(item["body"]["B"])}}
        client("dynamodb").put_item(TableName=stage.table_name, Item=item)
    return stage


def test_records_are_read_whole_and_in_order(old: Stage) -> None:
    wanted = Wanted(("prod",))
    found = [record.id for record in history.newest_first(old.store, wanted)]
    assert found == sorted(BODIES, reverse=True)
    for id_, body in BODIES.items():
        record = old.store.get("prod", id_)
        assert record
        assert record.body.decode() == body


def test_the_scripts_list_and_show_them(old: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    events.main(["list", "--stage", old.name, "--json"])
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["id"] for each in listed] == sorted(BODIES, reverse=True)
    for id_ in BODIES:
        assert events.main(["show", "--stage", old.name, id_]) == 0


@pytest.mark.usefixtures("unhurried")
def test_its_tokens_are_let_in_and_its_records_are_known_as_duplicates(old: Stage) -> None:
    ingest = functions.load(old).ingest()
    assert ingest.receive(OLD["token"], b'{"eventType": "x"}').outcome == "new"
    timed = {id_: body for id_, body in BODIES.items() if "timestamp" in body}
    for id_, body in timed.items():
        receipt = ingest.receive(OLD["token"], body.encode())
        assert (receipt.outcome, receipt.id) == ("duplicate", id_)
    assert len(timed) == len(BODIES) - 1


def test_waiting_events_are_notified_after_the_upgrade(old: Stage) -> None:
    journal = Journal()
    with listening(old, journal.heard):
        stream = Stream(functions.load(old), old)
        while stream.pump():
            pass
        journal.wait_until(lambda: len(journal.notified) == len(BODIES), 10)
    assert set(journal.notified) == set(BODIES)


def test_its_api_and_its_clusters_are_known(old: Stage) -> None:
    assert deployed.api_url(old) == "https://abcdefghij.execute-api.us-east-1.amazonaws.com/dev"
    assert deployed.read_code(old) is None
    (cluster,) = old.clusters.all()
    assert (cluster.name, cluster.framework_id) == ("prod", "framework-1")


def test_incidents_open_in_1_0_0_are_carried_over(stage: Stage) -> None:
    night = Night(stage)
    night.arrive(task(at("00:10:00"), "/told", 1, "TASK_FAILED"), at("00:10:00"))
    night.arrive(task(at("00:10:00"), "/untold", 1, "TASK_FAILED"), at("00:10:00"))
    for each in stage.incidents.read().incidents:
        stage.incidents.forget(each)
    for app, told in (("/told", True), ("/untold", False)):
        item = {
            "pk": "#trouble",
            "sk": f"prod|app:{app}",
            **dict.fromkeys(("since", "last", "opened", "heard"), "2026-03-02T00:10:00.000Z"),
            "severity": "error",
            "title": "Task failed",
        }
        if told:
            item["told_at"] = "2026-03-02T00:12:20.000Z"
        stage.table.put({name: {"S": value} for name, value in item.items()})
    upgrade(stage)
    night.look_at(*every_minute(at("00:13:20"), 20))
    heard: dict[str, list[str]] = defaultdict(list)
    for message in night.heard:
        heard[message.apps[0]].append(message.state)
    assert heard == {"/untold": ["opened", "ongoing"], "/told": ["ongoing"]}


def test_there_is_one_version_of_all() -> None:
    assert marathon_relay.VERSION == VERSION
    text = (ROOT / "CHANGELOG.md").read_text()
    newest, released = re.findall(r"^## (\S+)", text, re.MULTILINE)[:2]
    if newest != "Unreleased":
        assert newest == VERSION
    assert _numbers(released) < _numbers(VERSION)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def test_every_line_of_the_log_names_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("x")
    log.metrics({"Stored": 1})
    lines: list[Any] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["version"] for line in lines] == [VERSION] * 2
    (described,) = lines[1]["_aws"]["CloudWatchMetrics"]
    assert described["Dimensions"] == [["Function"]]
