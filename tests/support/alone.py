"""The API of a stage without all that follows from what it stores."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from ops.stage.resources import Stage

from local import cloud, functions
from local.journal import Journal
from local.system import System


@contextmanager
def api_alone(stage: Stage) -> Iterator[System]:
    """The API on this machine. Its journal stays empty."""
    loaded = functions.load(stage)
    with functions.serving(loaded) as port:
        yield System(stage, loaded, f"http://127.0.0.1:{port}", Journal())


@contextmanager
def api_of_many() -> Iterator[System]:
    """The API of a stage that many tests share."""
    with api_alone(cloud.make_stage(f"t{uuid.uuid4().hex[:12]}")) as made:
        made.functions.ingest()  # now, while the environment is this stage's
        made.functions.reading()
        yield made
