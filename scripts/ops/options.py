"""Options by which people say which events they want."""

import argparse
import difflib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ops.cli import Failure
from ops.stage.resources import Stage

from chalicelib.history import Wanted
from chalicelib.marathon.models import MODELS
from chalicelib.marathon.reading import UNKNOWN
from chalicelib.marathon.severity import BY_CONDITION, BY_TASK_STATE, SEVERITIES
from chalicelib.records.record import is_id
from chalicelib.services.store import Window
from chalicelib.text import clip
from chalicelib.times import usable_timestamp

_AGO = re.compile(r"(\d{1,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Options for a subject, a type and a severity."""
    subject = parser.add_mutually_exclusive_group()
    subject.add_argument(
        "--app",
        metavar="PATH",
        help="of an app or pod, such as /prod/web, or of all below: /prod/*",
    )
    subject.add_argument("--deployment", metavar="ID", help="of a deployment")
    subject.add_argument(
        "--subject", metavar="SUBJECT", help="such as pod:/x, group:/prod, marathon"
    )
    parser.add_argument("--type", help="such as deployment_failed")
    parser.add_argument("--severity", choices=SEVERITIES, default="info", help="this or worse")
    parser.add_argument("--text", metavar="WORDS", help="a part of the title")


def add_times(parser: argparse.ArgumentParser) -> None:
    """Options for a span of time."""
    parser.add_argument(
        "--since", type=time, metavar="WHEN", help="a time (UTC), or how long ago: 90m, 12h, 3d"
    )
    parser.add_argument("--until", type=time, metavar="WHEN", help="likewise")


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """An option for one cluster."""
    parser.add_argument("--cluster", metavar="NAME", help="one cluster's alone (default: all)")


def wanted(args: argparse.Namespace, stage: Stage) -> Wanted:
    """What the options say. Raises Failure."""
    subject = f"deployment:{args.deployment}" if args.deployment else args.subject or ""
    return Wanted(
        clusters(stage, args.cluster),
        app=args.app or "",
        subject=clip(subject),
        type=args.type or "",
        severity=args.severity,
        text=args.text or "",
        window=window(args),
    )


def narrows(args: argparse.Namespace) -> bool:
    """Whether the options leave anything out, clusters apart."""
    given = (args.app, args.deployment, args.subject, args.type, args.text, args.since, args.until)
    return any(given) or args.severity != "info"


def clusters(stage: Stage, asked: str | None) -> tuple[str, ...]:
    """The cluster asked for, or all. Raises Failure."""
    names = [cluster.name for cluster in stage.clusters.all()]
    if asked and asked not in names:
        known = f"Registered: {', '.join(names)}." if names else "None is registered yet."
        raise Failure(f"Stage {stage.name} has no cluster {asked!r}. {known}")
    if not names:
        raise Failure(
            f"No Marathon is registered at stage {stage.name} yet: "
            "run scripts/register.py --marathon URL."
        )
    return (asked,) if asked else tuple(names)


def hint_at_type(type_: str | None) -> str:
    """The type that was perhaps meant, if no Marathon sends one with the given name; or else
    nothing.
    """
    if not type_ or type_ in MODELS or type_ == UNKNOWN:
        return ""
    return f" No Marathon up to 1.11 sends the type {type_!r}{_meant(type_, MODELS)}"


def hint_at_status(status: str) -> str:
    """The same for the state of a task, or the condition of an instance."""
    known = [each for each in (*BY_TASK_STATE, *BY_CONDITION) if each]
    if status in known:
        return ""
    return f"No Marathon up to 1.11 sends the status {status!r}{_meant(status, known)}"


def event_id(text: str) -> str:
    """An option's type: the id of an event."""
    if not is_id(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no event's id; one looks like 20160424T092748069Z-0123456789abcdef"
        )
    return text


def count(text: str) -> int:
    """An option's type: a whole number, 1 or more."""
    if not (text.isascii() and text.isdecimal() and int(text[:18]) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r}: give a number, 1 or more")
    return int(text[:18])


def rate(text: str) -> float:
    """An option's type: so many a second."""
    value = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: give a number a second, more than 0")
    return value


def duration(text: str) -> timedelta:
    """An option's type: a span of time such as 90m, 12h or 3d."""
    found = _AGO.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: give a time such as 90s, 15m, 12h or 3d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _meant(text: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(text, known, n=1)
    return f"; did you mean {close[0]}?" if close else ": docs/events.md has them all."


def window(args: argparse.Namespace) -> Window:
    """The span of time that the options of ``add_times`` say. Raises Failure."""
    since, until = getattr(args, "since", None), getattr(args, "until", None)
    if since and until and since > until:
        raise Failure("--since is later than --until.")
    return Window.between(since, until)


def time(text: str) -> datetime:
    """An option's type: a time, or how long ago."""
    if _AGO.fullmatch(text):
        return datetime.now(UTC) - duration(text)
    # A time without a zone is UTC, as all that is shown.
    moment = usable_timestamp(text) or usable_timestamp(f"{text}Z")
    moment = moment or usable_timestamp(f"{text}T00Z")
    if moment is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; give one such as 2016-04-24T09:27:00Z, 2016-04-24, 90m or 3d"
        )
    return moment
