"""Look at what happened and at what is wrong: list the events that a stage has stored, watch new
ones arrive, tell the story of a deployment. And repair: send notifications again, and handle what
could not be published or stored.
"""

import argparse
import heapq
import itertools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from ops import cli, options, view
from ops.cli import Failure, out, say
from ops.looking import deployments as listing
from ops.looking import finding, overview, report, rows, stats, stories
from ops.looking.overview import ClusterState, StageState
from ops.looking.report import Report
from ops.looking.tail import as_they_come
from ops.repairing import repairs
from ops.stage import resources
from ops.stage.resources import Stage
from ops.view import Screen

from rich.console import Console
from rich.text import Text

from chalicelib import history, times
from chalicelib.deployments import Wanted
from chalicelib.records.record import Record
from chalicelib.services.store import EVERYTHING
from chalicelib.web.queries import OUTCOMES

_T = TypeVar("_T")

_LOOKING = (
    *("list", "tail", "stats"),
    *("report", "status", "incidents", "alerts", "deployments", "deployment"),
)

_EPILOG = """\
examples:
  .venv/bin/python scripts/events.py list --app /prod/web --since 12h
  .venv/bin/python scripts/events.py list --app '/prod/*' --severity warning --oldest-first
  .venv/bin/python scripts/events.py list --severity warning --since 2016-04-24T09:00:00Z
  .venv/bin/python scripts/events.py tail --severity error
  .venv/bin/python scripts/events.py report --since 12h
  .venv/bin/python scripts/events.py deployments --outcome failed --since 7d
  .venv/bin/python scripts/events.py deployment 867ed450
  .venv/bin/python scripts/events.py status
  .venv/bin/python scripts/events.py alerts --since 12h
  .venv/bin/python scripts/events.py stats --since 7d --by app --severity error
  .venv/bin/python scripts/events.py show 20160424T092748069Z-0123456789abcdef
  .venv/bin/python scripts/events.py replay --since 3d --severity error --dry-run
  .venv/bin/python scripts/events.py parked --send
"""

_RESTORE_EPILOG = """\
the lines of the last day, straight from the log:
  aws logs filter-log-events --log-group-name /aws/lambda/marathon-events-prod \\
    --filter-pattern last_copy --start-time "$(($(date +%s) - 86400))000" \\
    --query 'events[].[message]' --output text \\
  | .venv/bin/python scripts/events.py restore --stage prod
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    options.settle_times(args)
    return int(args.run(args))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_events(commands)
    _add_what_happened(commands)
    _add_repairs(commands)
    _add_shared(commands.choices)
    return parser.parse_args(argv)


def _add_events(commands: Any) -> None:
    list_ = _command(
        commands, _list, "the newest events: on a terminal newest last, to a pipe newest first"
    )
    list_.add_argument("--oldest-first", action="store_true", help="newest last, also to a pipe")
    tail = _command(commands, _tail, "new events as they arrive, until Ctrl-C")
    tail.add_argument(
        "--since", type=options.time, metavar="WHEN", help="begin with those since: 90m, 12h, 23:00"
    )
    show = _command(commands, _show, "one event, whole")
    show.add_argument(
        "id",
        type=options.event_beginning,
        help="its id, the beginning of it, or the short id that list shows",
    )
    stats_ = _command(commands, _stats, "how many events there were, as bars")
    stats_.add_argument(
        "--by", choices=stats.BY, default="type", help="what to count by (default: type)"
    )


def _add_what_happened(commands: Any) -> None:
    report_ = _command(commands, _report, "what the last hours brought, on one screen")
    report_.add_argument(
        "--since",
        type=options.time,
        metavar="WHEN",
        default="12h",
        help="a time, such as 23:00 for last night's, or how long ago (default: 12h)",
    )
    _command(commands, _status, "how the clusters and the stage are now")
    _command(commands, _incidents, "the incidents that are open, in every cluster")
    _command(commands, _alerts, "what people were told, the newest first")
    deployments = _command(commands, _deployments, "what was deployed, the newest first")
    deployments.add_argument("--outcome", choices=OUTCOMES, help="how they ended")
    deployment = _command(commands, _deployment, "the story of a deployment")
    deployment.add_argument("id", help="its id, or the beginning of it")


def _add_repairs(commands: Any) -> None:
    replay = _command(commands, _replay, "notify of stored events again, marked as a replay")
    replay.add_argument(
        "--rate", type=options.rate, default=20, metavar="N", help="how many a second (default: 20)"
    )
    replay.add_argument("--dry-run", action="store_true", help="only count them")
    replay.add_argument(
        "--after", type=options.event_beginning, metavar="ID", help="continue after this event"
    )
    parked = _command(commands, _parked, "the messages on the dead-letter queue")
    what = parked.add_mutually_exclusive_group()
    what.add_argument(
        "--show", metavar="ID", help="print one whole; ID is its id, or the beginning of it"
    )
    what.add_argument(
        "--send", action="store_true", help="send all again, and delete what was sent"
    )
    what.add_argument("--drop", metavar="ID", help="delete one for ever")
    parked.add_argument(
        "--cluster",
        metavar="NAME",
        help="with --send: the cluster of spilled events whose token the table does not know",
    )
    _command(
        commands,
        _restore,
        "store events that only the log has, from standard input",
        description="Read log lines marked last_copy from standard input, and store their events.",
        epilog=_RESTORE_EPILOG,
    )


def _command(
    commands: Any, run: Callable[[argparse.Namespace], int], help_: str, **more: str
) -> Any:
    """The parser of the command that a function runs, and is named for."""
    made = commands.add_parser(run.__name__.strip("_"), help=help_, **more)
    made.set_defaults(run=run)
    return made


def _add_shared(commands: Mapping[str, Any]) -> None:
    """The options that several commands have."""
    for name in ("list", "deployments", "alerts"):
        commands[name].add_argument(
            "--limit",
            type=options.count,
            default=50,
            metavar="N",
            help="how many at most (default: 50)",
        )
    for name in ("deployments", "report"):
        commands[name].add_argument("--app", metavar="PATH", help="one app, or all below: /prod/*")
    for name in ("list", "tail", "stats", "replay"):
        options.add_filters(commands[name])
    for name in ("list", "deployments", "alerts", "stats", "replay"):
        options.add_times(commands[name])
    for name in (*_LOOKING, "show", "replay"):
        options.add_cluster(commands[name])
    for name in (*_LOOKING, "replay"):
        options.add_zone(commands[name])
    for name in (*_LOOKING, "show", "parked"):
        commands[name].add_argument("--json", action="store_true", help="JSON, one object a line")
    for name in ("replay", "parked"):
        commands[name].add_argument("--yes", action="store_true", help="don't ask")
    for command in commands.values():
        # Also after the command, where people look for it.
        cli.add_stage(command, default=argparse.SUPPRESS)


def _list(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    wanted = options.wanted(args, stage)
    console, screen = _shown_on(args)
    found = history.newest_first(stage.store, wanted)
    several = len(wanted.clusters) > 1
    newest: Iterable[Record] = itertools.islice(found, args.limit)
    if args.oldest_first or screen.width:
        newest = reversed(list(newest))
    if screen.width:
        newest = list(newest)
        number = len(newest)
        for line in rows.collapsed(newest, screen, cluster=several):
            console.print(line)
    else:
        number = _print_events(args, newest, several=several)
    if not number:
        say(_nothing(args, stage, wanted.clusters), "dim")
    elif number == args.limit and next(found, None):
        say(f"There are more: --limit N shows more than the newest {args.limit}.", "dim")
    return 0


def _tail(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    wanted = replace(options.wanted(args, stage), window=EVERYTHING)  # --since is where it begins
    coming = as_they_come(stage.store, wanted, args.since)
    if hint := options.hint_at_type(args.type):
        cli.warn(hint)
    several = len(wanted.clusters) > 1
    what = "clusters" if several else "cluster"
    say(f"Watching {what} {', '.join(wanted.clusters)}; Ctrl-C ends it.", "dim")
    console, screen = _shown_on(args)
    if screen.width:
        for line in rows.as_they_come(coming, screen, cluster=several):
            console.print(line)
    else:
        _print_events(args, coming, several=several)
    return 0


def _show(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    found = finding.events(stage, names, args.id)
    for record in found:
        if args.json:
            out(view.whole_json(record))
        else:
            _console().print(view.details(record))
    return 0


def _deployment(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    deployment = stories.find(stage, options.clusters(stage, args.cluster), args.id)
    if args.json:
        out(stories.as_json(deployment))
    else:
        console, screen = _shown_on(args)
        console.print(stories.text(deployment, screen))
    return 0


def _deployments(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    options.window(args)  # refuses times that can't be
    found = [
        each
        for name in names
        for each in itertools.islice(
            listing.newest_first(
                stage, Wanted(name, args.app or "", args.outcome or "", args.since, args.until)
            ),
            args.limit,
        )
    ]
    newest = sorted(found, key=lambda each: each.started_at, reverse=True)[: args.limit]
    line = partial(listing.line, cluster=len(names) > 1)
    if not _print_each(args, newest, listing.as_json, line):
        unknown = finding.unknown_app(stage, names, args.app) if args.app else ""
        say(unknown or "No deployments.", "dim")
    return 0


def _report(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    console, screen = _shown_on(args)
    names = options.clusters(stage, args.cluster)
    if args.app and (unknown := finding.unknown_app(stage, names, args.app)):
        say(unknown, "dim")
        return 0
    rows = (console.height - 1) // len(names) if screen.width else 0
    made = (report.of(stage, name, args.since, args.app or "") for name in names)
    _print_each(args, made, Report.as_json, partial(Report.text, rows=rows))
    return 0


def _status(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    found = overview.clusters(stage, options.clusters(stage, args.cluster))
    itself = overview.stage_state(stage)
    _print_each(args, found, ClusterState.as_json, ClusterState.text)
    if itself is None:
        say("The stage is destroyed: only its table is left.", "yellow")
    else:
        _print_each(args, [itself], StageState.as_json, lambda each, _: each.text())
    return 0


def _incidents(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    found = [each for each in stage.incidents.all() if each.cluster in names]
    console, screen = _shown_on(args)
    found.sort(key=lambda incident: incident.began, reverse=True)
    if args.json:
        for each in found:
            out(json.dumps({"cluster": each.cluster, **each.summary()}))
    else:
        for line in overview.incident_lines(found, screen, cluster=len(names) > 1):
            console.print(line)
    if not found:
        say("No incident is open.", "dim")
    return 0


def _alerts(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    window = options.window(args)
    found = heapq.merge(
        *(stage.alerts_sent.newest_first(name, window) for name in names),
        key=lambda each: each.id,
        reverse=True,
    )
    newest = itertools.islice(found, args.limit)
    said = _print_each(args, newest, lambda each: json.dumps(each.summary()), overview.alert_line)
    if not said:
        say("People were told nothing.", "dim")
    return 0


def _stats(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    args.since = args.since or times.now() - timedelta(hours=24)
    wanted = options.wanted(args, stage)
    counts = stats.count(history.newest_first(stage.store, wanted), args.by, args.tz)
    if args.json:
        for value, number in counts:
            out(stats.as_json(value, number, args.by))
        return 0
    console, screen = _shown_on(args)
    for line in stats.bars(counts, screen.width):
        console.print(line)
    if not counts:
        say(_nothing(args, stage, wanted.clusters), "dim")
    return 0


def _replay(args: argparse.Namespace) -> int:
    stage = resources.find_running(args.stage)
    wanted = options.wanted(args, stage)
    if not (options.narrows(args) or args.after):
        raise Failure(
            "That would notify of every event that is stored. Say which: --since WHEN, or a "
            "filter such as --app or --severity (--dry-run counts them)."
        )
    after = finding.event_id(stage, wanted.clusters, args.after) if args.after else ""
    sure = args.yes or args.dry_run
    done = repairs.replay(stage, wanted, after, args.rate, dry_run=args.dry_run, sure=sure)
    return int(not done)


def _parked(args: argparse.Namespace) -> int:
    stage = resources.find_running(args.stage)
    if args.cluster and not args.send:
        raise Failure("--cluster goes with --send.")
    if args.show:
        repairs.show_dead_letter(stage, args.show)
    elif args.drop:
        repairs.drop_dead_letter(stage, args.drop, sure=args.yes)
    elif args.send:
        if args.cluster:
            options.clusters(stage, args.cluster)
        return int(not repairs.send_parked(stage, args.cluster))
    else:
        repairs.show_parked(stage, as_json=args.json)
    return 0


def _restore(args: argparse.Namespace) -> int:
    repairs.restore_from_log(resources.find_running(args.stage))
    return 0


def _print_each(
    args: argparse.Namespace,
    found: Iterable[_T],
    as_json: Callable[[_T], str],
    line: Callable[[_T, Screen], Text],
) -> int:
    """Print what was found one by one, as it arrives. Returns how many there were."""
    console, screen = _shown_on(args)
    number = 0
    for each in found:
        number += 1
        if args.json:
            out(as_json(each))
        else:
            console.print(line(each, screen))
    return number


def _print_events(args: argparse.Namespace, records: Iterable[Record], *, several: bool) -> int:
    return _print_each(args, records, view.summary_json, partial(view.line, cluster=several))


def _nothing(args: argparse.Namespace, stage: Stage, clusters: tuple[str, ...]) -> str:
    """Why nothing was found, as far as is known."""
    unknown = finding.unknown_app(stage, clusters, args.app) if args.app else ""
    return unknown or f"No events. {options.hint_at_type(args.type)}".rstrip()


def _shown_on(args: argparse.Namespace) -> tuple[Console, Screen]:
    """Where results are printed. JSON is for another program, also on a terminal."""
    console = _console()
    screen = view.screen(console, args.tz)
    return console, replace(screen, width=0) if args.json else screen


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, file=sys.stdout)


if __name__ == "__main__":
    cli.run(main)
