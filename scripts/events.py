"""Look at the events that a stage has stored: list them, watch them come, show one whole; notify of
them again; see to what could not be published or stored.
"""

import argparse
import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ops import cli, history, letters, publishing, stage, view
from ops.cli import Failure
from ops.history import Wanted

from rich.console import Console
from rich.progress import Progress

from chalicelib import times
from chalicelib.marathon import ids
from chalicelib.marathon.reading import usable_timestamp
from chalicelib.marathon.severity import SEVERITIES
from chalicelib.records.record import Record
from chalicelib.restore import Restore
from chalicelib.services.dead_letters import DeadLetters
from chalicelib.services.store import Store, Window
from chalicelib.services.table import TableError
from chalicelib.settings import retention_days

_EPILOG = """\
examples:
  .venv/bin/python scripts/events.py list --app /prod/web --since 12h
  .venv/bin/python scripts/events.py list --severity warning --since 2016-04-24T09:00:00Z
  .venv/bin/python scripts/events.py tail --severity error
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

_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{16}")
_AGO = re.compile(r"(\d{1,4})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    here = stage.find(args.stage)
    if args.command == "parked":
        return _parked(args, here)
    if args.command == "restore":
        return _restore(here)
    cluster = history.only_cluster(here, args.cluster)
    if args.command == "show":
        return _show(args, here, cluster)
    wanted = Wanted(cluster, _subject(args), args.type, args.severity, _window(args))
    if args.command == "replay":
        return _replay(args, here, wanted)
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
    list_.add_argument("--limit", type=_count, default=50, metavar="N", help="default: 50")
    tail = commands.add_parser("tail", help="as they come, until Ctrl-C")
    show = commands.add_parser("show", help="one event, whole")
    show.add_argument("id", type=_id)
    replay = commands.add_parser("replay", help="notify of stored events again, marked as a replay")
    replay.add_argument(
        "--rate", type=_rate, default=20, metavar="N", help="a second (default: 20)"
    )
    replay.add_argument("--dry-run", action="store_true", help="only count them")
    replay.add_argument("--after", type=_id, metavar="ID", help="go on after that event")
    parked = commands.add_parser("parked", help="what lies on the dead-letter queue")
    parked.add_argument("--send", action="store_true", help="send it again, and take it off")
    restore = commands.add_parser(
        "restore",
        help="events that only the log has, from standard input",
        description="Read log lines marked last_copy from standard input, and store their events.",
        epilog=_RESTORE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for command in (list_, tail, replay):
        _filters(command)
    for command in (list_, replay):
        command.add_argument(
            "--since", type=_time, metavar="WHEN", help="a time, or how long ago: 90m, 12h, 3d"
        )
        command.add_argument("--until", type=_time, metavar="WHEN", help="likewise")
    for command in (list_, tail, show, replay):
        command.add_argument("--cluster", default="", help="may be left out while there is one")
    for command in (list_, tail, show, parked):
        command.add_argument("--json", action="store_true", help="JSON, one event a line")
    for command in (list_, tail, show, replay, parked, restore):
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


def _rate(text: str) -> float:
    rate = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
    if rate <= 0:
        raise argparse.ArgumentTypeError("give a number a second, more than 0")
    return rate


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


def _replay(args: argparse.Namespace, here: stage.Stage, wanted: Wanted) -> int:
    keys = history.keys_oldest_first(here.store, wanted, args.after or "")
    if args.dry_run or not keys:
        print(f"{len(keys)} events would be notified of again.")
        return 0
    last = args.after or ""
    with Progress(console=cli.progress) as bar:
        task = bar.add_task("Replaying", total=len(keys))

        def sent(record: Record) -> None:
            nonlocal last
            last = max(last, record.id)
            bar.advance(task)

        found = (here.store.at(*key) for key in keys)
        try:
            records = (record for record in found if record)
            publishing.publish(here, records, args.rate, sent, replay=True)
        except (KeyboardInterrupt, Failure, TableError, LookupError) as error:
            told = f"{error} " if isinstance(error, Failure) else ""
            how = f"Go on with the same command and --after {last}." if last else "Run it again."
            raise Failure(
                f"{told}Stopped after {bar.tasks[task].completed:g} events. {how}"
            ) from error
    print(f"{len(keys)} events were notified of again.")
    return 0


def _parked(args: argparse.Namespace, here: stage.Stage) -> int:
    found = letters.read(here)
    failed = 0
    for letter in found:
        if args.json:
            said = {"what": letter.what, "reason": letter.reason, "pk": letter.pk, "sk": letter.sk}
            print(json.dumps(said))
        else:
            print(f"{letter.what}: {letter.reason}")
        if args.send:
            failed += not _send(here, letter)
        else:
            letters.put_back(here, letter)
    if not found:
        cli.progress.print("Nothing is parked.", style="dim")
    return 1 if failed else 0


def _send(here: stage.Stage, letter: letters.Letter) -> bool:
    """Send what is parked once more, and take it off the queue if that went well."""
    try:
        if letter.spill:
            queue = here.spill_queue_url
            stage.client("sqs").send_message(QueueUrl=queue, MessageBody=letter.spill)
        else:
            records = letters.records(here, letter)
            publishing.publish(here, records, 100, lambda _: None, replay=False)
    except Failure as failure:
        letters.put_back(here, letter)
        cli.errors.print(f"  not sent: {failure}", style="red", markup=False)
        return False
    letters.delete(here, letter)
    cli.progress.print("  sent again", style="green")
    return True


def _restore(here: stage.Stage) -> int:
    dead_letters = DeadLetters(stage.client("sqs"), here.dead_letter_queue_url)
    days = retention_days(stage.variables(here))
    use_case = Restore(here.tokens, Store(here.table, days), dead_letters)
    counts: Counter[str] = Counter()
    for line in sys.stdin:
        if found := _last_copy(line):
            counts[use_case.restore(found)] += 1
    if not counts:
        raise Failure("No line with a last_copy came on standard input; --help shows the command.")
    words = {
        "Restored": "events restored",
        "Gathered": "parts gathered",
        "Refused": "refused: their token was not valid when they came",
        "Parked": "that can't be stored, parked",
    }
    print(", ".join(f"{count} {words[outcome]}" for outcome, count in counts.items()))
    return 0


def _last_copy(line: str) -> str:
    """What a log line carries, also where something (a time, say) stands before it."""
    try:
        said = json.loads(line[line.index("{") :])
    except ValueError:
        return ""
    return str(said.get("last_copy", ""))


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
