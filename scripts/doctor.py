"""Find out why nothing arrives: list findings, worst first, each with its remedy. The doctor
changes nothing, but it makes Marathon send one event. Its exit status is 0 only if all is well.
"""

import argparse

from ops import cli
from ops.cli import out
from ops.doctor.examination import Wanted, examine, why_waiting
from ops.doctor.findings import all_well, worst_first
from ops.marathon import connection

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/doctor.py --stage prod
  .venv/bin/python scripts/doctor.py --stage prod --marathon http://marathon.example.net:8080
  .venv/bin/python scripts/doctor.py --marathon https://m.example.net --user ops --ca ca.pem
  .venv/bin/python scripts/doctor.py --marathon http://m.example.net:8080 --app /shop/web
  .venv/bin/python scripts/doctor.py --stage prod --json

each line of --json:
  {"level": "error"|"warning"|"ok", "what": code, "message": …, "remedy": …}

"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    wanted = Wanted(args.stage, args.marathon, args.url, args.user, args.ca, args.timeout)
    findings = worst_first(why_waiting(wanted, args.app) if args.app else examine(wanted))
    for finding in findings:
        out(finding.json if args.json else finding.line)
    return 0 if all_well(findings) else cli.EXIT_FAILED


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES + connection.EPILOG)
    parser.add_argument(
        "--marathon",
        metavar="URL",
        help="Marathon's address (default: each that the stage's table knows)",
    )
    parser.add_argument(
        "--url", type=cli.address, metavar="URL", help="the API's address, if it is not AWS's own"
    )
    connection.add_login_options(parser)
    parser.add_argument(
        "--timeout",
        type=cli.seconds,
        default=15,
        metavar="S",
        help="how long to wait for the event (default: 15 s; Marathon itself waits ten)",
    )
    parser.add_argument(
        "--app",
        metavar="PATH",
        help="only say why no instance of this app or pod is launched (asks --marathon itself)",
    )
    parser.add_argument("--json", action="store_true", help="JSON, one finding a line")
    args = parser.parse_args(argv)
    if args.app and not args.marathon:
        parser.error("--app goes with --marathon URL, which is asked")
    return args


if __name__ == "__main__":
    cli.run(main)
