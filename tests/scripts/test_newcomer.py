"""What somebody meets who is new: empty variables, typing errors, stages that are not there."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

from ops import ROOT, cli
from ops.cli import Failure
from ops.deploying import chalice_cli, roles
from ops.stage import config, deployed, resources
from ops.stage.clients import client
from ops.stage.resources import Stage

import deploy
import destroy
import events
import pytest
import register

from chalicelib.services.clusters import Cluster
from chalicelib.services.queues import DeadLetters
from chalicelib.settings import SettingsError
from local import cloud
from local.marathon import SimulatedMarathon
from local.system import System
from tests.support.records import at, record
from tests.support.web import answering


def run(stage: Stage, *args: str) -> int:
    return events.main(["--stage", stage.name, *args])


@pytest.fixture
def prod(stage: Stage) -> Stage:
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    stage.store.note_day("prod", "2016-04-24")
    return stage


@pytest.mark.parametrize(
    "command",
    [
        "register --revoke",
        "register --marathon",
        "register --marathon http://m --cluster",
        "register --marathon http://m --user",
        "register --marathon http://m --ca",
        "register --marathon http://m --url",
        "register --forget",
        "events list --app",
        "events list --deployment",
        "events list --subject",
        "events list --type",
        "events list --cluster",
        "events list --since",
        "events parked --show",
        "events parked --drop",
        "deploy --alarm-email",
        "run --marathon",
    ],
)
def test_an_empty_value_is_rejected_before_anything_is_done(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *args = command.split()
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(name).main([*args, ""])
    shown = capsys.readouterr()
    assert caught.value.code == 2
    assert f"argument {args[-1]}:" in shown.err
    assert shown.out == ""


def test_an_empty_stage_is_rejected_with_the_stages_that_exist() -> None:
    which = r"Which stage\? \.chalice/config\.json has: dev, prod"
    for main, args in ((register.main, []), (events.main, ["list"])):
        with pytest.raises(Failure, match=which):
            main(["--stage", "", *args])


def test_seconds_and_addresses_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for main, args, told in (
        (register.main, ["--marathon", "http://m", "--timeout", "abc"], "'abc': give seconds"),
        (deploy.main, ["--alarm-email", "nonsense"], "'nonsense' is not a mail address"),
    ):
        with pytest.raises(SystemExit):
            main(args)
        assert told in capsys.readouterr().err


def test_an_unknown_stage_is_rejected_without_advice_to_deploy_it(aws: str) -> None:
    with pytest.raises(Failure, match="There is no stage 'staging'"):
        resources.find("staging")
    told = "Stage prod is not deployed in this account and region: nothing to do."
    with pytest.raises(Failure, match=f"^{told}$"):
        destroy.main(["--stage", "prod", "--yes"])


def test_an_endpoint_without_a_scheme_is_rejected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:5000")
    with pytest.raises(SystemExit) as ended:
        cli.run(lambda: events.main(["list"]))
    assert ended.value.code == 1
    told = "AWS_ENDPOINT_URL=localhost:5000: an address begins with http://"
    assert told in capsys.readouterr().err


def test_a_port_that_speaks_no_tls_is_not_called_untrusted(stage: Stage) -> None:
    with answering(200, b"{}") as url, pytest.raises(Failure, match="speaks no TLS"):
        secure = url.replace("http://", "https://")
        register.main(["--stage", stage.name, "--url", "http://a", "--marathon", secure])


def test_a_replay_without_a_filter_is_rejected(
    prod: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    prod.store.put(at(1))
    with pytest.raises(Failure, match="every event that is stored"):
        run(prod, "replay")
    with pytest.raises(Failure, match="pass --yes"):
        run(prod, "replay", "--since", "2016-01-01")


def test_a_replay_says_how_many_and_asks(prod: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    prod.store.put(at(1))
    asked = Mock(return_value="no")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", asked)
    with pytest.raises(Failure, match="Nothing was changed"):
        run(prod, "replay", "--app", "/shop")
    asked.assert_called_once_with("1 events will be notified of again. Go on? Type yes: ")


def test_list_says_where_it_was_cut_and_which_type_was_meant(
    prod: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    for second in range(3):
        prod.store.put(at(second))
    run(prod, "list", "--limit", "2")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "There are more: --limit N shows more than the newest 2." in shown.err
    run(prod, "list", "--limit", "3")
    assert "There are more" not in capsys.readouterr().err
    run(prod, "list", "--type", "deployment_sucess")
    assert "Did you mean deployment_success?" in capsys.readouterr().err
    run(prod, "list", "--type", "deployment_success")
    assert "Did you mean" not in capsys.readouterr().err


def test_help_of_a_command_shows_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("list", "tail", "show", "replay", "parked", "restore"):
        with pytest.raises(SystemExit):
            events.main([command, "--help"])
        assert "--stage STAGE" in capsys.readouterr().out


def test_a_path_finds_the_app_and_the_pod(prod: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    prod.store.put(at(1, app="/crew"))
    pod = {"eventType": "pod_updated_event", "uri": "/v2/pods//crew", "clientIp": "192.0.2.1"}
    prod.store.put(record("prod", **pod, timestamp="2016-04-24T09:00:02.000Z"))
    prod.store.put(at(3, app="/crew"))
    prod.store.put(at(4, app="/other"))
    run(prod, "list", "--app", "/crew", "--json")
    found = [json.loads(line)["subject"] for line in capsys.readouterr().out.splitlines()]
    assert found == ["app:/crew", "pod:/crew", "app:/crew"]


def test_expired_days_are_not_read(prod: Stage) -> None:
    for n in range(150):
        prod.store.note_day("prod", f"{2100 + n}-01-01", expires_at=1)
    calls: list[str] = []

    def count(model: Any, **_: Any) -> None:
        calls.append(model.name)

    client("dynamodb").meta.events.register("before-call.dynamodb", count)
    run(prod, "list", "--until", "2016-04-23")
    run(prod, "list")
    assert len(calls) <= 12


def test_a_cluster_that_no_longer_exists_can_be_removed(
    served: System, capsys: pytest.CaptureFixture[str]
) -> None:
    stage, base = served.stage, ["--stage", served.stage.name, "--url", served.api]
    with SimulatedMarathon(name="prod").running() as url:
        register.main([*base, "--marathon", url])
        with pytest.raises(Failure, match="has a valid token"):
            register.main([*base, "--forget", "prod"])
        register.main([*base, "--marathon", url, "--remove"])
    with pytest.raises(Failure, match="has no cluster 'x'"):
        register.main([*base, "--forget", "x"])
    assert register.main([*base, "--forget", "prod"]) == 0
    assert stage.clusters.all() == []
    capsys.readouterr()
    assert register.main([*base, "--list", "--cluster", "other"]) == 0
    assert "has no token of other" in capsys.readouterr().err


def test_the_commands_that_destroy_prints_work_after_it(
    served: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MARATHON_PASSWORD", "hunter2")
    marathon = SimulatedMarathon(name="prod")
    marathon.credentials = "Basic b3BzOmh1bnRlcjI="  # ops:hunter2
    stage = served.stage
    with marathon.running() as url:
        args = ["--stage", stage.name, "--marathon", url, "--user", "ops"]
        register.main([*args, "--url", served.api])
        (cluster,) = stage.clusters.all()
        assert (cluster.marathon_url, cluster.login) == (url, "--user ops")
        assert deployed.find_api(stage) is None  # as after a destroy
        capsys.readouterr()
        assert register.main([*args, "--remove"]) == 0
        assert marathon.urls == []
    (token,) = stage.tokens.all()
    assert not token.valid


def test_commands_say_that_a_stage_is_destroyed(stage: Stage) -> None:
    client("cloudformation").delete_stack(StackName=f"marathon-events-{stage.name}-messaging")
    for command in (["replay", "--since", "1d"], ["parked"], ["restore"]):
        with pytest.raises(Failure, match="is destroyed: only its table is left"):
            run(stage, *command)


def test_scripts_refuse_the_settings_that_the_functions_refuse(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.json"
    variables = {"environment_variables": {"RETENTION_DAYS": "x"}}
    file.write_text(json.dumps({"stages": {stage.name: variables}}))
    monkeypatch.setattr(config, "CONFIG", file)
    with pytest.raises(SettingsError, match="RETENTION_DAYS"):
        run(stage, "restore")


def test_a_parked_message_is_shown_and_dropped(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = stage.dead_letter_queue_url
    client("sqs").send_message(QueueUrl=queue, MessageBody="what?")
    DeadLetters(lambda: client("sqs"), queue).park("prod|app:/x", "1", "y")
    run(stage, "parked")
    lines = capsys.readouterr().out.splitlines()
    (id_,) = [line.split()[0] for line in lines if "no known format" in line]
    run(stage, "parked", "--show", id_)
    assert capsys.readouterr().out == "what?\n"
    with pytest.raises(Failure, match="pass --yes"):
        run(stage, "parked", "--drop", id_)
    with pytest.raises(Failure, match="Nothing is parked with 'zz'"):
        run(stage, "parked", "--drop", "zz", "--yes")
    assert run(stage, "parked", "--drop", id_, "--yes") == 0
    capsys.readouterr()
    run(stage, "parked")
    (line,) = capsys.readouterr().out.splitlines()
    assert "record 1 of prod" in line


def test_a_failed_deploy_names_the_call_and_awss_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (
        "Traceback (most recent call last):\n  File x\nchalice.deploy.deployer."
        "ChaliceDeploymentError: ERROR - While deploying your chalice application, received the\n"
        "following error:\n\n An error occurred (AccessDenied) when calling the CreateRole\n"
        " operation: User is not authorized\n"
    )
    chained = (
        f"{told}\nDuring handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n  File y\n"
    )
    page = "An error occurred (403) when calling the CreateRole operation: <html><p>Log in</p>\n"
    young = (
        "An error occurred (InvalidParameterValueException) when calling the\n"
        "CreateEventSourceMapping operation: Cannot access\nstream arn:aws:dynamodb:x. Please "
        "ensure the role can perform the GetRecords Actions\n"
    )
    for said, expected in (
        (young, "CreateEventSourceMapping .* Cannot access stream"),
        (told, r"AWS refused CreateRole \(AccessDenied\): User is not authorized$"),
        (chained, r"AWS refused CreateRole \(AccessDenied\): User is not authorized$"),
        (page, "what answered is no answer of AWS"),
        ("<html><p>Log in</p></html>\n", "a page of HTML came in the place"),
    ):
        program = tmp_path / "chalice"
        program.write_text(f"#!/bin/sh\ncat <<'X'\n{said}X\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        with pytest.raises(Failure, match=expected) as caught:
            chalice_cli.run("deploy", "dev")
        assert isinstance(caught.value, chalice_cli.NotYetAllowed) == ("stream" in expected)


def test_a_deploy_writes_a_stages_resources_into_the_config_and_a_destroy_takes_them_out(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"stages": {stage.name: {}}}))
    monkeypatch.setattr(config, "CONFIG", file)
    resources = stage.environment(), roles.arns(stage.name)
    assert config.set_resources(stage.name, *resources)
    assert not config.set_resources(stage.name, *resources)
    assert config.variables(stage.name) == stage.environment()
    assert "FanoutRole" in config.function_settings(stage.name, "fanout")["iam_role_arn"]
    config.forget_resources(stage.name, stage.environment())
    assert config.variables(stage.name) == {}
    assert "iam_role_arn" not in config.function_settings(stage.name, "fanout")


def test_a_token_made_by_a_clock_that_is_ahead_is_accepted(
    served: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from chalicelib import times
    from chalicelib.services import tokens

    ahead = times.now() + timedelta(minutes=5)

    class Ahead:
        iso, from_iso = staticmethod(times.iso), staticmethod(times.from_iso)
        now = staticmethod(lambda: ahead)

    monkeypatch.setattr(tokens, "times", Ahead)
    with SimulatedMarathon(name="prod").running() as url:
        args = ["--stage", served.stage.name, "--url", served.api, "--marathon", url]
        assert register.main(args) == 0
    (token,) = served.stage.tokens.all()
    assert token.created_at == times.iso(ahead)


def test_destroy_lists_relays_separately(
    served: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modern = SimulatedMarathon(name="prod", version="1.8.180")
    stage = served.stage
    with modern.running() as url:
        args = ["--stage", stage.name, "--url", served.api, "--marathon", url]
        register.main([*args, "--relay-env", str(tmp_path / "relay.env")])
    capsys.readouterr()
    destroy.warn_of_senders(stage)
    (token,) = stage.tokens.all()
    shown = capsys.readouterr().err
    assert "A relay of cluster prod will find no API" in shown
    assert f"--revoke {token.hash[:12]}" in shown
    assert "still registered" not in shown


def test_the_relay_finds_the_api_of_a_stage(aws: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/relay.py", "--stage=prod", "--spool", str(tmp_path)],
        cwd=ROOT,
        env=cloud.ENVIRONMENT | {"PATH": "/usr/bin:/bin", "AWS_ENDPOINT_URL": aws},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Stage prod is not deployed" in done.stderr


def test_without_the_packages_of_the_local_system_run_says_so() -> None:
    hide = "import sys; sys.modules['moto'] = None; sys.path.insert(0, 'scripts'); import run"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import importlib.util as u; f = u.find_spec\n"
            f"u.find_spec = lambda name: None if name == 'moto' else f(name)\n{hide}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Run make run" in done.stderr
    assert "Traceback" not in done.stderr
