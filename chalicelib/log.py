"""Structured log lines, which are CloudWatch metrics too: embedded metric format, printed alone on
a line. No body and no secret is ever logged; the one exception is the last copy of an event that
neither the table nor the spill queue took (``spill``).
"""

import json
import os
import time
from typing import Any

NAMESPACE = "MarathonEvents"

_UNITS = {"Latency": "Milliseconds"}
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


def warning(message: str, **fields: Any) -> None:
    """Something that an operator may want to look into."""
    _line("WARNING", message, fields)


def error(message: str, **fields: Any) -> None:
    """Something that needs an operator."""
    _line("ERROR", message, fields)


def metrics(values: dict[str, float], **fields: Any) -> None:
    """One line that is the log of what was done, and its metrics by function. Printed at every
    level, since alarms live on it.
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
    print(json.dumps(line, separators=(",", ":")), flush=True)
