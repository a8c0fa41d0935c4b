"""Look at what happened and at what is wrong: list the events that a stage has stored, watch new
ones arrive, tell the story of a deployment. And repair: send notifications again, and handle what
could not be published or stored.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Iterable
from dataclasses import replace

from ops import cli, options, view
from ops.cli import Failure, out, say
from ops.looking import deployments as listing
from ops.looking import overview, report, stats, stories
from ops.looking.tail import as_they_come
from ops.repairing import repairs
from ops.stage import resources

from rich.console import Console

from chalicelib import history
from chalicelib.deployments import Wanted
from chalicelib.records.record import Record
from chalicelib.services.store import EVERYTHING
from chalicelib.web.queries import OUTCOMES

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
    return int(args.run(args))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    commands = parser.add_subparsers(dest="command", required=True)

    list_ = commands.add_parser("list", help="the newest first")
    list_.set_defaults(run=_list)
    list_.add_argument(
        "--limit", type=options.count, default=50, metavar="N", help="at most so many (default: 50)"
    )
    list_.add_argument(
        "--oldest-first", action="store_true", help="the same events, in the order of time"
    )
    tail = commands.add_parser("tail", help="as they come, until Ctrl-C")
    tail.set_defaults(run=_tail)
    tail.add_argument(
        "--since", type=options.time, metavar="WHEN", help="begin with those since then: 90m, 12h"
    )
    deployment = commands.add_parser("deployment", help="the story of a deployment")
    deployment.set_defaults(run=_deployment)
    deployment.add_argument("id", help="its id, or the beginning of it")
    deployments = commands.add_parser("deployments", help="what was deployed, the newest first")
    deployments.set_defaults(run=_deployments)
    deployments.add_argument("--outcome", choices=OUTCOMES, help="how they ended")
    deployments.add_argument(
        "--limit", type=options.count, default=50, metavar="N", help="at most so many (default: 50)"
    )
    report_ = commands.add_parser("report", help="what the last hours brought, on one screen")
    report_.set_defaults(run=_report)
    report_.add_argument(
        "--since",
        type=options.time,
        metavar="WHEN",
        default="12h",
        help="a time (UTC), or how long ago (default: 12h)",
    )
    for command in (deployments, report_):
        command.add_argument("--app", metavar="PATH", help="one app, or all below: /prod/*")
    status = commands.add_parser("status", help="how the clusters and the stage are now")
    status.set_defaults(run=_status)
    incidents = commands.add_parser("incidents", help="what is wrong now, in every cluster")
    incidents.set_defaults(run=_incidents)
    stats_ = commands.add_parser("stats", help="how many events of what, as bars")
    stats_.set_defaults(run=_stats)
    stats_.add_argument(
        "--by", choices=stats.BY, default="type", help="what to count by (default: type)"
    )
    show = commands.add_parser("show", help="one event, whole")
    show.set_defaults(run=_show)
    show.add_argument("id", type=options.event_id)
    replay = commands.add_parser("replay", help="notify of stored events again, marked as a replay")
    replay.set_defaults(run=_replay)
    replay.add_argument(
        "--rate", type=options.rate, default=20, metavar="N", help="a second (default: 20)"
    )
    replay.add_argument("--dry-run", action="store_true", help="only count them")
    replay.add_argument("--after", type=options.event_id, metavar="ID", help="go on after that one")
    parked = commands.add_parser("parked", help="what lies on the dead-letter queue")
    parked.set_defaults(run=_parked)
    what = parked.add_mutually_exclusive_group()
    what.add_argument("--show", metavar="ID", help="print one whole; ID may be its beginning")
    what.add_argument("--send", action="store_true", help="send all again, and take off what went")
    what.add_argument("--drop", metavar="ID", help="take one off for ever")
    parked.add_argument(
        "--cluster",
        metavar="NAME",
        help="with --send: whose the spilled events are of which the table does not know the token",
    )
    restore = commands.add_parser(
        "restore",
        help="events that only the log has, from standard input",
        description="Read log lines marked last_copy from standard input, and store their events.",
        epilog=_RESTORE_EPILOG,
    )
    restore.set_defaults(run=_restore)
    for command in (list_, tail, stats_, replay):
        options.add_filters(command)
    for command in (list_, deployments, stats_, replay):
        options.add_times(command)
    looking = (list_, tail, show, deployments, deployment, report_, status, incidents, stats_)
    for command in (*looking, replay):
        options.add_cluster(command)
    for command in (*looking, parked):
        command.add_argument("--json", action="store_true", help="JSON, one event a line")
    for command in (replay, parked):
        command.add_argument("--yes", action="store_true", help="don't ask")
    for command in commands.choices.values():
        # Also after the command, where people look for it.
        cli.add_stage(command, default=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _list(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    wanted = options.wanted(args, stage)
    found = history.newest_first(stage.store, wanted)
    several = len(wanted.clusters) > 1
    newest: Iterable[Record] = itertools.islice(found, args.limit)
    if args.oldest_first:
        newest = reversed(list(newest))
    shown = _print(args, newest, several=several)
    if not shown:
        say(f"No events.{options.hint_at_type(args.type)}", "dim")
    elif shown == args.limit and next(found, None):
        say(f"There are more: the newest {shown} are shown; --limit N shows others.", "dim")
    return 0


def _tail(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    wanted = replace(options.wanted(args, stage), window=EVERYTHING)  # --since is where it begins
    coming = as_they_come(stage.store, wanted, args.since)
    if hint := options.hint_at_type(args.type):
        cli.warn(hint.strip())
    several = len(wanted.clusters) > 1
    what = "clusters" if several else "cluster"
    say(f"Watching {what} {', '.join(wanted.clusters)}; Ctrl-C ends it.", "dim")
    _print(args, coming, several=several)
    return 0


def _show(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    found = [record for name in names if (record := stage.store.get(name, args.id))]
    if not found:
        whose = f"Cluster {names[0]} has" if len(names) == 1 else f"No cluster of {stage.name} has"
        no = "no event" if len(names) == 1 else "an event"
        raise Failure(f"{whose} {no} {args.id}, or no longer.")
    for record in found:
        if args.json:
            out(view.whole_json(record))
        else:
            _console().print(view.details(record))
    return 0


def _deployment(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    told = stories.find(stage, options.clusters(stage, args.cluster), args.id)
    if args.json:
        out(stories.as_json(told))
    else:
        console = _console()
        console.print(stories.text(told, console.width if console.is_terminal else 0))
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
    for each in newest:
        if args.json:
            out(listing.as_json(each))
        else:
            _console().print(listing.line(each, cluster=len(names) > 1))
    if not newest:
        say("No deployments.", "dim")
    return 0


def _report(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    for name in options.clusters(stage, args.cluster):
        made = report.of(stage, name, args.since, args.app or "")
        if args.json:
            out(made.as_json())
        else:
            _console().print(made.text())
    return 0


def _status(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    found = overview.clusters(stage, options.clusters(stage, args.cluster))
    for each in found:
        if args.json:
            out(each.as_json())
        else:
            _console().print(each.text())
    for line, style in overview.stage_lines(stage):
        say(line, style)
    return 0


def _incidents(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    names = options.clusters(stage, args.cluster)
    found = [each for each in stage.incidents.all() if each.cluster in names]
    for each in sorted(found, key=lambda incident: incident.since, reverse=True):
        if args.json:
            out(json.dumps({"cluster": each.cluster, **each.summary()}))
        else:
            _console().print(overview.incident_line(each, cluster=len(names) > 1))
    if not found:
        say("Nothing is wrong.", "dim")
    return 0


def _stats(args: argparse.Namespace) -> int:
    stage = resources.find(args.stage)
    args.since = args.since or options.time("24h")
    wanted = options.wanted(args, stage)
    counts = stats.count(history.newest_first(stage.store, wanted), args.by)
    if args.json:
        for value, number in counts:
            out(stats.as_json(value, number, args.by))
        return 0
    console = _console()
    for line in stats.bars(counts, console.width if console.is_terminal else 0):
        console.print(line)
    if not counts:
        say(f"No events.{options.hint_at_type(args.type)}", "dim")
    return 0


def _replay(args: argparse.Namespace) -> int:
    stage = resources.find_running(args.stage)
    wanted = options.wanted(args, stage)
    if not (options.narrows(args) or args.after):
        raise Failure(
            "That would notify of every event that is stored. Say which: --since WHEN, or a "
            "filter such as --app or --severity (--dry-run counts them)."
        )
    sure = args.yes or args.dry_run
    repairs.replay(stage, wanted, args.after or "", args.rate, dry_run=args.dry_run, sure=sure)
    return 0


def _parked(args: argparse.Namespace) -> int:
    stage = resources.find_running(args.stage)
    if args.cluster and not args.send:
        raise Failure("--cluster goes with --send.")
    if args.show:
        repairs.show_letter(stage, args.show)
    elif args.drop:
        repairs.drop_letter(stage, args.drop, sure=args.yes)
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


def _print(args: argparse.Namespace, records: Iterable[Record], *, several: bool) -> int:
    """Print records one by one, as they arrive. Returns how many."""
    console = _console()
    width = console.width if console.is_terminal else 0
    count = 0
    for record in records:
        count += 1
        if args.json:
            out(view.summary_json(record))
        else:
            console.print(view.line(record, cluster=several, width=width))
    return count


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, file=sys.stdout)


if __name__ == "__main__":
    cli.run(main)
