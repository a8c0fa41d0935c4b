"""The API of a stage without all that follows from what it stores."""

from collections.abc import Iterator
from contextlib import contextmanager

from ops.stage.resources import Stage

from local import functions
from local.journal import Journal
from local.system import System


@contextmanager
def api_alone(stage: Stage) -> Iterator[System]:
    """The API on this machine. Its journal stays empty."""
    loaded = functions.load(stage)
    with functions.serving(loaded) as port:
        yield System(stage, loaded, f"http://127.0.0.1:{port}", Journal())
