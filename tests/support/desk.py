"""Scripts run in this process, as by somebody at a desk."""

import json
from collections.abc import Callable
from typing import Any

from ops.stage.resources import Stage

import pytest

from local.system import System


def args(system: System, url: str, *more: str) -> list[str]:
    """Arguments of register.py for a system and a Marathon."""
    return ["--stage", system.stage.name, "--url", system.api, "--marathon", url, *more]


class Desk:
    """One command of one stage. ``told``: what it last wrote to stderr."""

    def __init__(
        self,
        command: Callable[[list[str]], int],
        stage: Stage,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.stage = stage
        self._command = command
        self._capsys = capsys
        self.told = ""

    def run(self, *args: str) -> list[str]:
        """The lines that the command prints."""
        self._capsys.readouterr()
        assert self._command(["--stage", self.stage.name, *args]) == 0
        shown = self._capsys.readouterr()
        self.told = shown.err
        return shown.out.splitlines()

    def json(self, *args: str) -> list[dict[str, Any]]:
        """Its lines as JSON."""
        return [json.loads(line) for line in self.run(*args, "--json")]
