"""What it costs to understand an event: the import of the models against that of boto3 with a
client, and reading a plan of 100 apps against ``json.loads`` alone.
"""

import json
import subprocess
import sys

from chalicelib.marathon.reading import read
from tests.bench.bodies import definition, plan, small
from tests.bench.measure import cpu, medians, show

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
    models, boto3 = medians(_RUNS, [lambda: _import(_MODELS, pydantic), lambda: _import(_BOTO3)])
    show("import of the models / import of boto3 with a client", models / boto3, 1 / 3)
    _understanding("small", small(), None)
    _understanding("definition", definition(), None)
    _understanding("100-app plan", plan(100), 2.0)


def _understanding(name: str, body: bytes, budget: float | None) -> None:
    repeat = max(1, 500_000 // len(body))
    ours, loads = medians(
        _RUNS,
        [lambda: cpu(lambda: read(body), repeat), lambda: cpu(lambda: json.loads(body), repeat)],
    )
    show(f"understanding, {name} ({len(body):,} bytes) / json.loads", ours / loads, budget)


def _import(code: str, before: str = "pass") -> float:
    command = [sys.executable, "-c", _TIMED.format(before=before, code=code)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
