"""All of a stage at work on this machine: API, event source mappings, a subscriber."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from ops.stage.resources import Stage

from local import functions, subscriber
from local.journal import Journal


@dataclass(frozen=True)
class System:
    """``api``: the API's address. ``journal``: what has been stored and notified."""

    stage: Stage
    functions: ModuleType
    api: str
    journal: Journal


@contextlib.contextmanager
def system(stage: Stage, host: str = "127.0.0.1", port: int = 0) -> Iterator[System]:
    """A stage at work. Raises OSError where the port is taken."""
    loaded = functions.load(stage)
    journal = Journal()
    stream, spill = functions.Stream(loaded, stage), functions.Spill(loaded, stage)
    with (
        functions.serving(loaded, host, port) as served,
        subscriber.listening(stage, journal.heard),
        functions.mappings(stream, spill, journal.stored),
    ):
        yield System(stage, loaded, f"http://{host}:{served}", journal)
