"""What the doctor finds, and how it continues if a check can't be made."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from ops import cli

Level = Literal["error", "warning", "ok"]

LEVELS: tuple[Level, ...] = ("error", "warning", "ok")


@dataclass(frozen=True)
class Finding:
    """One thing that was found. ``what``: a code for programs; ``message``: the evidence, and
    ``remedy``: what to do about it (nothing where all is well), for people.
    """

    level: Level
    what: str
    message: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """For people: one line, whatever it is made of."""
        parts = [f"{self.level:<7}", self.message, f"→ {self.remedy}" if self.remedy else ""]
        return " ".join(" ".join(parts).split("\n")).rstrip()

    @property
    def json(self) -> str:
        """For programs: a JSON object on one line."""
        return json.dumps(asdict(self))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then what is well; within each as they were found."""
    return sorted(findings, key=lambda each: LEVELS.index(each.level))


def all_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing needs looking into."""
    return all(each.level == "ok" for each in findings)


def guarded(what: str, name: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """What a check finds. One that can't be made says so, as a finding, and stops no other.
    ``what``: its code; ``name``: what it looks at, as a sentence calls it.
    """
    try:
        return check()
    except cli.EXPECTED as error:
        why = cli.sentence(error)
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
    return [Finding("warning", what, f"{name} could not be looked at.", why)]
