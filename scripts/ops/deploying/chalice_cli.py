"""Chalice's own command, run in this clone."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

from ops import ROOT
from ops.cli import Failure, say

# Chalice goes on without a dependency that has no wheel for Lambda, and only says so.
INCOMPLETE = "Could not install dependencies"
_FAILED_CALL = re.compile(
    r"An error occurred \(([^)]*)\) when calling the (\w+) operation[^:]*: "
    r"(.*?)(?: During handling of the above| The above exception was| Traceback \(most|$)"
)


# What Lambda says of a mapping while a new role is not known everywhere.
_NOT_YET_ALLOWED = "Cannot access stream"


class NotYetAllowed(Failure):
    """A role that was just made is not known everywhere at AWS yet; later it is."""


def run(command: str, stage: str) -> None:
    """Run ``chalice deploy`` or ``chalice delete``, and show what it does. Raises Failure, or
    NotYetAllowed where waiting helps.
    """
    _drop_broken_packages()
    program = Path(sys.executable).with_name("chalice")
    with subprocess.Popen(
        [str(program), command, "--stage", stage],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = [line.rstrip() for line in _shown(process)]
    if process.returncode != 0:
        why = _what_failed(lines)
        kind = NotYetAllowed if _NOT_YET_ALLOWED in why else Failure
        raise kind(f"chalice {command} failed: {why}")
    if any(INCOMPLETE in line for line in lines):
        raise Failure(
            "Chalice deployed without a dependency that has no wheel for Lambda (see above): the "
            "functions won't run. Change its version in requirements.txt and deploy again."
        )


def _what_failed(lines: list[str]) -> str:
    """The call that failed and AWS's error, or else the last line. Chalice wraps its lines."""
    said = " ".join(" ".join(lines).split())
    if call := _FAILED_CALL.search(said):
        code, operation, message = call.groups()
        if "<" in message:
            message = "what answered is no answer of AWS; look at HTTPS_PROXY and AWS_ENDPOINT_URL"
        return f"AWS refused {operation} ({code}): {message[:300]}"
    if "</" in said:
        return (
            "a page of HTML came in the place of an answer of AWS; "
            "look at HTTPS_PROXY and AWS_ENDPOINT_URL"
        )
    return next((line for line in reversed(lines) if line.strip()), "it says nothing")


def _drop_broken_packages() -> None:
    """Remove packages that are only half written: after an interruption Chalice would use them."""
    for package in (ROOT / ".chalice" / "deployments").glob("*.zip"):
        if not zipfile.is_zipfile(package):
            package.unlink()


def _shown(process: "subprocess.Popen[str]") -> list[str]:
    """All output of a process. Its tracebacks are not shown to the user."""
    lines = []
    in_traceback = False
    for line in process.stdout or ():
        lines.append(line)
        if line.startswith("Traceback "):
            in_traceback = True
        elif in_traceback and line.strip() and not line.startswith((" ", "\t")):
            in_traceback = False
        if not in_traceback and line.strip():
            say(f"  {line.rstrip()}", style="dim")
    return lines
