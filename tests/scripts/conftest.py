"""What the tests of scripts share: a Marathon that answers, and a config."""

from collections.abc import Iterator

from ops.stage import config
from ops.stage.resources import Stage

import pytest

from local.marathon import SimulatedMarathon


@pytest.fixture
def alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config has the test's stage alone, with what dev is set to."""
    known = config.config()
    known["stages"] = {stage.name: known["stages"]["dev"]}
    monkeypatch.setattr(config, "config", lambda: known)


@pytest.fixture
def marathon() -> SimulatedMarathon:
    return SimulatedMarathon(name="prod", framework_id="f-1")


@pytest.fixture
def url(marathon: SimulatedMarathon) -> Iterator[str]:
    with marathon.running() as address:
        yield address
