"""What the tests of deploying share: packages, which take seconds to build."""

from pathlib import Path

from ops.deploying import package

import pytest

from tests.support.package import lambda_python, unpacked
from tests.support.sharing import locked


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def packaged(shared: Path) -> Path:
    """What ``make package STAGE=prod`` writes."""
    folder = shared / "packaged"
    with locked(folder):
        if not folder.exists():
            package.make("prod", folder)
    return folder


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory, packaged: Path) -> Path:
    """The package of the functions, unpacked; to read."""
    return unpacked(packaged, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has only what Lambda has."""
    return lambda_python(tmp_path_factory.mktemp("lambda"))
