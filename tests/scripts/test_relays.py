"""What the scripts say of a relay: register.py lists and checks it, the doctor asks what waits."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from ops.cli import Failure
from ops.marathon import registration

import doctor
import pytest
import register

from chalicelib import times
from chalicelib.services.clusters import Cluster
from local import relayed
from local.marathon import Queued, SimulatedMarathon
from local.system import System
from tests.support.desk import args
from tests.support.web import NOBODY

WEB = {
    "id": "/shop/web",
    "instances": 5,
    "mem": 4096,
    "constraints": [["hostname", "UNIQUE"]],
    "env": {"DB_PASSWORD": "correct horse"},
}


@pytest.fixture
def marathon() -> SimulatedMarathon:
    return SimulatedMarathon(name="prod", version="1.8.180", framework_id="f-1")


def waits() -> Queued:
    since = times.now() - timedelta(minutes=4)
    declined = {"UnfulfilledConstraint": 1, "InsufficientMemory": 14}
    return Queued(WEB, 3, since, agents=15, declined=declined)


def test_a_relays_findings_are_stored_and_register_lists_and_checks_it(
    running: System,
    marathon: SimulatedMarathon,
    url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queued = waits()
    marathon.queue = [queued]
    with (
        (tmp_path / "log").open("w") as log,
        relayed.relay(marathon, [url], running.stage, running.api, "prod", log),
    ):
        assert running.journal.wait_for(2, 60)  # the stream's own event, and what waits
        assert register.main(args(running, url, "--list")) == 0
        listed = capsys.readouterr().out
        assert register.main(args(running, url, "--list", "--json")) == 0
        (first, *_) = capsys.readouterr().out.splitlines()
        assert register.main(args(running, url, "--check")) == 0
        checked = capsys.readouterr().out
        # A quiet Marathon is made to send an event.
        assert register.main(args(running, url, "--check", "--within", "0s")) == 0
        assert "only quiet" in capsys.readouterr().out
    said = json.loads(first)
    assert said["cluster"] == "prod"
    for shown in (listed, checked):
        assert f"A relay ({said['relay']}) brings the events of cluster prod." in shown
        assert said["newest"] in shown
    (record,) = running.stage.store.timeline("prod", "app:/shop/web")
    assert (record.type, record.severity) == ("relay_waiting", "warning")
    assert record.title == (
        f"3 instances of /shop/web wait for offers since {queued.since:%H:%M}: 14 of 15 agents "
        "have too little memory"
    )
    whole = running.stage.store.get("prod", record.id)
    assert whole is not None
    assert b"correct horse" not in whole.body


def test_a_check_fails_where_the_relay_does_not_run(served: System, url: str) -> None:
    with registration.relay_token(served.stage, Cluster("prod", url, "f-1"), force=False):
        pass
    with pytest.raises(Failure, match=r"No event of cluster prod ever came.*/health"):
        register.main(args(served, url, "--check", "--timeout", "0.5"))


def test_a_marathon_that_calls_back_is_checked_by_its_subscription(
    served: System, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a relay runs beside it, for the queue alone."""
    old = SimulatedMarathon(name="prod", version="1.4.13", framework_id="f-1")
    with old.running() as url:
        assert register.main(args(served, url)) == 0
        assert "docs/relay.md" in capsys.readouterr().err
        with registration.relay_token(served.stage, Cluster("prod", url, "f-1"), force=False):
            pass
        assert register.main(args(served, url, "--check")) == 0
    assert "is subscribed" in capsys.readouterr().out


def examined(url: str, app: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = doctor.main(["--marathon", url, "--app", app, "--json"])
    (finding,) = map(json.loads, capsys.readouterr().out.splitlines())
    return status, finding


def test_the_doctor_says_why_nothing_launches(
    marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    queued = waits()
    marathon.queue = [Queued({"id": "/other"}, 1), queued]
    status, finding = examined(url, "shop/web", capsys)
    assert status == 1
    assert (finding["level"], finding["what"]) == ("warning", "app-waiting")
    assert finding["message"] == (
        f"/shop/web: 3 of 5 instances wait since {queued.since:%H:%M}: 14 of 15 agents have too "
        "little memory (4 GB wanted); the last meets no constraint `hostname UNIQUE`."
    )
    assert "agents that have more" in finding["remedy"]
    marathon.queue = [Queued(WEB, 3, delay=840)]
    assert "DELETE /v2/queue/shop/web/delay" in examined(url, "/shop/web", capsys)[1]["remedy"]


def test_the_doctor_knows_what_does_not_wait_and_what_does_not_exist(
    marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    marathon.publish({"eventType": "api_post_event", "appDefinition": {"id": "/shop/web"}})
    status, finding = examined(url, "/shop/web", capsys)
    assert (status, finding["what"]) == (0, "app-launched")
    status, finding = examined(url, "/shop/wbe", capsys)
    assert (status, finding["what"]) == (1, "app-unknown")


def test_the_doctor_says_why_a_queue_can_t_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with SimulatedMarathon(version="0.6.1").running() as url:
        status, finding = examined(url, "/a", capsys)
    assert (status, finding["what"]) == (1, "marathon-refused")
    assert "shows no queue" in finding["message"]
    _, finding = examined(NOBODY, "/a", capsys)
    assert finding["what"] == "marathon-unreachable"


def test_an_app_without_a_marathon_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        doctor.main(["--app", "/a"])
    assert "--marathon URL" in capsys.readouterr().err
