"""Let somebody read: make a reader token, and a link to the page with it. List tokens, or revoke
one.
"""

import argparse
import json
from datetime import timedelta

from ops import cli, options
from ops.cli import out, say
from ops.stage import access, deployed, resources
from ops.stage.resources import Stage

_DEFAULT = timedelta(days=90)
_NEVER = timedelta.max

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/grant.py --stage prod --label "Ada, on call" --expires 30d
  .venv/bin/python scripts/grant.py --stage prod --label wallboard --cluster prod --expires never
  .venv/bin/python scripts/grant.py --stage prod --list
  .venv/bin/python scripts/grant.py --stage prod --revoke 0f3a9c
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    stage = resources.find(args.stage)
    if args.list:
        return _list(args, stage)
    if args.revoke:
        token = access.revoke(stage, args.revoke, "reader")
        out(access.as_json(token) if args.json else f"Revoked the token {token.hash[:12]}.")
        say("It is refused within a minute.", "dim")
        return 0
    return _grant(args, stage)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--label", metavar="WHO", help="who gets the token; --list shows it")
    what.add_argument("--list", action="store_true", help="show the tokens (never their secrets)")
    what.add_argument(
        "--revoke",
        metavar="HASH",
        help="refuse a token; HASH is the beginning of a hash that --list shows",
    )
    parser.add_argument(
        "--cluster", metavar="NAME", help="the token reads only this cluster (default: all)"
    )
    parser.add_argument(
        "--expires",
        type=_expiry,
        metavar="TIME",
        help="when it ends, such as 30d, or never (default: 90d)",
    )
    parser.add_argument(
        "--url", type=cli.address, metavar="URL", help="the API's address, if it is not AWS's own"
    )
    parser.add_argument("--json", action="store_true", help="JSON, one token a line")
    args = parser.parse_args(argv)
    if args.label is None and (args.expires is not None or (args.cluster and not args.list)):
        parser.error("--expires and --cluster go with --label")
    return args


def _expiry(text: str) -> timedelta:
    return _NEVER if text == "never" else options.duration(text)


def _grant(args: argparse.Namespace, stage: Stage) -> int:
    api = args.url or deployed.api_url(stage)
    asked = _DEFAULT if args.expires is None else args.expires
    valid_for = None if asked == _NEVER else asked
    token, known = access.grant(stage, args.label, args.cluster or "", valid_for)
    link = f"{api}/#token={token}"
    if args.json:
        out(json.dumps({**json.loads(access.as_json(known)), "token": token, "link": link}))
        return 0
    until = access.expiry(known)
    say(
        f"{args.label} may read {known.cluster or 'all clusters'} of stage {stage.name}, "
        f"{f'until {until}' if until else 'for ever'}. The link below holds the token, which is "
        "kept nowhere else: whoever has the link may read, and a browser that opens it keeps it in "
        "its history. To revoke it:\n"
        f"  .venv/bin/python scripts/grant.py --stage {stage.name} --revoke {known.hash[:12]}"
    )
    out(link)
    return 0


def _list(args: argparse.Namespace, stage: Stage) -> int:
    found = [
        each
        for each in stage.tokens.all()
        if each.role == "reader" and args.cluster in (None, each.cluster)
    ]
    for token in found:
        out(access.as_json(token) if args.json else f"{stage.name}: {access.line(token)}")
    if not found:
        say(f"Stage {stage.name} has no reader token. Make one with --label WHO.", "dim")
    return 0


if __name__ == "__main__":
    cli.run(main)
