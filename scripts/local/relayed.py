"""A relay on this machine, in a process of its own, as operators run it."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ops import ROOT
from ops.cli import Failure
from ops.marathon import registration, relay_env
from ops.stage.resources import Stage

from chalicelib.services.clusters import Cluster
from local.marathon import SimulatedMarathon
from marathon_relay.marathon import Marathon

_LISTENING_SECONDS = 30
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def relay(
    simulated: SimulatedMarathon,
    urls: list[str],
    stage: Stage,
    api: str,
    cluster: str,
    log: IO[str],
) -> Iterator[None]:
    """A relay between a simulated Marathon and the API; it listens. ``log``: where it logs to."""
    marathon = Marathon(urls)
    known = Cluster(cluster, ",".join(urls), marathon.info().framework_id)
    with tempfile.TemporaryDirectory(prefix="marathon-relay-") as folder:
        settings = Path(folder) / "relay.env"
        with registration.relay_token(stage, known, force=False) as token:
            relay_env.write(settings, marathon, api, token, None)
        command = [sys.executable, str(ROOT / "scripts" / "relay.py")]
        options = ["--env-file", str(settings), "--spool", f"{folder}/spool"]
        options += ["--retry-max", "1", "--queue-seconds", "1"]
        process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        try:
            wait_for_listener(simulated)
            yield
        finally:
            process.terminate()
            process.wait()


def wait_for_listener(simulated: SimulatedMarathon) -> None:
    """Wait until somebody reads the event stream. Raises Failure."""
    deadline = time.monotonic() + _LISTENING_SECONDS
    while not simulated.listeners:
        if time.monotonic() > deadline:
            raise Failure("The relay does not read the event stream; look at the log.")
        time.sleep(_POLL_SECONDS)
