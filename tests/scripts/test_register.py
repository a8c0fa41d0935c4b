"""Registering, as an operator does it: scripts/register.py against a Marathon over real HTTP."""

import json
import threading
from typing import Any

from ops.cli import Failure
from ops.stage.resources import Stage

import pytest
import register

from chalicelib.services import tokens
from local.marathon import SimulatedMarathon
from local.system import System
from tests.support.desk import args
from tests.support.web import NOBODY, answering


def test_registering_subscribes_and_proves_it(
    served: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert register.main(args(served, url)) == 0
    shown = capsys.readouterr()
    (subscribed,) = marathon.urls
    token = subscribed.removeprefix(f"{served.api}/callback?token=")
    assert tokens.well_formed(token)
    assert "Registered cluster prod: its subscribe_event is in the table" in shown.out
    assert "The round trip took" in shown.out
    assert token not in shown.out + shown.err
    (kept,) = served.stage.tokens.all()
    assert (kept.hash, kept.role, kept.cluster) == (tokens.hash_of(token), "publisher", "prod")
    (cluster,) = served.stage.clusters.all()
    assert (cluster.name, cluster.marathon_url, cluster.framework_id) == ("prod", url, "f-1")


def test_registering_twice_subscribes_once(
    served: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert register.main(args(served, url)) == 0
    assert len(marathon.urls) == 1
    assert len(served.stage.tokens.all()) == 1
    assert "Already subscribed" in capsys.readouterr().err


def test_a_subscription_that_we_would_refuse_is_replaced(
    served: System, marathon: SimulatedMarathon, url: str
) -> None:
    marathon.subscribe(f"{served.api}/callback?token={'A' * 43}", "192.0.2.1")
    marathon.subscribe("http://another.example/listener", "192.0.2.1")
    assert register.main(args(served, url, "--no-verify")) == 0
    assert "http://another.example/listener" in marathon.urls
    assert len(marathon.urls) == 2
    assert not any("AAAA" in each for each in marathon.urls)


def test_list_and_remove(
    served: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main(args(served, url))
    marathon.subscribe("http://u:pw@another.example/in?secret=1", "192.0.2.1")
    capsys.readouterr()
    assert register.main(args(served, url, "--list")) == 0
    # The functions of this process print their log there too.
    shown = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("{")]
    (token,) = served.stage.tokens.all()
    made = f"publisher of prod  made {token.created_at}  valid  ({url})"
    assert shown == [
        f"{served.api}/callback?***  (this stage, cluster prod, accepted)",
        "http://another.example/in?***  (another listener)",
        f"token {token.hash[:12]}  {made}",
    ]
    assert register.main(args(served, url, "--list", "--json")) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ours, others, kept = [each for each in told if "_aws" not in each]
    assert ours == {
        "url": f"{served.api}/callback?***",
        "ours": True,
        "cluster": "prod",
        "accepted": True,
    }
    assert (others["url"], others["ours"]) == ("http://another.example/in?***", False)
    assert (kept["hash"], kept["valid"]) == (token.hash, True)
    assert register.main(args(served, url, "--remove")) == 0
    assert marathon.urls == ["http://u:pw@another.example/in?secret=1"]
    (token,) = served.stage.tokens.all()
    assert token.revoked_at is not None
    assert register.main(args(served, url, "--remove")) == 0
    assert "nothing to remove" in capsys.readouterr().err


def test_print_endpoint_for_a_marathon_without_subscriptions(
    served: System, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = ["--stage", served.stage.name, "--url", served.api]
    assert register.main([*stage, "--print-endpoint", "--cluster", "old"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    beginning = f"--event_subscriber http_callback --http_endpoints '{served.api}/callback?token="
    assert line.startswith(beginning)
    token = line.removeprefix(beginning).removesuffix("'")
    found = served.stage.tokens.find(tokens.hash_of(token))
    assert found is not None
    assert found.cluster == "old"


def test_a_login_is_needed_and_given(
    served: System, url: str, marathon: SimulatedMarathon, monkeypatch: pytest.MonkeyPatch
) -> None:
    marathon.credentials = "Basic b3BzOmh1bnRlcjI="  # ops:hunter2
    with pytest.raises(Failure, match="refused the login"):
        register.main(args(served, url))
    monkeypatch.setenv("MARATHON_PASSWORD", "hunter2")
    assert register.main(args(served, url, "--user", "ops")) == 0
    marathon.credentials = "token=abc"
    monkeypatch.setenv("MARATHON_TOKEN", "abc")
    assert register.main(args(served, url)) == 0


def test_a_user_without_a_password_is_told_where_it_goes(served: System, url: str) -> None:
    with pytest.raises(Failure, match="MARATHON_PASSWORD"):
        register.main(args(served, url, "--user", "ops"))


def failure(stage: Stage, url: str, *more: str) -> str:
    with pytest.raises(Failure) as caught:
        register.main(["--stage", stage.name, "--url", "http://api", "--marathon", url, *more])
    return str(caught.value)


def test_a_server_that_is_not_a_marathon_is_rejected(stage: Stage) -> None:
    assert f"No Marathon answers at {NOBODY}" in failure(stage, NOBODY)
    with answering(200, b"<html>") as url:
        assert f"What answers at {url} is not a Marathon" in failure(stage, url)
        assert "is not a Marathon" in failure(stage, f"{url}/ui/#/apps")
    with answering(404, b"<html>") as url:
        assert "is not a Marathon (GET /v2/info: status 404)" in failure(stage, url)


def test_invalid_addresses_are_rejected(stage: Stage) -> None:
    hostile = ("http://[", "http://[x]:1/", "http://h:99999", "http://h:x")
    for url in ("marathon:8080", "ftp://m", "http://", "x", *hostile):
        assert "is not a Marathon's address" in failure(stage, url)


def test_a_login_in_the_address_is_not_repeated(stage: Stage) -> None:
    message = failure(stage, "http://ops:hunter2@m:8080")
    assert "--user" in message
    assert "hunter2" not in message


def test_callbacks_not_enabled(stage: Stage) -> None:
    with SimulatedMarathon(callbacks=False).running() as url:
        message = failure(stage, url)
    assert "no callbacks enabled" in message
    assert "--event_subscriber http_callback" in message
    assert "--http_endpoints '<api>/callback?token=<token>'" in message


def test_a_version_without_callbacks(stage: Stage) -> None:
    for version in ("1.5.0", "1.10.26", "2.0.0"):
        with SimulatedMarathon(version=version).running() as url:
            assert f"Marathon {version}" in failure(stage, url)
            assert "sends no callbacks" in failure(stage, url)


def test_a_marathon_without_info_is_registered_by_a_given_name(served: System) -> None:
    with SimulatedMarathon(version="").running() as url:
        with pytest.raises(Failure, match="Give the cluster a name"):
            register.main(args(served, url))
        assert register.main(args(served, url, "--cluster", "old")) == 0


def test_invalid_names_of_clusters_are_rejected(stage: Stage) -> None:
    with SimulatedMarathon(name="Prod East").running() as url:
        assert "can't be called 'Prod East' (the name in Marathon's /v2/info)" in failure(
            stage, url
        )
        assert "--cluster NAME" in failure(stage, url, "--cluster", "#x")


def test_a_taken_name_is_rejected_unless_forced(served: System, url: str) -> None:
    register.main(args(served, url))
    with SimulatedMarathon(name="prod", framework_id="f-2").running() as other:
        with pytest.raises(
            Failure, match=r"taken by the Marathon at .* \(framework f-1; this is f-2"
        ):
            register.main(args(served, other))
        assert register.main(args(served, other, "--force")) == 0


def test_a_second_name_for_a_registered_marathon_is_rejected(served: System, url: str) -> None:
    register.main(args(served, url))
    with pytest.raises(Failure, match="registered already, as cluster prod"):
        register.main(args(served, url, "--cluster", "staging"))


def test_no_event_within_the_time(stage: Stage, url: str, marathon: SimulatedMarathon) -> None:
    asked = ["--stage", stage.name, "--url", NOBODY, "--marathon", url, "--timeout", "1"]
    with pytest.raises(Failure, match="No event came within 1 s") as caught:
        register.main(asked)
    assert "--remove" in str(caught.value)


def test_no_deployed_stage(aws: str) -> None:
    with pytest.raises(Failure, match="make deploy STAGE=prod"):
        register.main(["--stage", "prod", "--marathon", "http://m"])
    with pytest.raises(Failure, match=r"no stage 'nowhere'. .*config.json has: dev, prod"):
        register.main(["--stage", "nowhere", "--marathon", "http://m"])


def test_a_stage_without_an_api(stage: Stage) -> None:
    with pytest.raises(Failure, match="has no API yet"):
        register.main(["--stage", stage.name, "--marathon", "http://m"])


def test_when_subscribing_fails_the_new_token_is_revoked(
    served: System, url: str, marathon: SimulatedMarathon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str, client: str) -> dict[str, Any]:
        marathon.callbacks = False
        raise ConnectionAbortedError

    monkeypatch.setattr(marathon, "subscribe", refuse)
    with pytest.raises(Failure):
        register.main(args(served, url))
    (token,) = served.stage.tokens.all()
    assert token.revoked_at is not None


def test_a_rotation_is_proved_and_loses_no_event(
    running: System, marathon: SimulatedMarathon, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main(args(running, url))
    (before,) = marathon.urls
    stop = threading.Event()

    def busy() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            marathon.publish({"eventType": "app_terminated_event", "appId": f"/busy-{n}"})
            stop.wait(0.01)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert register.main(args(running, url, "--rotate")) == 0
    finally:
        stop.set()
        thread.join()
    marathon.settle()
    (after,) = marathon.urls
    assert after != before
    assert marathon.counts.failed == marathon.counts.skipped == 0
    published = [body for body in marathon.sent if b"app_terminated_event" in body]
    apps = {json.loads(body)["appId"] for body in published}
    records = running.journal.records
    # While both URLs are subscribed an event comes twice; without a timestamp that is two records.
    assert running.journal.wait_until(
        lambda: apps <= {each.app for each in list(records.values())}, 20
    )
    old, new = running.stage.tokens.all()
    assert (old.revoked_at is None, new.revoked_at is None) == (False, True)
    shown = capsys.readouterr()
    assert before.rpartition("=")[2] not in shown.out + shown.err
    assert after.rpartition("=")[2] not in shown.out + shown.err


def test_a_rotation_that_is_not_proved_is_taken_back(
    served: System, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.main(args(served, url))
    (before,) = marathon.urls
    real = marathon.unsubscribe

    def silently(url: str, client: str) -> dict[str, Any]:
        event = real(url, client)
        return event | {"timestamp": "2016-01-01T00:00:00.000Z"}  # an event that will not come

    monkeypatch.setattr(marathon, "unsubscribe", silently)
    with pytest.raises(Failure, match="The old token is in use again"):
        register.main(args(served, url, "--rotate", "--timeout", "1"))
    assert marathon.urls == [before]
    old, new = served.stage.tokens.all()
    assert (old.revoked_at is None, new.revoked_at is None) == (True, False)


def test_a_rotation_whose_undoing_fails_says_what_is_valid_and_how_to_revoke_it(
    served: System, marathon: SimulatedMarathon, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.main(args(served, url))

    def switch_off(url: str, client: str) -> dict[str, Any]:
        marathon.callbacks = False  # from now on Marathon refuses to subscribe
        return {"timestamp": "2016-01-01T00:00:00.000Z"}  # of an event that will not come

    monkeypatch.setattr(marathon, "unsubscribe", switch_off)
    with pytest.raises(Failure, match="Going back failed too") as caught:
        register.main(args(served, url, "--rotate", "--timeout", "1"))
    old, new = served.stage.tokens.all()
    assert old.valid
    assert new.valid
    assert f"--revoke {new.hash[:12]}" in str(caught.value)
    assert "no callbacks enabled" in str(caught.value)


def test_nothing_to_rotate(served: System, url: str) -> None:
    with pytest.raises(Failure, match="nothing to rotate"):
        register.main(args(served, url, "--rotate"))


def test_a_token_is_revoked_by_the_beginning_of_its_hash(
    served: System, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register.main(args(served, url))
    (token,) = served.stage.tokens.all()
    stage = ["--stage", served.stage.name]
    with pytest.raises(Failure, match="No token has a hash that begins with 'zz'"):
        register.main([*stage, "--revoke", "zz"])
    assert register.main([*stage, "--revoke", token.hash[:12]]) == 0
    (token,) = served.stage.tokens.all()
    assert token.revoked_at is not None
    capsys.readouterr()
    assert register.main([*stage, "--url", served.api, "--list"]) == 0
    assert f"revoked {token.revoked_at}" in capsys.readouterr().out
