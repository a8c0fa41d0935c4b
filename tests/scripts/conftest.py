"""What the tests of scripts share: a Marathon that answers."""

from collections.abc import Iterator

import pytest

from local.marathon import SimulatedMarathon


@pytest.fixture
def marathon() -> SimulatedMarathon:
    return SimulatedMarathon(name="prod", framework_id="f-1")


@pytest.fixture
def url(marathon: SimulatedMarathon) -> Iterator[str]:
    with marathon.running() as address:
        yield address
