"""What readers may ask for: the parameters of ``GET /events`` and ``GET /deployments``. A table
says how each is read, and how the OpenAPI document describes it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from chalicelib import times
from chalicelib.history import Wanted
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.records.deployment import State
from chalicelib.services import clusters
from chalicelib.services.store import Window
from chalicelib.text import clip, valid_unicode

MOST = 500
USUAL = 100
_MOST_CHARACTERS = 2_000
OUTCOMES = list(get_args(State))
_EARLIEST = times.from_epoch(0)  # no event is older


class BadParameter(Exception):
    """A parameter that makes no sense. ``name``: which one. The message says what to do."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class Parameter:
    """``read``: makes the value of a text, or raises ValueError, which says what to do."""

    read: Callable[[str], Any]
    about: str
    schema: dict[str, Any]


def cluster(text: str) -> str:
    """The name of a cluster. Raises ValueError."""
    if not clusters.allowed(text):
        raise ValueError("give the name of a cluster, such as prod; GET /clusters lists them")
    return text


def _text(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"give at most {_MOST_CHARACTERS} characters")
    return valid_unicode(text)


def _app(text: str) -> str:
    if "*" in _text(text).removesuffix("/*"):
        raise ValueError("give a path such as /prod/web, or all below: /prod/*")
    return _text(text)


def _one_of(names: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(f"give one of {', '.join(names)}")
        return text

    return read


def _time(text: str) -> datetime:
    # In a query, a plus sign that is not escaped arrives as a blank.
    time = times.with_zone(text.replace(" ", "+"))
    if time is None:
        raise ValueError("give a time with its zone, such as 2016-04-24T09:27:00Z")
    return max(time, _EARLIEST)


def _limit(text: str) -> int:
    if not re.fullmatch("0{0,9}[1-9][0-9]{0,8}", text) or int(text) > MOST:
        raise ValueError(f"give a number from 1 to {MOST}")
    return int(text)


_STRING = {"type": "string", "maxLength": _MOST_CHARACTERS}
_TIME = {"type": "string", "format": "date-time"}
CLUSTER = Parameter(cluster, "A cluster.", {"type": "string", "pattern": f"^{clusters.NAME}$"})

PARAMETERS = {
    "cluster": Parameter(
        cluster, "May be left out while there is one, or for a token of one.", CLUSTER.schema
    ),
    "app": Parameter(
        _app,
        "The path of an app or pod, such as /prod/web, or all below: /prod/*.",
        {**_STRING, "pattern": r"^[^*]*(/\*)?$"},
    ),
    "deployment": Parameter(_text, "The id of a deployment.", _STRING),
    "subject": Parameter(_text, "Such as app:/prod/web, pod:/x, group:/prod, marathon.", _STRING),
    "type": Parameter(_text, "Such as deployment_failed.", _STRING),
    "severity": Parameter(
        _one_of(SEVERITIES), "This or worse.", {"type": "string", "enum": list(SEVERITIES)}
    ),
    "since": Parameter(_time, "Not earlier.", _TIME),
    "until": Parameter(_time, "Not later.", _TIME),
    "text": Parameter(_text, "A part of the title, in upper or lower case.", _STRING),
    "limit": Parameter(
        _limit,
        "How many a page has at most.",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    ),
    "cursor": Parameter(
        _text, "The cursor of the page before; the rest of the query must be the same.", _STRING
    ),
}


OF_DEPLOYMENTS = {
    "cluster": PARAMETERS["cluster"],
    "app": PARAMETERS["app"],
    "outcome": Parameter(
        _one_of(OUTCOMES), "How they ended, or that they run.", {"type": "string", "enum": OUTCOMES}
    ),
    "since": Parameter(_time, "Not begun earlier.", _TIME),
    "until": Parameter(_time, "Not begun later.", _TIME),
    "limit": PARAMETERS["limit"],
    "cursor": PARAMETERS["cursor"],
}
"""The parameters of ``GET /deployments``."""


OF_ALERTS = {
    "cluster": PARAMETERS["cluster"],
    "since": Parameter(_time, "Not sent earlier.", _TIME),
    "until": Parameter(_time, "Not sent later.", _TIME),
    "limit": PARAMETERS["limit"],
    "cursor": PARAMETERS["cursor"],
}
"""The parameters of ``GET /alerts``."""

OF_INCIDENTS = {name: OF_ALERTS[name] for name in ("cluster", "since", "until")}
"""The parameters of ``GET /incidents``."""


def read(
    given: Mapping[str, str], parameters: Mapping[str, Parameter] = PARAMETERS
) -> dict[str, Any]:
    """The values of the parameters that are given. Raises BadParameter."""
    values = {}
    for name, text in given.items():
        if name not in parameters:
            raise BadParameter(
                name, f"There is no such parameter; there are {', '.join(parameters)}."
            )
        try:
            values[name] = parameters[name].read(text)
        except ValueError as error:
            raise BadParameter(name, f"{name}: {error}.") from error
    return values


def wanted(values: Mapping[str, Any], cluster: str) -> Wanted:
    """Which records the values ask for."""
    subject = values.get("subject", "")
    if deployment := values.get("deployment"):
        if subject not in ("", f"deployment:{deployment}"):
            return Wanted(())  # nothing is about both
        subject = f"deployment:{deployment}"
    return Wanted(
        (cluster,),
        app=values.get("app", ""),
        subject=clip(subject),
        type=values.get("type", ""),
        severity=values.get("severity", "info"),
        text=values.get("text", ""),
        window=Window.between(values.get("since"), values.get("until")),
    )
