"""Bring back what the table of a stage held, from a table that AWS restored from a backup. Nobody
is notified again, and nothing newer is overwritten; it may be repeated.
"""

import argparse

from ops import cli, options
from ops.cli import Failure, confirm, out, say, warn
from ops.repairing import recovery
from ops.repairing.recovery import Recovery
from ops.stage import resources
from ops.stage.resources import Stage

_EPILOG = """\
docs/operations.md has all steps: "The table is lost or spoilt". Examples:
  .venv/bin/python scripts/recover.py --stage prod --from marathon-events-prod-restored --dry-run
  .venv/bin/python scripts/recover.py --stage prod --from marathon-events-prod-restored
  .venv/bin/python scripts/recover.py --stage prod --from marathon-events-prod-restored \\
    --since 3d --replace
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    options.settle_times(args)
    wanted = Recovery(args.source, options.window(args), args.replace, args.rate)
    if not recovery.exists(args.source):
        raise Failure(
            f"There is no table {args.source} in this account and region. Restore one from a "
            "backup first: docs/operations.md, The table is lost or spoilt."
        )
    if args.dry_run:
        found = recovery.count(wanted)
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
        out(f"Would be copied, if not there yet, by kind: {counted or 'nothing'}.")
        return 0
    stage, anew = _stage(args, wanted)
    if stage.table_name == args.source:
        raise Failure(f"{args.source} is the stage's own table.")
    if args.replace and not args.yes:
        question = f"Records of {stage.table_name} will be replaced. Go on? Type yes:"
        confirm(question, "yes")
    counts = recovery.run(stage, wanted, args.after)
    out(", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "Nothing.")
    _warn_of_what_is_left(stage, anew=anew)
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    parser.add_argument(
        "--from",
        dest="source",
        metavar="TABLE",
        required=True,
        help="the table that AWS restored; it is only read",
    )
    options.add_times(parser)
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace records that are there, too: for records that somebody changed",
    )
    parser.add_argument(
        "--rate",
        type=options.rate,
        default=500,
        metavar="N",
        help="items a second (default: 500), to leave room for what Marathon sends",
    )
    parser.add_argument("--after", metavar="POSITION", help="go on where it was interrupted")
    parser.add_argument("--dry-run", action="store_true", help="only count what would be copied")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    return parser.parse_args(argv)


def _stage(args: argparse.Namespace, wanted: Recovery) -> tuple[Stage, bool]:
    """The stage, with a table; and whether that was made anew."""
    stage = resources.find(args.stage)
    if recovery.exists(stage.table_name):
        return stage, False
    resources.check_ours(args.stage)
    if not args.yes:
        question = f"The table {stage.table_name} is gone. Make it anew? Type {args.stage}:"
        confirm(question, args.stage)
    say(f"Making the table {stage.table_name} anew …")
    recovery.make_anew(stage, wanted)
    return resources.find(args.stage), True


def _warn_of_what_is_left(stage: Stage, *, anew: bool) -> None:
    warn(
        "Tokens that were revoked after the time of that backup are valid again. Look at them:\n"
        f"  .venv/bin/python scripts/register.py --stage {stage.name} --list"
    )
    if anew:
        warn(
            "The table has a new stream, which fanout does not read yet. Deploy now:\n"
            f"  make deploy STAGE={stage.name}"
        )


if __name__ == "__main__":
    cli.run(main)
