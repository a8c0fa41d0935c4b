"""What it costs to understand an event: the import of the models against that of boto3 with a
client, and reading a plan of 100 apps against ``json.loads`` alone.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from chalicelib.marathon.reading import read
from tests.bench.bodies import definition, plan, small

_RUNS = 15

_BOTO3 = "import boto3; boto3.client('dynamodb', region_name='us-east-1')"
_MODELS = "import chalicelib.marathon.reading"
_TIMED = (
    "import time; {before}; started = time.perf_counter(); {code}; "
    "print(time.perf_counter() - started)"
)


def main() -> None:
    """Print the ratios and their budgets."""
    pydantic = "import pydantic; from pydantic import BaseModel, ValidationError"
    models, boto3 = _interleaved(lambda: _import(_MODELS, pydantic), lambda: _import(_BOTO3))
    _print("import of the models / import of boto3 with a client", models / boto3, 1 / 3)
    _understanding("small", small(), None)
    _understanding("definition", definition(), None)
    _understanding("100-app plan", plan(100), 2.0)


def _understanding(name: str, body: bytes, budget: float | None) -> None:
    repeat = max(1, 500_000 // len(body))
    ours, loads = _interleaved(
        lambda: _cpu(lambda: read(body), repeat), lambda: _cpu(lambda: json.loads(body), repeat)
    )
    _print(f"understanding, {name} ({len(body):,} bytes) / json.loads", ours / loads, budget)


def _interleaved(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, measured in turn, so that a machine's moods meet both."""
    pairs = [(ours(), theirs()) for _ in range(_RUNS)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def _import(code: str, before: str = "pass") -> float:
    command = [sys.executable, "-c", _TIMED.format(before=before, code=code)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _cpu(call: Callable[[], object], repeat: int) -> float:
    started = time.process_time()
    for _ in range(repeat):
        call()
    return time.process_time() - started


def _print(what: str, ratio: float, budget: float | None) -> None:
    mark = "" if budget is None else f"budget {budget:.2f}  {'ok' if ratio <= budget else 'MISSED'}"
    print(f"{what:<62} {ratio:6.2f}  {mark}")


if __name__ == "__main__":
    main()
