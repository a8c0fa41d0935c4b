"""Run the whole system on this machine, with nothing installed but Python: an AWS in this process,
the functions, and a simulated Marathon that goes through the life of an app.
"""

import argparse
import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ops import cli, registration
from ops.cli import Failure
from ops.marathon import Marathon
from ops.stage import Stage
from ops.view import line

from rich.console import Console
from rich.live import Live

from chalicelib import times
from chalicelib.marathon.reading import usable_timestamp
from chalicelib.records.record import identify
from local import cloud, scenario
from local.journal import Journal
from local.marathon import SimulatedMarathon
from local.system import System, system
from local.view import LiveView

_STAGE = "dev"
_CLUSTER = "local"
_WAIT_SECONDS = 30
_EVENT_SECONDS = 0.35
_CHAPTER_SECONDS = 2.0

# The functions print their log, as they do in Lambda; what is for people goes to the real stdout.
console = Console(highlight=False, soft_wrap=True, file=sys.stdout)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(_log_of_functions())
        cli.progress.print(
            f"Starting an AWS on this machine; the functions log to {log} …", style="dim"
        )
        stack.enter_context(cloud.running())
        stage = cloud.make_stage(_STAGE)
        host = _address_towards(args.marathon) if args.marathon else "127.0.0.1"
        made = stack.enter_context(_system(stage, host, args.port))
        api, journal = made.api, made.journal
        if args.marathon:
            return _listen(args.marathon, stage, api, journal)
        marathon = SimulatedMarathon()
        url = stack.enter_context(marathon.running())
        if args.once:
            return _once(marathon, url, stage, api, journal)
        return _show(marathon, url, stage, api, journal)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the API's port (default: a free one)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--once", action="store_true", help="play the scenario once, check it, and end"
    )
    what.add_argument(
        "--marathon", metavar="URL", help="listen to a real Marathon that can reach this machine"
    )
    args = parser.parse_args(argv)
    if not 0 <= args.port <= 65535:
        parser.error(f"--port {args.port}: a port is a number from 0 to 65535")
    return args


@contextlib.contextmanager
def _log_of_functions() -> Iterator[str]:
    with (
        tempfile.NamedTemporaryFile(
            "w", prefix="marathon-events-", suffix=".log", delete=False
        ) as log,
        contextlib.redirect_stdout(log),
    ):
        yield log.name


@contextlib.contextmanager
def _system(stage: Stage, host: str, port: int) -> Iterator[System]:
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(system(stage, host, port))
        except OSError as error:
            raise Failure(
                f"Port {port} of {host} can't be used: {error.strerror}. Take another: --port N."
            ) from error
        yield made


def _once(marathon: SimulatedMarathon, url: str, stage: Stage, api: str, journal: Journal) -> int:
    """Play the scenario once; 0 if each event was stored once and notified once."""
    _register(url, stage, api)
    for chapter in scenario.LIFE:
        for event in chapter:
            marathon.publish(event)
    marathon.settle()
    journal.wait_for(len(marathon.sent), _WAIT_SECONDS)
    for record in sorted(journal.records.values(), key=lambda each: each.id):
        console.print(line(record))
    return _verdict(marathon, journal)


def _verdict(marathon: SimulatedMarathon, journal: Journal) -> int:
    expected = {_id_of(body) for body in marathon.sent}
    console.print(
        f"{len(marathon.sent)} events sent, {len(journal.records)} stored, "
        f"{journal.notified.total()} notified"
    )
    right = (
        len(expected) == len(marathon.sent)
        and journal.records.keys() == expected
        and journal.notified == dict.fromkeys(expected, 1)
    )
    if not right:
        lost, doubled = expected - journal.records.keys(), journal.notified.total() - len(expected)
        raise Failure(
            f"That is not right: {len(lost)} events are missing in the table, "
            f"and there are {doubled:+d} notifications. Look at the functions' log."
        )
    return 0


def _show(marathon: SimulatedMarathon, url: str, stage: Stage, api: str, journal: Journal) -> int:
    """Play the scenario again and again, and show it."""
    _register(url, stage, api)
    with _view(journal, f"simulated Marathon {url}", api, lambda: len(marathon.sent)):
        for chapter in scenario.LIFE:
            _play(marathon, chapter)
        while True:
            for chapter in scenario.LIFE[1:]:
                begin = times.from_iso(chapter[0]["timestamp"])
                _play(marathon, scenario.again(chapter, begin, times.now()))


def _play(marathon: SimulatedMarathon, chapter: list[scenario.Event]) -> None:
    for event in chapter:
        marathon.publish(event)
        time.sleep(_EVENT_SECONDS)
    time.sleep(_CHAPTER_SECONDS)


def _listen(url: str, stage: Stage, api: str, journal: Journal) -> int:
    """Show what a real Marathon sends, until Ctrl-C."""
    _register(url, stage, api)
    try:
        with _view(journal, f"Marathon {url}", api, lambda: None):
            while True:
                time.sleep(1)
    finally:
        registration.unregister(stage, _marathon(url), api)
        cli.progress.print(f"Unsubscribed from {url}.", style="dim")


def _register(url: str, stage: Stage, api: str) -> None:
    """Register as scripts/register.py does, and wait for the proof."""
    marathon = _marathon(url)
    info = marathon.info()
    made = registration.register(stage, marathon, info, api, _CLUSTER)
    event = registration.wait_for_event(stage, made, _WAIT_SECONDS)
    if event is None:
        raise Failure(
            f"Marathon {info.version} at {url} subscribed {api}, but sends nothing there."
        )
    cli.progress.print(f"Registered at Marathon {info.version}, {url}.", style="dim")


def _marathon(url: str) -> Marathon:
    return Marathon(
        url,
        user=os.environ.get("MARATHON_USER", ""),
        password=os.environ.get("MARATHON_PASSWORD", ""),
        token=os.environ.get("MARATHON_TOKEN", ""),
    )


@contextlib.contextmanager
def _view(
    journal: Journal, marathon: str, api: str, sent: Callable[[], int | None]
) -> Iterator[None]:
    """The live view; without a terminal, a line for each event."""
    if console.is_terminal:
        view = LiveView(journal, marathon, api, sent)
        # Else it would draw the functions' log, which goes elsewhere, into the view.
        with Live(view, console=console, refresh_per_second=8, redirect_stdout=False):
            yield
    else:
        journal.on_notified = lambda record: console.print(line(record))
        yield


def _id_of(body: bytes) -> str:
    event = json.loads(body)
    time_of = usable_timestamp(event["timestamp"])
    assert time_of is not None  # the scenario's events have one
    return identify(body, time_of)


def _address_towards(url: str) -> str:
    """The address of this machine that a Marathon can reach it at."""
    parts = urlsplit(url)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((parts.hostname or "", parts.port or 80))
            return str(probe.getsockname()[0])
    except (OSError, ValueError) as error:
        raise Failure(f"{url!r} leads nowhere from this machine; look at the address.") from error


if __name__ == "__main__":
    cli.run(main)
