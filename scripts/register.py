"""Register the stage's API at a Marathon as an event subscription, and prove that it works."""

import argparse
import getpass
import os
import sys
import time

from ops import cli, registration, stage
from ops.cli import Failure
from ops.marathon import Info, Marathon

from chalicelib.services.clusters import Cluster

_EPILOG = """\
examples:
  .venv/bin/python scripts/register.py --stage prod --marathon http://marathon.example.net:8080
  .venv/bin/python scripts/register.py --marathon https://m.example.net --user ops
  .venv/bin/python scripts/register.py --marathon http://m.example.net:8080 --list
  .venv/bin/python scripts/register.py --cluster old --print-endpoint

environment:
  MARATHON_PASSWORD  the password that goes with --user (asked for if it is not set)
  MARATHON_TOKEN     a token, sent as "Authorization: token=…" (DC/OS)
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    here = stage.find(args.stage)
    if args.revoke:
        return _revoke(here, args.revoke)
    api = args.url.rstrip("/") if args.url else stage.api_url(here)
    if args.print_endpoint:
        return _print_endpoint(args, here, api)
    if args.list:
        return _list(here, _marathon(args) if args.marathon else None, api)
    marathon = _marathon(args)
    if args.remove:
        return _remove(here, marathon, api)
    if args.rotate:
        return _rotate(args, here, marathon, api)
    return _register(args, here, marathon, api)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EPILOG)
    parser.add_argument("--marathon", metavar="URL", help="Marathon's address")
    parser.add_argument("--cluster", default="", metavar="NAME", help="default: /v2/info's name")
    parser.add_argument("--url", metavar="URL", help="the API's address, if it is not AWS's own")
    parser.add_argument("--user", default="", metavar="NAME", help="login at Marathon")
    parser.add_argument("--ca", metavar="FILE", help="the authority of Marathon's certificate")
    parser.add_argument("--force", action="store_true", help="take over a cluster's name")
    parser.add_argument("--no-verify", action="store_true", help="don't wait for the first event")
    parser.add_argument(
        "--timeout", type=_seconds, default=30, metavar="S", help="how long to wait (default: 30 s)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--list", action="store_true", help="show what is subscribed at Marathon, and the tokens"
    )
    what.add_argument("--remove", action="store_true", help="unsubscribe, and revoke the token")
    what.add_argument(
        "--rotate", action="store_true", help="exchange the token, without losing an event"
    )
    what.add_argument(
        "--revoke", metavar="HASH", help="refuse a token; HASH begins as --list shows it"
    )
    what.add_argument(
        "--print-endpoint",
        action="store_true",
        help="for a Marathon without subscriptions (before 0.5): print the line to start it with",
    )
    args = parser.parse_args(argv)
    if args.url and not args.url.startswith(("http://", "https://")):
        parser.error(f"--url {args.url}: an address begins with https:// or http://")
    if not (args.marathon or args.print_endpoint or args.list or args.revoke):
        parser.error("--marathon URL is needed")
    return args


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("give 1 to 3600 seconds")
    return seconds


def _marathon(args: argparse.Namespace) -> Marathon:
    password = os.environ.get("MARATHON_PASSWORD", "")
    if args.user and not password:
        if not sys.stdin.isatty():
            raise Failure("--user needs the password in MARATHON_PASSWORD.")
        password = getpass.getpass(f"Password of {args.user} at {args.marathon}: ")
    if args.ca and not os.path.isfile(args.ca):  # noqa: PTH113
        raise Failure(f"--ca {args.ca}: there is no such file.")
    token = os.environ.get("MARATHON_TOKEN", "")
    return Marathon(args.marathon, user=args.user, password=password, token=token, ca=args.ca)


def _register(args: argparse.Namespace, here: stage.Stage, marathon: Marathon, api: str) -> int:
    info = marathon.info()
    cli.progress.print(f"Marathon {info.version or 'of unknown version'} at {marathon.url}")
    started = time.monotonic()
    made = registration.register(here, marathon, info, api, args.cluster, force=args.force)
    done = "Subscribed" if made.new else "Already subscribed, once:"
    cli.progress.print(f"{done} {api}/callback?token=*** for cluster {made.cluster}")
    if args.no_verify:
        print(f"Registered cluster {made.cluster} (not verified).")
        return 0
    cli.progress.print(f"Waiting for Marathon's subscribe_event, up to {args.timeout:g} s …")
    event = registration.wait_for_event(here, made, args.timeout)
    if event is None:
        raise Failure(
            f"No event came within {args.timeout:g} s. The URL stays subscribed; look whether "
            f"Marathon's hosts reach {api} and trust its certificate, and at Marathon's log. "
            "Then run this again, or undo it with --remove."
        )
    took = time.monotonic() - started
    print(f"Registered cluster {made.cluster}: its subscribe_event is in the table ({event.id}).")
    print(f"The round trip took {took:.1f} s.")
    return 0


def _print_endpoint(args: argparse.Namespace, here: stage.Stage, api: str) -> int:
    info = _info_if_told(args)
    name = registration.cluster_name(args.cluster, info)
    cluster = Cluster(name, args.marathon or "", info.framework_id if info else "")
    url = registration.print_endpoint(here, cluster, api, force=args.force)
    cli.progress.print(
        f"Start every Marathon of cluster {name} with the line below. It holds a token that is "
        "shown this once and kept nowhere: run this again for another."
    )
    print(f"--event_subscriber http_callback --http_endpoints '{url}'")
    return 0


def _info_if_told(args: argparse.Namespace) -> Info | None:
    """Who the Marathon is; one before 0.5 may not tell, and then needs a name from the user."""
    if not args.marathon:
        return None
    try:
        return _marathon(args).info()
    except Failure:
        if not args.cluster:
            raise
        return None


def _list(here: stage.Stage, marathon: Marathon | None, api: str) -> int:
    if marathon:
        _list_subscriptions(here, marathon, api)
    for token in here.tokens.all():
        state = f"revoked {token.revoked_at}" if token.revoked_at else "valid"
        print(
            f"token {token.hash[:12]}  {token.role} of {token.cluster or 'all'}  "
            f"made {token.created_at}  {state}  ({token.label})"
        )
    return 0


def _list_subscriptions(here: stage.Stage, marathon: Marathon, api: str) -> None:
    found = registration.subscriptions(here, marathon, api)
    for each in found:
        whose = "another listener"
        if each.ours:
            cluster = each.token.cluster if each.token else "unknown"
            state = "accepted" if each.valid else "refused: its token is unknown or revoked"
            whose = f"this stage, cluster {cluster}, {state}"
        print(f"{each.shown}  ({whose})")
    if not found:
        cli.progress.print(f"Nothing is subscribed at {marathon.url}.")


def _rotate(args: argparse.Namespace, here: stage.Stage, marathon: Marathon, api: str) -> int:
    cli.progress.print(f"Rotating the token; waiting for its proof up to {args.timeout:g} s …")
    made = registration.rotate(here, marathon, api, args.timeout)
    print(f"Cluster {made.cluster} has a new token, and no event was lost; the old one is revoked.")
    return 0


def _revoke(here: stage.Stage, beginning: str) -> int:
    token = registration.revoke(here, beginning)
    print(f"Revoked the token {token.hash[:12]} of {token.cluster}; refused within a minute.")
    return 0


def _remove(here: stage.Stage, marathon: Marathon, api: str) -> int:
    removed = registration.unregister(here, marathon, api)
    for each in removed:
        print(f"Unsubscribed {each.shown} and revoked its token.")
    if not removed:
        cli.progress.print(f"This stage is not subscribed at {marathon.url}; nothing to remove.")
    return 0


if __name__ == "__main__":
    cli.run(main)
