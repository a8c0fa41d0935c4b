"""What the tests of deploying share: a package, which takes seconds to build."""

import fcntl
from pathlib import Path

from ops.deploying import package

import pytest


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """What ``make package STAGE=prod`` writes: built once, for all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "packaged"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            package.make("prod", folder)
    return folder
