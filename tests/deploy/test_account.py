"""What the account allows, who gets the alarms, and what AWS needs time for."""

import json
import time
from collections.abc import Callable
from typing import Any

from ops import cli
from ops.cli import Failure
from ops.deploying import alarm_mail, chalice_cli, mappings
from ops.doctor import account_checks
from ops.looking import overview
from ops.stage import deployed, resources, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

import deploy
import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from moto.cloudformation.models import cloudformation_backends

from tests.support import faults
from tests.support.rights import granted, needed_here

MAIL = "ops@example.net"


def subscriptions(stage: Stage) -> list[str]:
    found = client("sns").list_subscriptions_by_topic(TopicArn=stage.alarms_topic_arn)
    return [each["Endpoint"] for each in found["Subscriptions"]]


def codes(stage: Stage) -> list[str]:
    return [each.what for each in account_checks.alarms(stage)]


def test_an_alarm_subscription_that_ended_is_seen_and_made_again(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert codes(stage) == []  # nobody asked for any
    stacks.bring_up(stage.name, MAIL)
    # moto makes no subscription of the template: as if it had ended.
    assert codes(stage) == ["alarm-mail-gone"]
    bring_up = deploy._bring_up  # noqa: SLF001
    bring_up(stage.name, None, ordered=False)
    assert subscriptions(stage) == [MAIL]
    assert "follow its link" in capsys.readouterr().err
    assert codes(stage) == ["alarm-mail"]
    alarm_mail.mend(stage)
    assert capsys.readouterr().err == ""

    bring_up(stage.name, "", ordered=False)
    assert subscriptions(stage) == []
    assert codes(stage) == []


def test_an_alarm_subscription_that_its_reader_ended_is_gone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks.bring_up(stage.name, MAIL)
    # For some days SNS still lists it, by that word.
    monkeypatch.setattr(alarm_mail, "_arns", lambda *_: iter(["Deleted"]))
    assert codes(stage) == ["alarm-mail-gone"]


def test_an_unconfirmed_alarm_subscription_is_asked_for_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stacks.bring_up(stage.name, MAIL)
    monkeypatch.setattr(alarm_mail, "_arns", lambda *_: iter(["PendingConfirmation"]))
    assert codes(stage) == ["alarm-mail-unconfirmed"]
    alarm_mail.mend(stage)
    assert "is not confirmed. SNS sends a mail" in capsys.readouterr().err.replace("\n", " ")


def told(limit: int) -> Callable[..., Any]:
    """Lambda's answer about an account's limits."""

    class Raw:
        def stream(self, *_: Any, **__: Any) -> Any:
            yield json.dumps({"AccountLimit": {"ConcurrentExecutions": limit}}).encode()

    headers: Any = HeadersDict()
    return lambda request, **_: AWSResponse(request.url, 200, headers, Raw())


@pytest.mark.parametrize(("limit", "found"), [(10, ["concurrency-low"]), (1000, [])])
def test_an_account_that_runs_few_functions_at_once_is_warned(
    stage: Stage,
    limit: int,
    found: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with faults.injected(client("lambda"), "GetAccountSettings", told(limit)):
        findings = account_checks.concurrency(stage)
    assert [each.what for each in findings] == found
    assert all(f"at most {limit} functions" in each.message for each in findings)
    for step in (
        "_what_is_deployed",
        "_check_losses",
        "_bring_up",
        "_deploy",
        "upgrade",
        "_say_what_is_next",
    ):
        monkeypatch.setattr(deploy, step, lambda *_, **__: None)
    with faults.injected(client("lambda"), "GetAccountSettings", told(limit)):
        assert deploy.main(["--stage", "dev"]) == 0
    assert (f"at most {limit} functions" in capsys.readouterr().err) == bool(found)


def test_where_lambda_does_not_tell_its_limit_nothing_is_said(stage: Stage) -> None:
    with faults.injected(client("lambda"), "GetAccountSettings", faults.answer("AccessDenied")):
        assert account_checks.concurrency(stage) == []


def test_alarms_of_a_stage_with_a_longer_name_are_not_this_stages(stage: Stage) -> None:
    for each in (stage.name, f"{stage.name}-eu"):  # moto makes none of the template's
        alarm = f"marathon-events-{each}-5xx"
        client("cloudwatch").put_metric_alarm(
            AlarmName=alarm,
            Namespace="AWS/ApiGateway",
            MetricName="5XXError",
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason="test"
        )
    assert overview.alarms(stage.name) == [f"marathon-events-{stage.name}-5xx"]


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []
    ran: list[str] = []

    def run(command: str, name: str) -> None:
        ran.append(command)
        if len(ran) < 3:
            raise chalice_cli.NotYetAllowed("Cannot access stream")

    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(chalice_cli, "run", run)
    monkeypatch.setattr(mappings, "tidy", lambda _, known: known)
    monkeypatch.setattr(deployed, "read_local", lambda _: None)
    written: list[Any] = []
    monkeypatch.setattr(deployed, "write_local", lambda _, known: written.append(known))
    deploy.deploy_functions(stage, None)
    assert ran == ["deploy"] * 3
    assert pauses == [15, 15]
    assert len(written) == 2  # the mappings that were made are noted
    assert "Trying again in 15 s" in capsys.readouterr().err


def test_a_queue_whose_name_is_not_free_yet_is_waited_for(
    aws: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []
    wait, failures = stacks.wait, ["SpillQueue: You must wait 60 seconds after deleting a queue"]

    def first_fails(what: str, stack: str) -> None:
        wait(what, stack)
        if stack.endswith("-messaging") and failures:
            raise Failure(f"Stack {stack} failed. {failures.pop()}")

    monkeypatch.setattr(stacks, "wait", first_fails)
    monkeypatch.setattr(time, "sleep", pauses.append)
    name = "freed"
    stacks.bring_up(name)
    assert pauses == [60]
    assert "SQS keeps its name" in capsys.readouterr().err
    assert resources.find_running(name).spill_queue_url


@pytest.mark.parametrize("kept", [False, True])
def test_an_empty_table_that_a_failed_first_creation_left_is_cleared_and_no_other(
    aws: str, kept: bool
) -> None:
    """Its deletion protection keeps it from going when the creation is rolled back."""
    name = f"failed-{kept}".lower()
    table = f"marathon-events-{name}"
    stacks.bring_up(name)
    made = client("dynamodb").describe_table(TableName=table)["Table"]["CreationDateTime"]
    item = {"pk": {"S": "#clusters"}, "sk": {"S": "prod"}}
    if kept:
        client("dynamodb").put_item(TableName=table, Item=item)
    backend = cloudformation_backends["123456789012"]["us-east-1"]
    backend.get_stack(stacks.table_stack(name)).status = "ROLLBACK_FAILED"
    with needed_here() as rights:
        if kept:
            with pytest.raises(cli.EXPECTED):  # the name is taken
                stacks.bring_up(name)
        else:
            stacks.bring_up(name)
    now = client("dynamodb").describe_table(TableName=table)["Table"]
    assert (now["CreationDateTime"] == made) == kept
    assert now["DeletionProtectionEnabled"]
    assert rights <= granted("`deploy.py`")
