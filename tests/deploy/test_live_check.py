"""The check of a live account, as far as the local system goes: it has no API Gateway, no Lambda,
no alarms.
"""

import contextlib
import signal
from collections.abc import Callable, Iterator

from ops.cli import Failure
from ops.live import checks
from ops.stage import config, deployed, resources, stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

import live_check
import pytest

from local import cloud
from local.system import system
from tests.support.faults import answer, injected
from tests.support.rights import needed_here, tables

NAME = "live"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Check = Callable[..., int]


def end_it(ending: signal.Signals) -> None:
    assert signal.getsignal(ending) != signal.SIG_DFL  # the run of the tests itself would end
    signal.raise_signal(ending)


@pytest.fixture
def check(aws: str, monkeypatch: pytest.MonkeyPatch, unhurried: None) -> Iterator[Check]:
    """Runs the command, with the local system in the place of a deploy."""
    whole = config.config()
    whole["stages"] = {NAME: whole["stages"]["dev"]}
    monkeypatch.setattr(config, "config", lambda: whole)
    with contextlib.ExitStack() as at_end:

        def script(name: str, stage: str, *_: str) -> None:
            if name == "destroy":
                for each in ENDINGS:
                    end_it(each)  # somebody has no patience
                at_end.close()
                stacks.delete(stacks.messaging_stack(stage))
                return
            api = at_end.enter_context(system(cloud.make_stage(stage))).api
            known = {"resource_type": "rest_api", "rest_api_url": api}
            deployed.keep_copy(resources.find(stage), {"resources": [known]})

        monkeypatch.setattr(live_check, "run_script", script)
        yield lambda *args: live_check.main(["--stage", NAME, "--yes", *args])


def gone() -> bool:
    tables = client("dynamodb").list_tables()["TableNames"]
    return f"marathon-events-{NAME}" not in tables and not stacks.outputs(stacks.table_stack(NAME))


def test_passed_checks_are_reported_and_the_stage_is_destroyed(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ("events", "notifications", "readers")
    with needed_here() as rights:
        assert check(*(each for name in wanted for each in ("--only", name))) == 0
    assert rights <= {right for table in tables() for row in table.values() for right in row}
    # What begins with a brace is what the functions log, which run in this process here.
    lines = [each for each in capsys.readouterr().out.splitlines() if not each.startswith("{")]
    assert [line.split(":")[0] for line in lines] == [f"ok      {name}" for name in wanted]
    assert gone()


def test_failed_checks_are_reported_and_the_stage_is_destroyed(
    check: Check, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(checks.CHECKS, "clock", lambda _: 1 / 0)  # a mistake of ours
    assert check("--only", "alarms") == 1
    assert "failed  alarms: These are not there: marathon-events-live-" in capsys.readouterr().out
    assert gone()
    with pytest.raises(ZeroDivisionError):
        check("--only", "clock")
    assert gone()


@pytest.mark.parametrize("ending", ENDINGS[:2])
def test_whoever_ends_it_the_stage_is_gone(
    check: Check, ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(ending)
    monkeypatch.setitem(checks.CHECKS, "clock", lambda _: end_it(ending))
    with pytest.raises(KeyboardInterrupt):
        check("--only", "clock")
    assert gone()
    assert signal.getsignal(ending) == before


def test_a_stage_that_can_not_be_taken_down_is_named(check: Check) -> None:
    with (
        injected(client("dynamodb"), "UpdateTable", answer("AccessDeniedException")),
        pytest.raises(Failure, match="Stage live is not gone, and goes on costing"),
    ):
        check("--only", "events")
    client("dynamodb").update_table(
        TableName=f"marathon-events-{NAME}", DeletionProtectionEnabled=False
    )
    stacks.delete(stacks.table_stack(NAME))
    client("dynamodb").delete_table(TableName=f"marathon-events-{NAME}")


def test_a_stage_that_is_deployed_is_never_touched(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = config.config()
    whole["stages"] = {stage.name: whole["stages"]["dev"]}
    monkeypatch.setattr(config, "config", lambda: whole)
    with pytest.raises(Failure, match="wants a stage of its own"):
        live_check.main(["--stage", stage.name, "--yes"])
    assert stacks.outputs(stacks.table_stack(stage.name))
