"""What tests on AWS share: an API, which each uses for a cluster of its own."""

import uuid
from collections.abc import Iterator

import pytest

from local import cloud
from local.system import System
from tests.support.alone import api_alone
from tests.support.publisher import Publisher


@pytest.fixture(scope="session")
def api(aws: str) -> Iterator[System]:
    """An API whose stage many tests share. Nothing reads its stream."""
    with api_alone(cloud.make_stage(f"t{uuid.uuid4().hex[:12]}")) as made:
        made.functions.ingest()  # now, while the environment is this stage's
        made.functions.reading()
        yield made


@pytest.fixture
def publisher(api: System, unhurried: None) -> Publisher:
    """Who sends to it."""
    return Publisher(api)


@pytest.fixture
def heard(running: System) -> Publisher:
    """Who sends to a system of the test's own, whose notifications are heard."""
    return Publisher(running)
