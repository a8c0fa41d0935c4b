"""What the tests of the relay share: a stub of the API."""

from collections.abc import Iterator

import pytest

from tests.support.endpoint import Endpoint, serving


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(Endpoint()) as made:
        yield made
