"""Structured log lines, which are also CloudWatch metrics: in embedded metric format, one on each
line, which names our version. No body and no secret is ever logged, with one exception: the last
copy of an event that neither the table nor the spill queue could take (``spill``).
"""

import json
import os
import time
from typing import Any

from chalicelib import VERSION

NAMESPACE = "MarathonEvents"

_UNITS = {"Latency": "Milliseconds"}
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


def warning(message: str, **fields: Any) -> None:
    """Something that an operator may want to look into."""
    _line("WARNING", message, fields)


def error(message: str, **fields: Any) -> None:
    """Something that an operator must fix."""
    _line("ERROR", message, fields)


def metrics(values: dict[str, float], **fields: Any) -> None:
    """One line that logs what was done, with metrics by function. It is printed at every log level,
    since alarms depend on it.
    """
    described = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values]
    described_in = {"Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": described}
    _print(
        {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described_in]},
            "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local"),
            **values,
            **fields,
        }
    )


def _line(level: str, message: str, fields: dict[str, Any]) -> None:
    least = os.environ.get("LOG_LEVEL", "INFO").upper()
    if _LEVELS[level] >= _LEVELS.get(least, 20):
        _print({"level": level, "message": message, **fields})


def _print(line: dict[str, Any]) -> None:
    # With its end in one write, or lines of several threads would mix.
    text = json.dumps(line | {"version": VERSION}, separators=(",", ":"))
    print(f"{text}\n", end="", flush=True)
