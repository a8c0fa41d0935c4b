"""Register the stage's API at a Marathon as an event subscription, and prove that it works."""

import argparse
import time

from ops import cli, options
from ops.cli import Failure, out, say
from ops.marathon import connection, registration, relay_env
from ops.stage import access, deployed, resources
from ops.stage.resources import Stage

from chalicelib import history, times
from chalicelib.services.clusters import Cluster
from marathon_relay.marathon import Info, Marathon, MarathonError

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


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    stage = resources.find(args.stage)
    with connection.told():
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
        if args.revive:
            return _revive(args, stage, _marathon(args), api)
        if args.check:
            return _check(args, stage, _marathon(args), api)
        if args.relay_env:
            return _relay_env(args, stage, _marathon(args), api)
        return _register(args, stage, _marathon(args), api)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = cli.parser(__doc__ or "", epilog=_EXAMPLES + connection.EPILOG)
    parser.add_argument(
        "--marathon", metavar="URL", help="Marathon's address; several of one cluster: URL,URL"
    )
    parser.add_argument("--cluster", metavar="NAME", help="default: /v2/info's name")
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
        "--revive",
        action="store_true",
        help="end Marathon's silence towards our URL, which it keeps after failures",
    )
    what.add_argument(
        "--check",
        action="store_true",
        help="for cron: status 0 only if we are subscribed and an event came within --within",
    )
    what.add_argument(
        "--relay-env",
        type=cli.file,
        metavar="FILE",
        help="for a Marathon without callbacks (1.5+): write the settings of a relay",
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
        help="with --check: subscribe what is missing, and end a silence",
    )
    args = parser.parse_args(argv)
    if args.repair and not args.check:
        parser.error("--repair goes with --check")
    alone = args.print_endpoint or args.list or args.revoke or args.forget
    if not (args.marathon or alone):
        parser.error("--marathon URL is needed")
    return args


def _marathon(args: argparse.Namespace) -> Marathon:
    return connection.connect(args.marathon, args.user, args.ca)


def _api_if_any(args: argparse.Namespace, stage: Stage) -> str | None:
    """The API's address; a stage that was destroyed has none."""
    if args.url or not deployed.find_api(stage):
        return args.url or None
    return deployed.api_url(stage)


def _register(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    info = marathon.info()
    say(f"Marathon {info.version or 'of unknown version'} at {marathon.url}")
    started = time.monotonic()
    skipped = _skipped(marathon)
    made = registration.register(
        stage,
        marathon,
        info,
        api,
        args.cluster or "",
        login=connection.login_options(args.user, args.ca),
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
        raise _no_event(args, marathon, api, skipped)
    took = time.monotonic() - started
    out(f"Registered cluster {made.cluster}: its subscribe_event is in the table ({event.id}).")
    out(f"The round trip took {took:.1f} s.")
    return 0


def _skipped(marathon: Marathon) -> int:
    """How many callbacks Marathon skipped because of penalties, for all URLs; 0 if unknown."""
    try:
        return marathon.callback_meters().get("skipped-callbacks", 0)
    except MarathonError:
        return 0


def _no_event(args: argparse.Namespace, marathon: Marathon, api: str, before: int) -> Failure:
    """Why no event came, as far as Marathon says. ``before``: how many it had skipped before."""
    skipped = _skipped(marathon)
    if skipped > before:
        return Failure(
            f"No event came: Marathon is keeping silent towards this URL after posts to it failed "
            f"({skipped} callbacks skipped so far, which are lost). End that with --revive; then "
            "look why they failed."
        )
    return Failure(
        f"No event came within {args.timeout:g} s. The URL stays subscribed; look whether "
        f"Marathon's hosts reach {api} and trust its certificate, and at Marathon's log. "
        "Then run this again, or undo it with --remove."
    )


def _revive(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    held = registration.held_subscription(stage, marathon, api)
    say("Unsubscribing, so that Marathon forgets its penalty, and subscribing again …")
    made = registration.revive(marathon, held, args.timeout)
    event = registration.wait_for_event(stage, made, args.timeout)
    if event is None:
        raise _no_event(args, marathon, api, _skipped(marathon))
    out(f"Cluster {made.cluster} sends again: its subscribe_event is in the table ({event.id}).")
    return 0


def _check(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    """Check that our URL is subscribed and that events arrive. With --repair, repair both."""
    try:
        held = registration.held_subscription(stage, marathon, api)
    except Failure:
        if not args.repair:
            raise
        say("Not subscribed any more: subscribing again …")
        return _register(args, stage, marathon, api)
    assert held.token is not None  # or it would not be valid
    newest = history.newest_received(stage.store, held.token.cluster)
    if newest and times.now() - times.from_iso(newest.received_at) <= args.within:
        out(f"Cluster {newest.cluster} is subscribed; its last event came at {newest.received_at}.")
        return 0
    say("No event came of late: asking Marathon for one …")
    skipped = _skipped(marathon)
    made = registration.renew(marathon, held)
    if event := registration.wait_for_event(stage, made, args.timeout):
        out(f"Cluster {made.cluster} is subscribed, and only quiet: {event.id} came at once.")
        return 0
    if args.repair:
        say("Nothing came: ending the silence that Marathon may keep …")
        return _revive(args, stage, marathon, api)
    raise _no_event(args, marathon, api, skipped)


def _relay_env(args: argparse.Namespace, stage: Stage, marathon: Marathon, api: str) -> int:
    relay_env.check_free(args.relay_env)
    info = marathon.info()
    name = registration.cluster_name(args.cluster or "", info)
    login = connection.login_options(args.user, args.ca)
    cluster = Cluster(name, ",".join(marathon.urls), info.framework_id, login)
    token = registration.relay_token(stage, cluster, force=args.force)
    relay_env.write(args.relay_env, marathon, api, token, args.ca)
    out(f"Wrote the settings of a relay of cluster {name} to {args.relay_env} (mode 600).")
    say(
        "They hold a token that is kept nowhere else. Start the relay with:\n"
        f"  .venv/bin/python scripts/relay.py --env-file {args.relay_env}\n"
        "docs/relay.md says how to run it as a service, or as an app on Marathon."
    )
    return 0


def _print_endpoint(args: argparse.Namespace, stage: Stage, api: str) -> int:
    info = _info_if_told(args)
    name = registration.cluster_name(args.cluster or "", info)
    login = connection.login_options(args.user, args.ca)
    cluster = Cluster(name, args.marathon or "", info.framework_id if info else "", login)
    url = registration.print_endpoint(stage, cluster, api, force=args.force)
    say(
        f"Start every Marathon of cluster {name} with the line below. It holds a token that is "
        "shown this once and kept nowhere: run this again for another."
    )
    out(f"--event_subscriber http_callback --http_endpoints '{url}'")
    return 0


def _info_if_told(args: argparse.Namespace) -> Info | None:
    """Who the Marathon is. One before 0.5 may not say; then the user must give a name."""
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
        out(access.line(token))
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
    token = access.revoke(stage, beginning)
    whose = token.cluster or "a reader"
    out(f"Revoked the token {token.hash[:12]} of {whose}; refused within a minute.")
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
