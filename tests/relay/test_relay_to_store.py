"""The relay and the listener together: what Marathon's stream sent is stored and notified, once."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

from chalicelib import times
from chalicelib.services import aws
from local import relayed
from local.marathon import Queued, SimulatedMarathon
from local.system import System
from tests.support.faults import injected, no_connection


def test_what_the_stream_sent_is_stored_and_notified_once_also_while_the_table_is_unavailable(
    running: System, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.5.8", framework_id="f")
    with (
        marathon.running() as url,
        (tmp_path / "log").open("w") as log,
        relayed.relay(marathon, [url], running.stage, running.api, "prod", log),
    ):
        publish(marathon, 0, 60)
        assert running.journal.wait_for(60, 30)
        with injected(aws.dynamodb(urgent=True), "PutItem", no_connection):
            publish(marathon, 60, 120)
            assert running.journal.wait_for(120, 30)  # by the spill queue
        running.functions.ingest().guard.close()
        publish(marathon, 120, 180)
        marathon.settle()
        assert running.journal.wait_for(len(marathon.sent), 30)
    apps = Counter(
        record.app for record in running.journal.records.values() if record.app is not None
    )
    assert apps == {f"/a{n}": 1 for n in range(180)}
    assert set(running.journal.notified.values()) == {1}
    for record in running.stage.store.timeline("prod", "app:/a90"):
        whole = running.stage.store.get("prod", record.id)
        assert whole is not None
        assert whole.body in marathon.sent
        assert json.loads(whole.body)["appId"] == "/a90"


def publish(marathon: SimulatedMarathon, begin: int, end: int) -> None:
    for n in range(begin, end):
        time = f"2016-04-24T09:{n // 60:02d}:{n % 60:02d}.000Z"
        marathon.publish(
            {"appId": f"/a{n}", "eventType": "app_terminated_event", "timestamp": time}
        )


def test_what_waits_in_the_queue_is_stored_and_said_in_words(
    running: System, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.11.0", framework_id="f")
    since = times.now() - timedelta(minutes=4)
    web = {"id": "/shop/web", "instances": 5, "env": {"DB_PASSWORD": "correct horse"}}
    declined = {"InsufficientMemory": 14, "UnfulfilledConstraint": 1}
    marathon.queue = [Queued(web, 3, since, agents=15, declined=declined)]
    with (
        marathon.running() as url,
        (tmp_path / "log").open("w") as log,
        relayed.relay(marathon, [url], running.stage, running.api, "prod", log),
    ):
        assert running.journal.wait_until(
            lambda: "relay_waiting" in {each.type for each in running.journal.records.values()}, 30
        )
    (record,) = running.stage.store.timeline("prod", "app:/shop/web")
    assert (record.type, record.severity) == ("relay_waiting", "warning")
    assert record.title == (
        f"3 instances of /shop/web wait for offers since {since:%H:%M}: 14 of 15 agents have too "
        "little memory"
    )
    whole = running.stage.store.get("prod", record.id)
    assert whole is not None
    assert b"correct horse" not in whole.body
