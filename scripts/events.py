"""Look at the events that a stage has stored: list them, watch them come, show one whole."""

import argparse
import itertools
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ops import cli, history, stage, view
from ops.cli import Failure
from ops.history import Wanted

from rich.console import Console

from chalicelib import times
from chalicelib.marathon import ids
from chalicelib.marathon.reading import usable_timestamp
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.record import Record
from chalicelib.store import Window

_EPILOG = """\
examples:
  .venv/bin/python scripts/events.py list --app /prod/web --since 12h
  .venv/bin/python scripts/events.py list --severity warning --since 2016-04-24T09:00:00Z
  .venv/bin/python scripts/events.py tail --severity error
  .venv/bin/python scripts/events.py show 20160424T092748069Z-0123456789abcdef
"""

_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{16}")
_AGO = re.compile(r"(\d{1,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    here = stage.find(args.stage)
    cluster = history.only_cluster(here, args.cluster)
    if args.command == "show":
        return _show(args, here, cluster)
    wanted = Wanted(cluster, _subject(args), args.type, args.severity, _window(args))
    if args.command == "list":
        _print(args, itertools.islice(history.newest_first(here.store, wanted), args.limit))
    else:
        cli.progress.print(f"Watching cluster {cluster}; Ctrl-C ends it.", style="dim")
        _print(args, history.as_they_come(here.store, wanted))
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    list_ = commands.add_parser("list", help="the newest first")
    _filters(list_)
    list_.add_argument(
        "--since", type=_time, metavar="WHEN", help="a time, or how long ago: 90m, 12h, 3d"
    )
    list_.add_argument("--until", type=_time, metavar="WHEN", help="likewise")
    list_.add_argument("--limit", type=_count, default=50, metavar="N", help="default: 50")
    tail = commands.add_parser("tail", help="as they come, until Ctrl-C")
    _filters(tail)
    show = commands.add_parser("show", help="one event, whole")
    show.add_argument("id", type=_id)
    for command in (list_, tail, show):
        command.add_argument("--cluster", default="", help="may be left out while there is one")
        command.add_argument("--json", action="store_true", help="JSON, one event a line")
        # Also after the command, where people look for it.
        command.add_argument("--stage", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _filters(parser: argparse.ArgumentParser) -> None:
    subject = parser.add_mutually_exclusive_group()
    subject.add_argument("--app", metavar="PATH", help="the app's timeline, such as /prod/web")
    subject.add_argument("--deployment", metavar="ID", help="the deployment's timeline")
    subject.add_argument(
        "--subject", metavar="SUBJECT", help="such as pod:/x, group:/prod, marathon"
    )
    parser.add_argument("--type", default="", help="such as deployment_failed")
    parser.add_argument("--severity", choices=SEVERITIES, default="info", help="this or worse")


def _subject(args: argparse.Namespace) -> str:
    if args.app:
        return f"app:{ids.path(args.app)}"
    return f"deployment:{args.deployment}" if args.deployment else args.subject or ""


def _window(args: argparse.Namespace) -> Window:
    since, until = getattr(args, "since", None), getattr(args, "until", None)
    if since and until and since > until:
        raise Failure("--since is later than --until.")
    everything = Window()
    return Window(
        times.compact(since) if since else everything.since,
        times.compact(until) if until else everything.until,
    )


def _time(text: str) -> datetime:
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    # A time without a zone is UTC, as all that is shown.
    time = usable_timestamp(text) or usable_timestamp(f"{text}Z") or usable_timestamp(f"{text}T00Z")
    if time is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; give one such as 2016-04-24T09:27:00Z, 2016-04-24, 90m or 3d"
        )
    return time


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a number, 1 or more")
    return int(text)


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no event's id; one looks like 20160424T092748069Z-0123456789abcdef"
        )
    return text


def _show(args: argparse.Namespace, here: stage.Stage, cluster: str) -> int:
    record = here.store.get(cluster, args.id)
    if record is None:
        raise Failure(f"Cluster {cluster} has no event {args.id}, or no longer.")
    if args.json:
        print(view.whole_json(record))
    else:
        _console().print(view.details(record))
    return 0


def _print(args: argparse.Namespace, records: Iterable[Record]) -> None:
    console = _console()
    none = True
    for record in records:
        none = False
        if args.json:
            print(view.summary_json(record), flush=True)
        else:
            console.print(view.line(record))
    if none:
        cli.progress.print("No events.", style="dim")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


if __name__ == "__main__":
    cli.run(main)
