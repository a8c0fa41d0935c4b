"""Register the stage's API at a Marathon as an event subscription, and prove that it works."""

import argparse
import time

from ops import cli, deployed, marathons, registration, stages
from ops.cli import Failure, out, say
from ops.stages import Stage

from chalicelib.services.clusters import Cluster
from marathon_relay.marathon import Info, Marathon, MarathonError

_EXAMPLES = """\
examples:
  .venv/bin/python scripts/register.py --stage prod --marathon http://marathon.example.net:8080
  .venv/bin/python scripts/register.py --marathon https://m.example.net --user ops
  .venv/bin/python scripts/register.py --marathon http://m.example.net:8080 --list
  .venv/bin/python scripts/register.py --cluster old --print-endpoint

"""


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    stage = stages.find(args.stage)
    with marathons.told():
        if args.revoke:
            return _revoke(stage, args.revoke)
        if args.forget:
            return _forget(stage, args.forget)
        if args.list:
            return _list(args, stage)
        if args.remove:
            return _remove(stage, _marathon(args), _api_if_any(args, stage))
        api = args.url or deployed.api_url(stage)
        if args.print_endpoint:
            return _print_endpoint(args, stage, api)
        if args.rotate:
            return _rotate(args, stage, _marathon(args), api)
        return _register(args, stage, _marathon(args), api)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES + marathons.EPILOG)
    parser.add_argument("--marathon", metavar="URL", help="Marathon's address")
    parser.add_argument("--cluster", metavar="NAME", help="default: /v2/info's name")
    parser.add_argument(
        "--url", type=cli.address, metavar="URL", help="the API's address, if it is not AWS's own"
    )
    marathons.add_login_options(parser)
    parser.add_argument("--force", action="store_true", help="take over a cluster's name")
    parser.add_argument("--no-verify", action="store_true", help="don't wait for the first event")
    parser.add_argument(
        "--timeout",
        type=cli.seconds,
        default=30,
        metavar="S",
        help="how long to wait (default: 30 s)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--list",
        action="store_true",
        help="show the tokens (of --cluster alone, if given), and what is subscribed at --marathon",
    )
    what.add_argument("--remove", action="store_true", help="unsubscribe, and revoke the token")
    what.add_argument(
        "--rotate", action="store_true", help="exchange the token, without losing an event"
    )
    what.add_argument(
        "--revoke", metavar="HASH", help="refuse a token; HASH begins as --list shows it"
    )
    what.add_argument(
        "--forget",
        metavar="NAME",
        help="strike out a cluster that is gone (its events stay until they expire)",
    )
    what.add_argument(
        "--print-endpoint",
        action="store_true",
        help="print the line to start a Marathon with that has no subscriptions (before 0.5)",
    )
    args = parser.parse_args(argv)
    alone = args.print_endpoint or args.list or args.revoke or args.forget
    if not (args.marathon or alone):
        parser.error("--marathon URL is needed")
    return args


def _marathon(args: argparse.Namespace) -> Marathon:
    return marathons.connect(args.marathon, args.user, args.ca)


def _api_if_any(args: argparse.Namespace, stage: Stage) -> str | None:
    """The API's address; a stage that was destroyed has none."""
    if args.url or not deployed.find_api(stage):
        return args.url or None
    return deployed.api_url(stage)


def _register(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    info = marathon.info()
    say(f"Marathon {info.version or 'of unknown version'} at {marathon.url}")
    started = time.monotonic()
    made = registration.register(
        stage,
        marathon,
        info,
        api,
        args.cluster or "",
        login=marathons.login_options(args.user, args.ca),
        force=args.force,
    )
    done = "Subscribed" if made.new else "Already subscribed, once:"
    say(f"{done} {api}/callback?token=*** for cluster {made.cluster}")
    if args.no_verify:
        out(f"Registered cluster {made.cluster} (not verified).")
        return 0
    say(f"Waiting for Marathon's subscribe_event, up to {args.timeout:g} s …")
    event = registration.wait_for_event(stage, made, args.timeout)
    if event is None:
        raise Failure(
            f"No event came within {args.timeout:g} s. The URL stays subscribed; look whether "
            f"Marathon's hosts reach {api} and trust its certificate, and at Marathon's log. "
            "Then run this again, or undo it with --remove."
        )
    took = time.monotonic() - started
    out(f"Registered cluster {made.cluster}: its subscribe_event is in the table ({event.id}).")
    out(f"The round trip took {took:.1f} s.")
    return 0


def _print_endpoint(args: argparse.Namespace, stage: Stage, api: str) -> int:
    info = _info_if_told(args)
    name = registration.cluster_name(args.cluster or "", info)
    login = marathons.login_options(args.user, args.ca)
    cluster = Cluster(name, args.marathon or "", info.framework_id if info else "", login)
    url = registration.print_endpoint(stage, cluster, api, force=args.force)
    say(
        f"Start every Marathon of cluster {name} with the line below. It holds a token that is "
        "shown this once and kept nowhere: run this again for another."
    )
    out(f"--event_subscriber http_callback --http_endpoints '{url}'")
    return 0


def _info_if_told(args: argparse.Namespace) -> Info | None:
    """Who the Marathon is; one before 0.5 may not tell, and then needs a name from the user."""
    if not args.marathon:
        return None
    try:
        return _marathon(args).info()
    except MarathonError:
        if not args.cluster:
            raise
        return None


def _list(args: argparse.Namespace, stage: Stage) -> int:
    if args.marathon:
        _list_subscriptions(stage, _marathon(args), _api_if_any(args, stage))
    found = [each for each in stage.tokens.all() if args.cluster in (None, each.cluster)]
    for token in found:
        state = "valid" if token.valid else f"revoked {token.revoked_at}"
        out(
            f"token {token.hash[:12]}  {token.role} of {token.cluster or 'all'}  "
            f"made {token.created_at}  {state}  ({token.label})"
        )
    if not found:
        say(f"Stage {stage.name} has no token{f' of {args.cluster}' if args.cluster else ''}.")
    return 0


def _list_subscriptions(stage: Stage, marathon: Marathon, api: str | None) -> None:
    found = registration.subscriptions(stage, marathon, api)
    for each in found:
        whose = "another listener"
        if each.ours:
            cluster = each.token.cluster if each.token else "unknown"
            whose = f"this stage, cluster {cluster}, {_state(each)}"
        out(f"{each.shown}  ({whose})")
    if not found:
        say(f"Nothing is subscribed at {marathon.url}.")


def _state(subscription: registration.Subscription) -> str:
    if not subscription.leads_here:
        return "not at its present API: register again, then --remove"
    return "accepted" if subscription.valid else "refused: its token is unknown or revoked"


def _rotate(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    say(f"Rotating the token; waiting for its proof up to {args.timeout:g} s …")
    made = registration.rotate(stage, marathon, api, args.timeout)
    out(f"Cluster {made.cluster} has a new token, and no event was lost; the old one is revoked.")
    return 0


def _revoke(stage: Stage, beginning: str) -> int:
    token = registration.revoke(stage, beginning)
    out(f"Revoked the token {token.hash[:12]} of {token.cluster}; refused within a minute.")
    return 0


def _forget(stage: Stage, name: str) -> int:
    registration.forget(stage, name)
    out(f"Cluster {name} is forgotten. Its events stay until they expire.")
    return 0


def _remove(stage: Stage, marathon: Marathon, api: str | None) -> int:
    removed = registration.unregister(stage, marathon, api)
    for each in removed:
        out(f"Unsubscribed {each.shown} and revoked its token.")
    if not removed:
        say(f"This stage is not subscribed at {marathon.url}; nothing to remove.")
    return 0


if __name__ == "__main__":
    cli.run(main)
