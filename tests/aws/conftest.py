"""What tests on AWS share: an API, which each uses for a cluster of its own."""

from collections.abc import Iterator

import pytest

from local.system import System
from tests.support.alone import api_of_many
from tests.support.publisher import Publisher


@pytest.fixture(scope="session")
def api(aws: str) -> Iterator[System]:
    """An API whose stage many tests share. Nothing reads its stream."""
    with api_of_many() as made:
        yield made


@pytest.fixture
def publisher(api: System, unhurried: None) -> Publisher:
    """Who sends to it."""
    return Publisher(api)


@pytest.fixture
def heard(running: System) -> Publisher:
    """Who sends to a system of the test's own, whose notifications are heard."""
    return Publisher(running)
