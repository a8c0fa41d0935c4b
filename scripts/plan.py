"""Show what a deploy of a stage would change, and what would be lost by it. Nothing is changed;
stacks are asked by change sets, which are deleted again.
"""

import json
from dataclasses import asdict

from ops import cli
from ops.cli import out, say
from ops.deploying import plan
from ops.deploying.plan import Change
from ops.stage import resources

EXIT_LOSSES = 3

_SIGNS = {"new": "+", "changed": "~", "replaced": "!", "removed": "-"}

_EPILOG = """\
exit status: 0 if nothing would be lost, 3 if something would be (make itself then exits with 2).

each line of --json:
  {"what": …, "how": "new"|"changed"|"replaced"|"removed", "detail": …, "loss": …}
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    parser.add_argument("--json", action="store_true", help="JSON, one change a line")
    args = parser.parse_args(argv)
    resources.check_ours(args.stage)
    changes = plan.of(args.stage)
    for change in changes:
        out(json.dumps(asdict(change)) if args.json else _line(change))
    lost = [change for change in changes if change.loss]
    if not changes:
        say(f"A deploy of stage {args.stage} would change nothing.", "dim")
    elif lost:
        say(plan.described(lost), "bold red")
    return EXIT_LOSSES if lost else 0


def _line(change: Change) -> str:
    detail = f": {change.detail}" if change.detail else ""
    return f"{_SIGNS[change.how]} {change.what} {change.how}{detail}"


if __name__ == "__main__":
    cli.run(main)
