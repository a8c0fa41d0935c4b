"""A registration that can be trusted: a penalty is noticed, ended, and proved to have ended."""

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.cli import Failure
from ops.marathon import registration
from ops.stage.resources import Stage

import pytest
import register

from chalicelib import ingest
from chalicelib.records.record import Record
from chalicelib.services import aws
from local.marathon import SimulatedMarathon
from local.system import System
from marathon_relay import settings
from marathon_relay.marathon import Marathon
from tests.support.desk import args
from tests.support.faults import injected, no_connection
from tests.support.web import NOBODY


@pytest.fixture
def marathon() -> SimulatedMarathon:
    return SimulatedMarathon(name="prod", version="1.4.13", framework_id="f-1")


@contextmanager
def nothing_takes_events() -> Iterator[threading.Event]:
    """Neither table nor queue: Marathon is answered 503, once this event is set."""
    now = threading.Event()

    def then_no_connection(request: Any, **more: Any) -> Any:
        now.wait(60)
        return no_connection(request, **more)

    with (
        pytest.MonkeyPatch.context() as patched,
        injected(aws.dynamodb(urgent=True), "PutItem", then_no_connection),
        injected(aws.sqs(urgent=True), "SendMessage", no_connection),
    ):
        patched.setattr(ingest, "REQUEST_SECONDS", 0.3)
        yield now


@pytest.fixture
def penalised(served: System, marathon: SimulatedMarathon, url: str) -> System:
    """A registered system to which Marathon sends nothing for some 17 minutes."""
    assert register.main(args(served, url)) == 0
    with nothing_takes_events() as now:
        for n in range(10):  # ten on their way, and each that fails doubles the penalty
            marathon.publish({"eventType": "app_terminated_event", "appId": f"/lost-{n}"})
        now.set()
        marathon.settle()
    assert marathon.counts.failed == 10
    served.functions.ingest().guard.close()
    return served


def test_revive_ends_the_penalty_and_proves_it(
    penalised: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (before,) = marathon.urls
    assert register.main(args(penalised, url, "--revive")) == 0
    assert "Cluster prod sends again" in capsys.readouterr().out
    assert marathon.urls == [before]
    skipped = marathon.counts.skipped
    marathon.publish({"eventType": "app_terminated_event", "appId": "/after"})
    marathon.settle()
    assert marathon.counts.skipped == skipped


def test_a_marathon_that_does_not_unsubscribe_stays_subscribed(
    served: System, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.main(args(served, url))
    monkeypatch.setattr(marathon, "unsubscribe", lambda url, client: {"timestamp": ""})
    with pytest.raises(Failure, match="still lists the URL"):
        register.main(args(served, url, "--revive", "--timeout", "0.5"))
    assert len(marathon.urls) == 1


def test_nothing_to_revive(served: System, url: str) -> None:
    with pytest.raises(Failure, match="is not subscribed at"):
        register.main(args(served, url, "--revive"))


def test_a_check_is_satisfied_by_a_recent_event_asks_for_one_and_subscribes_again(
    served: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main(args(served, url))
    sent = len(marathon.sent)
    capsys.readouterr()
    assert register.main(args(served, url, "--check")) == 0
    assert "its last event came at" in capsys.readouterr().out
    assert len(marathon.sent) == sent
    assert register.main(args(served, url, "--check", "--within", "0s")) == 0
    assert "only quiet" in capsys.readouterr().out
    for each in marathon.urls:
        marathon.unsubscribe(each, "192.0.2.1")
    with pytest.raises(Failure, match="is not subscribed at"):
        register.main(args(served, url, "--check"))
    assert register.main(args(served, url, "--check", "--repair")) == 0
    assert len(marathon.urls) == 1


def test_register_and_a_check_name_a_penalty_and_repair_ends_it(
    penalised: System,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    meters = Marathon(url).callback_meters()
    assert meters["failed-callbacks"] == 10
    assert meters["skipped-callbacks"] >= 0
    silent = "sends nothing to this URL for now"
    with pytest.raises(Failure, match=f"{silent}.* End that with --revive"):
        register.main(args(penalised, url, "--timeout", "0.5"))
    check = ["--check", "--within", "0s"]
    with pytest.raises(Failure, match=silent):
        register.main(args(penalised, url, *check, "--timeout", "0.5"))
    # As long as Marathon is silent, any wait is in vain; the proof may take its time.
    wait, waits = registration.wait_for_event, iter([0.1, 60])

    def waiting(stage: Stage, made: registration.Registration, seconds: float) -> Record | None:
        return wait(stage, made, next(waits))

    monkeypatch.setattr(registration, "wait_for_event", waiting)
    assert register.main(args(penalised, url, *check, "--repair")) == 0
    assert "sends again" in capsys.readouterr().out


def test_the_address_that_answers_is_used(
    served: System, marathon: SimulatedMarathon, url: str
) -> None:
    assert register.main(args(served, f"{NOBODY},{url}")) == 0
    (cluster,) = served.stage.clusters.all()
    assert cluster.marathon_url == f"{NOBODY},{url}"
    # Either address alone is still the same Marathon.
    assert register.main(args(served, url)) == 0
    assert len(marathon.urls) == 1


def test_a_relay_joins_the_cluster_that_its_marathon_is_registered_as(
    served: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modern = SimulatedMarathon(name="marathon", version="1.8.180", framework_id="f-2")
    first, second, third = (tmp_path / name for name in ("1.env", "2.env", "3.env"))
    with modern.running() as url:
        register.main(args(served, url, "--relay-env", str(first), "--cluster", "shop"))
        assert register.main(args(served, url, "--relay-env", str(second))) == 0
        with pytest.raises(Failure, match="registered already, as cluster shop"):
            register.main(args(served, url, "--relay-env", str(third), "--cluster", "other"))
    assert [each.name for each in served.stage.clusters.all()] == ["shop"]
    assert {each.cluster for each in served.stage.tokens.all()} == {"shop"}
    assert not third.exists()


def test_a_token_whose_file_cannot_be_written_is_revoked(served: System) -> None:
    modern = SimulatedMarathon(name="prod", version="1.8.180", framework_id="f-2")
    with modern.running() as url, pytest.raises(Failure, match="can't be written"):
        register.main(args(served, url, "--relay-env", "/proc/relay.env"))
    (token,) = served.stage.tokens.all()
    assert token.revoked_at is not None


def test_without_callbacks_the_next_command_is_named_and_works(
    served: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modern = SimulatedMarathon(name="prod", version="1.8.180", framework_id="f-2")
    file = tmp_path / "relay.env"
    with modern.running() as url:
        with pytest.raises(Failure, match="--relay-env FILE"):
            register.main(args(served, url))
        assert register.main(args(served, url, "--relay-env", str(file))) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        shown = capsys.readouterr()
        made = settings.read(["--env-file", str(file)], {})
        assert (made.marathon, made.url) == ((url,), served.api)
        assert made.token not in shown.out + shown.err
        (token,) = served.stage.tokens.all()
        assert (token.role, token.cluster) == ("publisher", "prod")
        with pytest.raises(Failure, match="exists already"):
            register.main(args(served, url, "--relay-env", str(file)))
    assert len(served.stage.tokens.all()) == 1
