"""Marathons as operators name them: their address, their login, and what to do when they refuse."""

import argparse
import contextlib
import getpass
import os
import sys
from collections.abc import Iterator

from ops.cli import Failure

from marathon_relay.marathon import Login, Marathon, MarathonError

EPILOG = """\
environment:
  MARATHON_USER      the same as --user
  MARATHON_PASSWORD  the password that goes with it (asked for if it is not set)
  MARATHON_TOKEN     a token, sent as "Authorization: token=…" (DC/OS)
"""


def add_login_options(parser: argparse.ArgumentParser) -> None:
    """The options of every command that talks to a Marathon."""
    parser.add_argument("--user", metavar="NAME", help="login at Marathon")
    parser.add_argument("--ca", metavar="FILE", help="the CA certificate of Marathon, in a file")


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
    """The user and the file of the CA certificate that ``login_options`` wrote, or ""."""
    rest, _, ca = text.partition("--ca ")
    return rest.strip().removeprefix("--user "), ca


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turns Marathon's errors into sentences for the user: raises Failure instead."""
    try:
        yield
    except MarathonError as error:
        raise Failure(error.advice) from error
