"""Marathons as operators name them: their address, their login, and what to do when they refuse."""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator

from ops.cli import Failure

from marathon_relay import marathon
from marathon_relay.marathon import Login, Marathon, MarathonError

EPILOG = """\
environment:
  MARATHON_USER      the same as --user
  MARATHON_PASSWORD  the password that goes with it (asked for if it is not set)
  MARATHON_TOKEN     a token, sent as "Authorization: token=…" (DC/OS)
"""

HOW_TO_ENABLE = (
    "Restart every Marathon of the cluster with --event_subscriber http_callback, then run this "
    "again. Or restart it with our address, which then needs no subscription: --print-endpoint "
    "prints the options for that (--event_subscriber http_callback "
    "--http_endpoints '<api>/callback?token=<token>')."
)


def add_login_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that talks to a Marathon."""
    parser.add_argument("--user", metavar="NAME", help="login at Marathon")
    parser.add_argument("--ca", metavar="FILE", help="the authority of Marathon's certificate")


def connect(url: str, user: str | None, ca: str | None) -> Marathon:
    """A Marathon by its addresses, separated by commas, with the login of the options and the
    environment. Raises Failure and MarathonError.
    """
    user = user or os.environ.get("MARATHON_USER", "")
    password = os.environ.get("MARATHON_PASSWORD", "")
    if user and not password:
        if not sys.stdin.isatty():
            raise Failure("--user needs the password in MARATHON_PASSWORD.")
        password = getpass.getpass(f"Password of {user} at {url}: ")
    if ca and not os.path.isfile(ca):  # noqa: PTH113
        raise Failure(f"--ca {ca}: there is no such file.")
    return Marathon(url, Login(user, password, os.environ.get("MARATHON_TOKEN", "")), ca)


def login_options(user: str | None, ca: str | None) -> str:
    """The options and variables that name the same login again, without any secret."""
    user = user or os.environ.get("MARATHON_USER", "")
    named = [f"--user {user}" if user else "", f"--ca {ca}" if ca else ""]
    return " ".join(filter(None, named))


def named_login(text: str) -> tuple[str, str]:
    """The user and the authority's file in what ``login_options`` wrote; empty where not named."""
    rest, _, ca = text.partition("--ca ")
    return rest.strip().removeprefix("--user "), ca


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turns Marathon's errors into sentences for the user: raises Failure instead."""
    try:
        yield
    except MarathonError as error:
        raise Failure(sentence(error)) from error


def sentence(error: MarathonError) -> str:
    """What went wrong, and what to do."""
    return " ".join(advice(error))


def advice(error: MarathonError) -> tuple[str, str]:
    """What went wrong; and what to do."""
    url = error.url
    match error:
        case marathon.LoginInAddress():
            return (
                "The address of Marathon holds a login.",
                "Give the login by --user and MARATHON_PASSWORD, not in the address.",
            )
        case marathon.BadAddress():
            return (
                f"{url!r} is not a Marathon's address.",
                "One looks like http://marathon.example.net:8080.",
            )
        case marathon.Untrusted():
            return (
                f"{url} shows a certificate that is not trusted here.",
                "Give the file of its authority with --ca.",
            )
        case marathon.Unreachable():
            return (
                f"No Marathon answers at {url} ({error}).",
                "Look at the address, the port and the firewall.",
            )
        case marathon.NotMarathon():
            return (
                f"What answers at {url} is no Marathon that tells of itself "
                f"(GET /v2/info: status {error.status}).",
                "Look at the address; for a Marathon before 0.5, use --print-endpoint "
                "--cluster NAME.",
            )
        case marathon.LoginRefused():
            return (
                f"Marathon at {url} refused the login (status {error.status}).",
                "Give --user NAME with MARATHON_PASSWORD, or MARATHON_TOKEN; from 1.3.0 on it "
                "needs the right to view events.",
            )
        case marathon.CallbacksOff():
            return f"Marathon at {url} has no callbacks enabled.", HOW_TO_ENABLE
        case marathon.NoSubscriptions():
            return (
                f"Marathon at {url} has no event subscriptions: versions before 0.5 and from "
                "1.5.0 on have none.",
                "Before 0.5, use --print-endpoint --cluster NAME.",
            )
        case marathon.BadCallback():
            return "Marathon says that the callback URL is malformed.", "Look at --url."
    return f"Marathon at {url}: {error}.", "Its log says more; try again in a while."
