"""Rehearse: what people would get of a file of events, or of what a stage has stored. The events
are played through the real functions in an AWS of their own, on this machine, each at its own time.
"""

import argparse
import contextlib
import importlib.util
import io
import itertools
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ops import cli, options
from ops.cli import Failure, out, say, warn
from ops.stage import deployed, resources

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.services.deployed import address
from chalicelib.services.store import Window

if TYPE_CHECKING:
    from chalicelib.records.story import Story
    from local.rehearsal import Rehearsal

_MOST_EVENTS = 50_000

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/rehearse.py night.ndjson
  .venv/bin/python scripts/rehearse.py night.ndjson --until-minutes 360 --json
  .venv/bin/python scripts/rehearse.py --stage prod --since 2d --cluster prod

FILE has one event a line, as Marathon sent it; lines that begin with # are skipped, and - reads
standard input. Change the times in chalicelib/records/timing.py to rehearse others.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    if importlib.util.find_spec("moto") is None:
        raise Failure("An AWS on this machine needs the packages of the tests: run make test once.")
    played = _of_file(args) if args.file else _of_stage(args)
    bodies = played.bodies
    if not bodies:
        raise Failure("There is no event to rehearse.")
    say(f"Playing {len(bodies):,} events …", "dim")
    from local import cloud
    from local.rehearsal import Rehearsal

    logged = io.StringIO()
    with cloud.running(), contextlib.redirect_stdout(logged):
        rehearsal = Rehearsal(cloud.make_stage(played.stage), played.cluster, played.api)
        rehearsal.play(bodies, timedelta(minutes=args.until_minutes))
        stories = rehearsal.stories()
    for line in logged.getvalue().splitlines():
        if '"level":"ERROR"' in line:
            warn(line)
    (_print_json if args.json else _print)(rehearsal, stories)
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.Parser(description=__doc__, epilog=_EXAMPLES)
    parser.add_argument("file", nargs="?", type=cli.file, metavar="FILE", help="events, one a line")
    parser.add_argument("--stage", metavar="NAME", help="rehearse what that stage has stored")
    parser.add_argument(
        "--since", type=options.time, metavar="WHEN", help="with --stage: from then on, such as 2d"
    )
    parser.add_argument("--cluster", metavar="NAME", help="the cluster's name (default: prod)")
    parser.add_argument(
        "--until-minutes",
        type=_minutes,
        default=30,
        metavar="N",
        help="for how long people listen after the last event (default: 30)",
    )
    parser.add_argument("--json", action="store_true", help="JSON: a line for each message")
    args = parser.parse_args(argv)
    if bool(args.file) == bool(args.stage):
        parser.error("give a FILE, or --stage and --since")
    if args.since and not args.stage:
        parser.error("--since goes with --stage")
    return args


def _minutes(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of minutes, 0 or more")
    return int(text)


@dataclass(frozen=True)
class _Played:
    """What is played, oldest first, and the names and the address that messages are to have."""

    bodies: list[bytes]
    stage: str
    cluster: str
    api: str = ""


def _of_file(args: argparse.Namespace) -> _Played:
    from local.rehearsal import lines

    path: Path = args.file
    try:
        if str(path) == "-":
            bodies = lines(sys.stdin.buffer)
        else:
            with path.open("rb") as file:
                bodies = lines(file)
    except OSError as error:
        raise Failure(f"{path} can't be read: {error.strerror}.") from error
    return _Played(bodies, "prod", args.cluster or "prod")


def _of_stage(args: argparse.Namespace) -> _Played:
    """The events that a stage has stored of a cluster."""
    stage = resources.find(args.stage)
    names = [args.cluster] if args.cluster else [each.name for each in stage.clusters.all()]
    if len(names) != 1:
        raise Failure(
            f"Say which cluster with --cluster: {', '.join(names) or 'there is none yet'}."
        )
    since = args.since or times.now() - timedelta(days=1)
    wanted = Wanted((names[0],), window=Window.between(since), page=500)
    rows = list(itertools.islice(history.newest_first(stage.store, wanted), _MOST_EVENTS + 1))
    if len(rows) > _MOST_EVENTS:
        raise Failure(f"These are more than {_MOST_EVENTS:,} events: begin later with --since.")
    found = (stage.store.get(names[0], each.id) for each in reversed(rows))
    bodies = [each.body for each in found if each]
    api = deployed.find_api(stage)
    return _Played(bodies, stage.name, names[0], address(api) if api else "")


def _print(rehearsal: "Rehearsal", stories: "list[Story]") -> None:
    for each in rehearsal.heard:
        out(f"{times.iso(each.at)}  {each.state}  {each.attributes['severity']}")
        out(each.title)
        out("")
        out(each.text.rstrip())
        out("")
    if not rehearsal.heard:
        out("Nobody would be woken.")
    for deployment in stories:
        apps = ", ".join(deployment.apps) or "apps that are not known"
        by = f" by {deployment.started_by}" if deployment.started_by else ""
        failed = f", {len(deployment.failures)} failures" if deployment.failures else ""
        out(f"Deployment {deployment.id} of {apps}{by}: {deployment.state}{failed}")


def _print_json(rehearsal: "Rehearsal", stories: "list[Story]") -> None:
    for each in rehearsal.heard:
        out(json.dumps(each.as_json()))
    for deployment in stories:
        shown = deployment.model_dump(include={"state", "started_by", "apps", "failures"})
        out(json.dumps({"deployment": deployment.id, **shown}))


if __name__ == "__main__":
    cli.run(main)
