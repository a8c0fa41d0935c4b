"""scripts/grant.py: how long a reader's token is valid, and which stage it is of."""

import time
from datetime import timedelta

from ops.stage.resources import Stage

import grant
import pytest


def expiry(stage: Stage, *args: str) -> int | None:
    assert grant.main(["--stage", stage.name, "--url", "https://api", "--label", "Ada", *args]) == 0
    (token,) = stage.tokens.all()
    return token.expires_at


@pytest.mark.parametrize(("args", "days"), [([], 90), (["--expires", "30d"], 30)])
def test_a_token_ends_after_ninety_days_or_as_asked(
    stage: Stage, args: list[str], days: int
) -> None:
    expires_at = expiry(stage, *args)
    assert expires_at is not None
    assert abs(expires_at - time.time() - timedelta(days=days).total_seconds()) < 600


def test_a_token_is_valid_for_ever_only_if_asked(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expiry(stage, "--expires", "never") is None
    assert "for ever" in capsys.readouterr().err


def test_each_line_and_command_names_its_stage(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    expiry(stage)
    (token,) = stage.tokens.all()
    command = f"scripts/grant.py --stage {stage.name} --revoke {token.hash[:12]}"
    assert command in capsys.readouterr().err
    grant.main(["--stage", stage.name, "--list"])
    assert capsys.readouterr().out.startswith(f"{stage.name}: token {token.hash[:12]}")
