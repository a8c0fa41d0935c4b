"""What is measured, each as a package of its own on disk and a fresh process that runs it with only
what Lambda provides.
"""

import contextlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

from ops.cli import Failure

import chalice
import chalice.app

from tests.bench import payloads
from tests.support.package import FOR_DELIVER, LAMBDA_ENVIRONMENT, RUNS_HERE, build, lambda_python

_HERE = Path(__file__).parent
_SERVE = _HERE / "inside" / "serve.py"
_PYDANTIC = ("pydantic", "pydantic-core", "typing-extensions", "typing-inspection")


@dataclass(frozen=True)
class Subject:
    """``package``: its files. ``module``, ``handler``: what Lambda calls."""

    name: str
    package: Path
    module: str
    handler: str


@dataclass(frozen=True)
class Bench:
    """All that is measured. ``where``: the folder that it is made in."""

    python: Path
    where: Path
    ours: Subject

    @cached_property
    def by_hand(self) -> Subject:
        return _baseline(self.where, "by_hand", "handler")

    @cached_property
    def tutorial(self) -> Subject:
        return _baseline(self.where, "tutorial", "app", chalice_too=True)

    @cached_property
    def powertools(self) -> Subject:
        needed = ("aws-lambda-powertools", "annotated-types", *_PYDANTIC)
        return _baseline(self.where, "powertools", "handler", needed)

    @cached_property
    def bare_put(self) -> Subject:
        return _baseline(self.where, "bare_put", "handler")

    @property
    def baselines(self) -> tuple[Subject, ...]:
        """What people write instead."""
        return self.by_hand, self.tutorial, self.powertools


def make(where: Path) -> Bench:
    """Build our package. Raises Failure where it can't run, or can't be built."""
    if not RUNS_HERE:
        raise Failure("What is measured is the package for Lambda: that needs Linux on x86_64.")
    built = Subject("ours", _built(where / "ours"), "app", "app")
    return Bench(lambda_python(where / "lambda"), where, built)


def plainly(bench: Bench) -> Subject:
    """Ours as ``chalice deploy`` alone packs it, without bytecode."""
    package = _built(bench.where / "plain", plainly=True)
    return Subject("ours, plainly", package, bench.ours.module, bench.ours.handler)


def without_deliver(bench: Bench) -> Subject:
    """Ours without what ``deliver`` alone imports."""
    package = bench.where / "without-deliver"
    gone = shutil.ignore_patterns(*FOR_DELIVER)
    shutil.copytree(bench.ours.package, package, ignore=gone)
    return Subject("ours, without deliver's", package, bench.ours.module, bench.ours.handler)


class Process:
    """A subject in a fresh process. ``started``, ``answered``: when it was begun, and when it last
    answered.
    """

    def __init__(self, bench: Bench, subject: Subject) -> None:
        self._where = bench.where
        self._subject = subject
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [str(bench.python), str(_SERVE), subject.module],
            cwd=subject.package,
            env=LAMBDA_ENVIRONMENT
            | {
                "_HANDLER": f"{subject.module}.{subject.handler}",
                "BENCH_GET_ITEM": json.dumps({"Item": payloads.token_item()}),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        with self._process, contextlib.suppress(BrokenPipeError):
            assert self._process.stdin
            self._process.stdin.close()

    def call(
        self,
        event: Any,
        times: int = 1,
        *,
        handler: str = "",
        puts: bool = False,
        modules: bool = False,
    ) -> dict[str, Any]:
        """Call the handler so many times; what ``inside/serve.py`` tells of it."""
        request = {
            "handler": handler or self._subject.handler,
            "event": str(_kept(self._where, event)),
            "times": times,
            "puts": puts,
            "modules": modules,
        }
        line = self._ask(json.dumps(request))
        self.answered = time.monotonic()
        told: dict[str, Any] = json.loads(line)
        answer = told["answer"]
        if isinstance(answer, dict) and answer.get("statusCode", 200) != 200:
            raise Failure(f"{self._subject.name} answered {answer['statusCode']}: not measured.")
        return told

    def _ask(self, request: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Failure(f"{self._subject.name} ended before it answered; see above.")
        return line


def samples(rounds: int, measures: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """What each measure gave in each round; all are taken in turn, so that a machine's moods meet
    them alike.
    """
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return taken


def ratio(measured: list[float], against: list[float]) -> float:
    """The median of the ratios, round by round: it hardly moves where a median of times does."""
    return median(ours / theirs for ours, theirs in zip(measured, against, strict=True))


def _built(where: Path, *, plainly: bool = False) -> Path:
    where.mkdir()
    try:
        return build(where, plainly=plainly)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or "it says nothing").strip().splitlines()
        raise Failure(f"The package can't be built: {said[-1]}") from error


def _kept(where: Path, event: Any) -> Path:
    """The file that has an event, for the processes to read."""
    text = json.dumps(event)
    path = where / f"{hash(text):x}.json"
    if not path.exists():
        path.write_text(text)
    return path


def _baseline(
    where: Path,
    module: str,
    handler: str,
    distributions: Sequence[str] = (),
    *,
    chalice_too: bool = False,
) -> Subject:
    package = where / module
    package.mkdir()
    shutil.copy(_HERE / "baselines" / f"{module}.py", package)
    for name in distributions:
        for file in importlib.metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (package / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(os.fspath(file.locate()), package / file)
    if chalice_too:
        (package / "chalice").mkdir()
        for source in (chalice.__file__, chalice.app.__file__):
            shutil.copy(str(source), package / "chalice")
    return Subject(module.replace("_", " "), package, module, handler)
