"""The local system under load, through real HTTP: as a Marathon posts, on four connections, one
request at a time on each.
"""

import contextlib
import http.client
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean, quantiles
from urllib.parse import urlsplit

from ops.cli import Failure, progress

from chalicelib import times
from chalicelib.marathon.reading import read
from chalicelib.records.record import identify
from chalicelib.services import tokens
from local import cloud
from local.system import System, system
from tests.bench import bodies
from tests.bench.figures import Figure
from tests.support.haste import slowly

# Marathon's HTTP client, as Marathon leaves it: connections to a host, and seconds for each post,
# counted from when it is queued.
_CONNECTIONS = 4
_PATIENCE_SECONDS = 10

_BURST_EVENTS = 400
_SETTLE_SECONDS = 120
_STAGE = "bench"

_EXPLAINED = """\
Burst: Marathon 1.4 gives each post ten seconds, which begin when the event is queued, and has four
connections: of a burst, 4 x 10 s / latency are delivered in time, and the first that is not makes
it drop all events for two seconds. This latency is that of the local server with moto behind; on
AWS it is the metric Latency of API Gateway, and the way to it."""


@dataclass(frozen=True)
class Run:
    """``latencies``: seconds of each post. ``statuses``: of the answers, 0 for none. ``seconds``:
    of them all together.
    """

    latencies: list[float]
    statuses: Counter[int]
    seconds: float

    @property
    def refused(self) -> int:
        """How many posts were not taken."""
        return self.statuses.total() - self.statuses[200] - self.statuses[202]


def burst() -> Iterator[Figure]:
    """How many events at once a Marathon 1.4 could hand over without loss, by the latency here."""
    with _running() as made:
        run = _drive(made, bodies.stream(_BURST_EVENTS))
    if run.refused:
        raise Failure(f"{run.refused} posts were not taken: their latency means nothing.")
    latency = mean(run.latencies)
    section = "Over real HTTP, the local system, four connections"
    yield Figure(section, "latency of a post, mean", latency * 1000, "ms")
    burst = _CONNECTIONS * _PATIENCE_SECONDS / latency
    yield Figure(section, "burst that fits: 40 s / latency", burst, "events", note=_EXPLAINED)


def load(count: int) -> Iterator[Figure]:
    """Throughput, latencies, and whether each event was stored once and notified once."""
    posts = bodies.stream(count)
    expected = Counter(_id_of(body) for body in posts)
    with _running() as made:
        progress.print(f"Posting {count:,} events on {_CONNECTIONS} connections …", style="dim")
        run = _drive(made, posts)
        progress.print("Waiting until the last is notified …", style="dim")
        _settle(made, expected)
        stored, notified = set(made.journal.records), Counter(made.journal.notified)
    section = f"Load: {count:,} events through real HTTP, the local system"
    yield Figure(section, "throughput", count / run.seconds, "events/s")
    percentiles = quantiles(run.latencies, n=100, method="inclusive")
    for percent in (50, 95, 99):
        yield Figure(section, f"latency, p{percent}", percentiles[percent - 1] * 1000, "ms")
    yield Figure(section, "latency, the longest", max(run.latencies) * 1000, "ms")
    yield Figure(section, "refused", run.refused, "events", budget=0)
    yield Figure(section, "spilled, and restored", run.statuses[202], "events")
    yield Figure(section, "lost", len(expected.keys() - stored), "events", budget=0)
    yield Figure(section, "not notified", (expected - notified).total(), "events", budget=0)
    yield Figure(section, "notified twice", (notified - expected).total(), "events", budget=0)


@contextlib.contextmanager
def _running() -> Iterator[System]:
    """The local system; the functions' log goes nowhere."""
    with (
        open(os.devnull, "w") as log,  # noqa: PTH123
        contextlib.redirect_stdout(log),
        cloud.running(),
        system(cloud.make_stage(_STAGE)) as made,
    ):
        yield made


def _drive(made: System, posts: list[bytes]) -> Run:
    token = tokens.mint()
    made.stage.tokens.add(token, "publisher", "bench", "bench")
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for body in posts:
        waiting.put(body)
    latencies: list[float] = []
    statuses: list[int] = []

    def post_all() -> None:
        connection = http.client.HTTPConnection(
            urlsplit(made.api).netloc, timeout=_PATIENCE_SECONDS
        )
        with contextlib.closing(connection), contextlib.suppress(queue.Empty):
            while True:
                body = waiting.get_nowait()
                begun = time.perf_counter()
                statuses.append(_post(connection, token, body))
                latencies.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=post_all) for _ in range(_CONNECTIONS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:  # after Ctrl-C they end with the post that they are at
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        for thread in threads:
            thread.join()
    return Run(latencies, Counter(statuses), time.perf_counter() - started)


def _post(connection: http.client.HTTPConnection, token: str, body: bytes) -> int:
    """Post once; the status, 0 for none."""
    try:
        connection.request("POST", f"/callback?token={token}", body)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def _settle(made: System, expected: Counter[str]) -> None:
    """Wait until each event is notified, and then until a second passes without another one."""
    until = time.monotonic() + _SETTLE_SECONDS
    heard = -1
    while time.monotonic() < until:
        missing = expected - made.journal.notified
        if not missing and made.journal.notified.total() == heard:
            return
        heard = made.journal.notified.total()
        slowly(1)


def _id_of(body: bytes) -> str:
    return identify(body, read(body).timestamp or times.now())
