"""A function in a process of its own, as Lambda has it, with an AWS in memory: ``serve.py MODULE``.

Each line on stdin is a request, ``{"handler": …, "event": file, "times": …}``: call the handler so
many times with the event in that file. Each line on stdout tells what it took. It runs with what
Lambda has; nothing of the bench's is there but this folder.
"""

import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """What Lambda tells a handler of the request and of the function."""

    aws_request_id = "8f5e3a2c-0000-4000-8000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:bench"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class _Log:
    """Where the functions print to. ``size``: bytes so far."""

    def __init__(self) -> None:
        self._file = Path(os.devnull).open("w")  # noqa: SIM115
        self.size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return self._file.write(text)

    def flush(self) -> None:
        self._file.flush()


def main(module: str) -> None:
    """Answer requests until there are no more."""
    answers, log = sys.stdout, _Log()
    sys.stdout = log
    sys.path.insert(0, str(Path.cwd()))
    function = importlib.import_module(module)
    memory_aws: Any = importlib.import_module("memory_aws")
    memory_aws.install()
    memory_aws.get_item = json.loads(os.environ.get("BENCH_GET_ITEM", "{}"))
    for line in sys.stdin:
        request = json.loads(line)
        memory_aws.calls.clear()
        memory_aws.puts.clear()
        logged = log.size
        handler = getattr(function, request["handler"])
        cpu, answer = _call(handler, json.loads(Path(request["event"]).read_bytes()), request)
        told = {
            "cpu": cpu,
            "answer": answer,
            "calls": memory_aws.calls,
            "puts": [put.decode() for put in memory_aws.puts] if request.get("puts") else [],
            "logged": log.size - logged,
            "peak_mb": _peak_mb(),
            "modules": list(sys.modules) if request.get("modules") else [],
        }
        answers.write(json.dumps(told) + "\n")
        answers.flush()


def _peak_mb() -> float:
    """The most memory that this process ever had (getrusage counts what its parent had, too)."""
    status = Path("/proc/self/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


def _call(handler: Any, event: Any, request: dict[str, Any]) -> tuple[float, Any]:
    context, answer = Context(), None
    started = time.process_time()
    for _ in range(request["times"]):
        answer = handler(event, context)
    return time.process_time() - started, answer


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C is the bench's to speak of
    main(sys.argv[1])
