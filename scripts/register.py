"""Register the stage's API at a Marathon as an event subscription, and prove that it works."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from ops import cli, options
from ops.marathon import connection, modes
from ops.marathon.modes import Job
from ops.stage import resources

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/register.py --stage prod --marathon http://marathon.example.net:8080
  .venv/bin/python scripts/register.py --marathon https://m.example.net --user ops
  .venv/bin/python scripts/register.py --marathon http://m.example.net:8080 --list
  .venv/bin/python scripts/register.py --cluster old --print-endpoint
  .venv/bin/python scripts/register.py --marathon http://m1:8080,http://m2:8080 --revive
  .venv/bin/python scripts/register.py --marathon http://m:8080 --check --within 15m --repair
  .venv/bin/python scripts/register.py --marathon http://m:8080 --relay-env relay.env

"""


@dataclass(frozen=True)
class _Mode:
    """One of the things that this command does. ``value``: what follows its option, if anything;
    ``alone``: whether it works without ``--marathon``.
    """

    option: str
    run: Callable[[Job], int]
    help: str
    value: str = ""
    alone: bool = False

    @property
    def name(self) -> str:
        """The option's name among the arguments."""
        return self.option.removeprefix("--").replace("-", "_")


_REGISTER = _Mode("", modes.register, "")
_MODES = (
    _Mode(
        "--list",
        modes.list_,
        "show the tokens (with --cluster, only its own), and what is subscribed at --marathon",
        alone=True,
    ),
    _Mode("--remove", modes.remove, "unsubscribe, and revoke the token"),
    _Mode("--rotate", modes.rotate, "exchange the token, without losing an event"),
    _Mode(
        "--revive",
        modes.revive,
        "end the penalty after failed posts, during which Marathon sends nothing to our URL",
    ),
    _Mode(
        "--check",
        modes.check,
        "for cron: status 0 only if we are subscribed and an event came within --within",
    ),
    _Mode(
        "--relay-env",
        modes.relay,
        "for a Marathon without callbacks (1.5 and later): write the settings of a relay",
        value="FILE",
    ),
    _Mode(
        "--revoke",
        modes.revoke,
        "refuse a token; HASH is the beginning of a hash that --list shows",
        value="HASH",
        alone=True,
    ),
    _Mode(
        "--forget",
        modes.forget,
        "remove a cluster that no longer exists (its events stay until they expire)",
        value="NAME",
        alone=True,
    ),
    _Mode(
        "--print-endpoint",
        modes.print_endpoint,
        "print the options to start a Marathon with that has no subscriptions (before 0.5)",
        alone=True,
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = _parser()
    args = parser.parse_args(argv)
    mode = next((each for each in _MODES if getattr(args, each.name)), _REGISTER)
    if args.repair and not args.check:
        parser.error("--repair goes with --check")
    if args.json and not args.list:
        parser.error("--json goes with --list")
    if not (args.marathon or mode.alone):
        parser.error("--marathon URL is needed")
    with connection.plain_errors():
        return mode.run(Job(args, resources.find(args.stage)))


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES + connection.EPILOG)
    parser.add_argument(
        "--marathon", metavar="URL", help="Marathon's address; several of one cluster: URL,URL"
    )
    parser.add_argument(
        "--cluster", metavar="NAME", help="the cluster's name (default: Marathon's own)"
    )
    parser.add_argument(
        "--url", type=cli.address, metavar="URL", help="the API's address, if it is not AWS's own"
    )
    connection.add_login_options(parser)
    parser.add_argument("--force", action="store_true", help="take over a cluster's name")
    parser.add_argument("--no-verify", action="store_true", help="don't wait for the first event")
    parser.add_argument(
        "--timeout",
        type=cli.seconds,
        default=30,
        metavar="S",
        help="how long to wait (default: 30 s)",
    )
    group = parser.add_mutually_exclusive_group()
    for mode in _MODES:
        if mode.value:
            group.add_argument(mode.option, metavar=mode.value, help=mode.help)
        else:
            group.add_argument(mode.option, action="store_true", help=mode.help)
    parser.add_argument(
        "--within",
        type=options.duration,
        default="15m",
        metavar="TIME",
        help="with --check: how old the newest event may be (default: 15m)",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="with --check: subscribe again if needed, and end a penalty",
    )
    parser.add_argument("--json", action="store_true", help="with --list: JSON, one object a line")
    return parser


if __name__ == "__main__":
    cli.run(main)
