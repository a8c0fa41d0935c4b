"""Options by which people say which events they want."""

import argparse
import datetime as dt
import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

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
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_BEGINNING = re.compile(r"\d{8}(T\d{0,9}(Z(-[0-9a-f]{0,16})?)?)?|[0-9a-f]{4,16}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Options for a subject, a type and a severity."""
    subject = parser.add_mutually_exclusive_group()
    subject.add_argument(
        "--app",
        metavar="PATH",
        help="about this app or pod, such as /prod/web, or all below: /prod/*",
    )
    subject.add_argument("--deployment", metavar="ID", help="about this deployment")
    subject.add_argument(
        "--subject", metavar="SUBJECT", help="about this, such as pod:/x, group:/prod, marathon"
    )
    parser.add_argument("--type", help="such as deployment_failed")
    parser.add_argument("--severity", choices=SEVERITIES, default="info", help="this or worse")
    parser.add_argument("--text", metavar="WORDS", help="a part of the title")


def add_choice(parser: argparse.ArgumentParser, about: str) -> argparse._ArgumentGroup:
    """Options for several clusters and apps, and a severity; their group. ``about``: what an app's
    path chooses.
    """
    group = parser.add_argument_group("filters")
    group.add_argument(
        "--cluster", action="append", default=[], metavar="NAME", help="only this cluster"
    )
    group.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="PATH",
        help=f"{about}; '/prod/*': all below /prod",
    )
    group.add_argument(
        "--severity", choices=SEVERITIES, default="info", help="this or worse (default: all)"
    )
    return group


def add_times(parser: argparse.ArgumentParser) -> None:
    """Options for a span of time. ``settle_times`` makes times of them."""
    parser.add_argument(
        "--since",
        type=time,
        metavar="WHEN",
        help="a time (2016-04-24T09:27, 2016-04-24, or 23:00 for the last 23:00 that has passed), "
        "or how long ago: 90m, 12h, 3d",
    )
    parser.add_argument("--until", type=time, metavar="WHEN", help="a time, in the same forms")


def add_zone(parser: argparse.ArgumentParser) -> None:
    """An option for the time zone of what is given and shown."""
    parser.add_argument(
        "--tz",
        type=zone,
        default=UTC,
        metavar="ZONE",
        help="the time zone of times, such as Europe/Berlin, or local (default: UTC)",
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """An option for one cluster."""
    parser.add_argument("--cluster", metavar="NAME", help="only this cluster (default: all)")


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
        raise Failure(
            f"Stage {stage.name} has no cluster {asked!r}.{nearest(asked, names)} {known}"
        )
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
    return _hint("type", type_ or "", (*MODELS, UNKNOWN))


def hint_at_status(status: str) -> str:
    """The same for the state of a task, or the condition of an instance."""
    return _hint("status", status, [each for each in (*BY_TASK_STATE, *BY_CONDITION) if each])


def _hint(what: str, text: str, known: Sequence[str]) -> str:
    if not text or text in known:
        return ""
    meant = nearest(text, known) or " docs/events.md has them all."
    return f"No Marathon up to 1.11 sends the {what} {text!r}.{meant}"


def event_beginning(text: str) -> str:
    """An option's type: an event's id, its beginning, or the short id that lists show."""
    if not (is_id(text) or _BEGINNING.fullmatch(text)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an event's id; one looks like 20160424T092748069Z-0123456789abcdef. "
            "Its beginning, or a short id such as 01234567, will do"
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


def window(args: argparse.Namespace) -> Window:
    """The span of time that the options of ``add_times`` say. Raises Failure."""
    since, until = getattr(args, "since", None), getattr(args, "until", None)
    if since and until and since > until:
        raise Failure("--since is later than --until.")
    return Window.between(since, until)


def time(text: str) -> datetime | dt.time:
    """An option's type: a time, or how long ago. A time of day, and a time without a zone, get
    their meaning from ``settle_times``.
    """
    if _AGO.fullmatch(text):
        return datetime.now(UTC) - duration(text)
    if _TIME_OF_DAY.fullmatch(text):
        return dt.time.fromisoformat(text)
    moment = usable_timestamp(text)
    if moment is None and usable_timestamp(f"{text}Z"):
        moment = datetime.fromisoformat(text)
    if moment is None and usable_timestamp(f"{text}T00Z"):
        moment = datetime.fromisoformat(f"{text}T00")
    if moment is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; give one such as 2016-04-24T09:27:00Z, 2016-04-24, 23:00, "
            "90m or 3d"
        )
    return moment


def zone(text: str) -> tzinfo:
    """An option's type: a time zone by its name."""
    if text == "local":
        return datetime.now().astimezone().tzinfo or UTC
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(text, available_timezones())
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time zone; give one such as Europe/Berlin, or local.{near}"
        ) from None


def nearest(text: str, known: Iterable[str]) -> str:
    """A question for the known name that was perhaps meant; empty if none is like it."""
    close = difflib.get_close_matches(text, list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def settle_times(args: argparse.Namespace) -> None:
    """Make points in time of what ``--since`` and ``--until`` say, in the zone of ``--tz``. A time
    of day is the last one that has passed; of ``--until``, the first one after ``--since``.
    """
    tz, now = getattr(args, "tz", UTC), datetime.now(UTC)
    since, until = getattr(args, "since", None), getattr(args, "until", None)
    if since is not None:
        args.since = since = _point(since, tz, now)
    if until is not None:
        args.until = _point(until, tz, now)
        if isinstance(until, dt.time) and since and args.until < since:
            args.until += timedelta(days=1)


def _point(given: datetime | dt.time, tz: tzinfo, now: datetime) -> datetime:
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=tz)).astimezone(UTC)
    today = now.astimezone(tz).date()
    latest = datetime.combine(today, given, tz)
    if latest > now:
        latest = datetime.combine(today - timedelta(days=1), given, tz)
    return latest.astimezone(UTC)
