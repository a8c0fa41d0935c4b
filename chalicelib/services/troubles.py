"""Troubles: what is wrong, as people are told of it. There is one at most for each subject."""

from dataclasses import dataclass
from typing import Any

from chalicelib.services.table import Table


@dataclass(frozen=True, slots=True)
class Trouble:
    """Warnings and errors of one subject that have not yet ended. ``since``, ``last``: the times of
    the first and of the newest of them. ``title``: that of the newest.
    """

    cluster: str
    subject: str
    since: str
    last: str
    severity: str
    title: str

    def summary(self) -> dict[str, str]:
        """What readers are shown of it."""
        return {
            "subject": self.subject,
            "since": self.since,
            "severity": self.severity,
            "title": self.title,
        }


class Troubles:
    """The troubles of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def all(self) -> list[Trouble]:
        """Every open trouble, by cluster and subject."""
        return [_trouble(values) for values in self._table.query("pk = :pk", pk="#trouble")]


def _trouble(values: dict[str, Any]) -> Trouble:
    cluster, _, subject = values["sk"].partition("|")
    return Trouble(
        cluster, subject, values["since"], values["last"], values["severity"], values["title"]
    )
