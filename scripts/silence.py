"""Let people hear nothing of some incidents for a while. All is still seen; they hear of what is
still wrong when the silence ends. The alarms of the listener itself are never silenced.
"""

import argparse
import getpass
import json
import secrets
from datetime import UTC, datetime, timedelta

from ops import cli, options
from ops.cli import Failure, confirm, out, say, warn
from ops.stage import resources
from ops.stage.resources import Stage
from ops.subscribing import filters
from ops.subscribing.filters import Filters

from chalicelib import times
from chalicelib.records.silence import Silence
from chalicelib.text import plain

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/silence.py --app '/shop/*' --for 2h --comment "new rack"
  .venv/bin/python scripts/silence.py --cluster prod --until 2026-04-24T18:00 --tz Europe/Berlin \\
    --comment "upgrade of Mesos"
  .venv/bin/python scripts/silence.py --list
  .venv/bin/python scripts/silence.py --end 3f9a

filters: an option that is given several times takes any of its values; all options must fit.
Without any, everything is silenced.

each line of --json:
  {"id", "filters", "since", "until", "comment", "by"}
"""

_ASKED_FROM = timedelta(days=1)
_COMMENT_CHARACTERS = 500
_NAME_CHARACTERS = 100


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    stage = resources.find(args.stage)
    now = datetime.now(UTC)
    if args.list:
        return _list(args, stage, now)
    if args.end:
        return _end(args, stage, now)
    return _add(args, stage, now)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--for", dest="duration", type=options.duration, metavar="TIME", help="such as 90m, 2h, 1d"
    )
    what.add_argument("--until", type=options.time, metavar="WHEN", help="a time, or 18:00")
    what.add_argument("--list", action="store_true", help="show the silences that last")
    what.add_argument("--end", metavar="ID", help="end one now; the beginning of its id will do")
    parser.add_argument("--comment", metavar="TEXT", help="why; the page shows it")
    parser.add_argument("--by", metavar="WHO", default=_login(), help="default: your login name")
    parser.add_argument("--yes", action="store_true", help="don't ask, also for more than a day")
    parser.add_argument("--json", action="store_true", help="JSON, one silence a line")
    options.add_zone(parser)
    options.add_choice(parser, "incidents about this app or pod alone")
    args = parser.parse_args(argv)
    if not (args.list or args.end or args.comment):
        parser.error("--comment TEXT is needed: others will ask why they hear nothing")
    return args


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _add(args: argparse.Namespace, stage: Stage, now: datetime) -> int:
    wanted = filters.in_options(args)
    filters.check(wanted, "alerts")
    until = _until(args, now)
    made = Silence(
        secrets.token_hex(4),
        now,
        until,
        plain(args.comment, _COMMENT_CHARACTERS),
        plain(args.by, _NAME_CHARACTERS),
        wanted.cluster,
        wanted.app,
        "" if wanted.severity == "info" else wanted.severity,
    )
    unknown = set(wanted.cluster) - {each.name for each in stage.clusters.all()}
    for name in sorted(unknown):
        warn(f"Stage {stage.name} has no cluster {name!r} yet.")
    if until - now > _ASKED_FROM and not args.yes:
        lasting = times.duration((until - now).total_seconds())
        confirm(f"People hear nothing of this for {lasting}. Go on? (yes/no)", "yes")
    stage.incidents.add_silence(made)
    out(_json(made) if args.json else f"Silenced: {_line(made, args)}.")
    say(
        "To end it earlier: "
        f".venv/bin/python scripts/silence.py --stage {stage.name} --end {made.id}",
        "dim",
    )
    return 0


def _until(args: argparse.Namespace, now: datetime) -> datetime:
    """The end; a time of day is the next one. Raises Failure."""
    if args.duration:
        until: datetime = now + args.duration
    else:
        of_day = not isinstance(args.until, datetime)
        options.settle_times(args)
        until = args.until + timedelta(days=1) if of_day else args.until
    if until <= now:
        raise Failure("That time has passed: a silence would end before it begins.")
    return until


def _list(args: argparse.Namespace, stage: Stage, now: datetime) -> int:
    found = _active(stage, now)
    for each in found:
        out(_json(each) if args.json else _line(each, args))
    if not found:
        say(f"Nothing is silenced at stage {stage.name}.", "dim")
    return 0


def _end(args: argparse.Namespace, stage: Stage, now: datetime) -> int:
    found = [each for each in _active(stage, now) if each.id.startswith(args.end)]
    if len(found) != 1:
        which = "no silence" if not found else "more than one silence"
        raise Failure(f"Stage {stage.name} has {which} {args.end!r}; --list shows the active ones.")
    (ended,) = found
    stage.incidents.end_silence(ended, now)
    out(_json(ended) if args.json else f"Ended: {_line(ended, args)}.")
    say("People hear of what is still wrong within a minute or two.", "dim")
    return 0


def _active(stage: Stage, now: datetime) -> list[Silence]:
    silences = stage.incidents.read().silences
    return sorted((each for each in silences if each.is_active(now)), key=lambda e: e.until)


def _line(each: Silence, args: argparse.Namespace) -> str:
    covers = Filters(each.clusters, each.apps, severity=each.severity or "info")  # type: ignore[arg-type]
    until = f"{each.until.astimezone(args.tz):%Y-%m-%d %H:%M %Z}"
    by = f", by {each.by}" if each.by else ""
    return f"{each.id}  {covers.options or 'everything'}  until {until}{by}: {each.comment}"


def _json(each: Silence) -> str:
    return json.dumps(each.summary(), ensure_ascii=False)


if __name__ == "__main__":
    cli.run(main)
