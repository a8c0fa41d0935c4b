"""The relay and the listener together: what Marathon's stream sent is stored and notified, once."""

import json
from collections import Counter
from pathlib import Path

from chalicelib.services import aws
from local import relayed
from local.marathon import SimulatedMarathon
from local.system import System
from tests.support.faults import injected, no_connection


def test_streamed_events_are_stored_and_notified_once_through_an_outage_of_the_table(
    running: System, tmp_path: Path
) -> None:
    marathon = SimulatedMarathon(version="1.5.8", framework_id="f")
    with (
        marathon.running() as url,
        (tmp_path / "log").open("w") as log,
        relayed.relay(marathon, [url], running.stage, running.api, "prod", log),
    ):
        publish(marathon, 0, 15)
        assert running.journal.wait_for(15, 60)
        with injected(aws.dynamodb(urgent=True), "PutItem", no_connection):
            publish(marathon, 15, 30)
            assert running.journal.wait_for(30, 60)  # by the spill queue
        running.functions.ingest().guard.close()
        publish(marathon, 30, 45)
        marathon.settle()
        assert running.journal.wait_for(len(marathon.sent), 60)
    apps = Counter(
        record.app for record in running.journal.records.values() if record.app is not None
    )
    assert apps == {f"/a{n}": 1 for n in range(45)}
    assert set(running.journal.notified.values()) == {1}
    for record in running.stage.store.timeline("prod", "app:/a20"):
        whole = running.stage.store.get("prod", record.id)
        assert whole is not None
        assert whole.body in marathon.sent
        assert json.loads(whole.body)["appId"] == "/a20"


def publish(marathon: SimulatedMarathon, begin: int, end: int) -> None:
    for n in range(begin, end):
        time = f"2016-04-24T09:00:{n:02d}.000Z"
        marathon.publish(
            {"appId": f"/a{n}", "eventType": "app_terminated_event", "timestamp": time}
        )
