"""What it costs to understand an event: the import of the models against that of boto3 with a
client, and reading a body against ``json.loads`` alone.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from chalicelib.marathon.reading import read
from tests.bench import bodies
from tests.bench.figures import Figure
from tests.bench.subjects import ratio, samples

_ROUNDS = 21

_PYDANTIC = "import pydantic; from pydantic import BaseModel, ValidationError"
_BOTO3 = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
_MODELS = "import chalicelib.marathon.reading"
_TIMED = (
    "import time; {before}; started = time.perf_counter(); {code}; "
    "print(time.perf_counter() - started)"
)


def understanding() -> Iterator[Figure]:
    """The figures."""
    imports = {"models": partial(_import, _MODELS, _PYDANTIC), "boto3": partial(_import, _BOTO3)}
    took = samples(_ROUNDS, {**imports})
    yield Figure(
        "Import of the models",
        "without pydantic / boto3 with a client",
        ratio(took["models"], took["boto3"]),
        budget=1 / 3,
    )
    for name, body, budget in (
        ("small", bodies.small(), None),
        ("app definition", bodies.definition(), None),
        ("plan of 100 apps", bodies.plan(100), 2.0),
    ):
        times = max(1, 500_000 // len(body))
        measures: dict[str, Callable[[], float]] = {
            "read": partial(_cpu, partial(read, body), times),
            "loads": partial(_cpu, partial(json.loads, body), times),
        }
        took = samples(_ROUNDS, measures)
        against = ratio(took["read"], took["loads"])
        yield Figure("Understanding an event / json.loads", name, against, budget=budget)


def _import(code: str, before: str = "pass") -> float:
    command = [sys.executable, "-c", _TIMED.format(before=before, code=code)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _cpu(call: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        call()
    return time.process_time() - started
