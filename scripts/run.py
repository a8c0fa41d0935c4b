"""Run the whole system on this machine, with nothing installed but Python: an AWS in this process,
the functions, and a simulated Marathon that goes through the life of an app.
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from ops import cli
from ops.cli import Failure, Parser, say
from ops.deploying import page
from ops.marathon import connection, registration
from ops.stage import access, deployed
from ops.stage.resources import Stage
from ops.view import line

from chalicelib import times
from chalicelib.records.record import identify
from chalicelib.times import usable_timestamp
from local import cloud, delivering, functions, relayed, scenario, subscriber, terminal
from local.journal import Journal
from local.marathon import SimulatedMarathon
from local.screen import ReaderLeft, alert, console, showing
from local.system import System, system
from local.waiting import WaitingDeployment
from marathon_relay.marathon import Marathon, checked_address

_STAGE = "dev"
_STREAM_VERSION = "1.5.8"  # without callbacks, and with plans as the scenario has them
_CLUSTER = "local"
WAIT_SECONDS = 30
_CHAPTER_SECONDS = 3.0
_ROUND_SECONDS = 60.0
_WAITING_SECONDS = 12.0  # as long as people wait to hear of it, at the speed of alerts here
_FASTER = 60


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    args = _arguments(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it ends like Ctrl-C
    if args.once:
        return _run(args)
    with connection.plain_errors():
        return _until_interrupted(args)


def _until_interrupted(args: argparse.Namespace) -> int:
    """Run until Ctrl-C. This is the normal end, and no failure."""
    with terminal.foreground():
        try:
            return _run(args)
        except KeyboardInterrupt:
            say("Ended.", "dim")
            return 0
        except ReaderLeft:
            return 0


def _run(args: argparse.Namespace) -> int:
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(_log_of_functions())
        page.ensure_if_possible()
        say(f"Starting an AWS on this machine; the functions log to {log} …", "dim")
        stack.enter_context(cloud.running())
        stage = cloud.make_stage(_STAGE)
        host = _address_towards(args.marathon) if args.marathon else "127.0.0.1"
        made = _system(stack, stage, host, args.port)
        _keep_api(stage, made.api)
        stack.enter_context(_alerts(made))
        if not args.once:
            stack.enter_context(delivering.heard(made.functions, stage, made.journal.arrived))
        if args.marathon:
            marathon = connection.connect(args.marathon, args.user, args.ca)
            return _listen(marathon, stage, made)
        if args.stream:
            return _streamed(args, stage, made, log)
        simulated = SimulatedMarathon()
        url = stack.enter_context(simulated.running())
        _register(Marathon(url), stage, made.api)
        if args.once:
            return once(simulated, made.journal)
        return _show(simulated, url, made)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = Parser(description=__doc__, epilog=connection.EPILOG)
    parser.add_argument(
        "--port", type=_port, default=0, help="the API's port (default: a free one)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--once", action="store_true", help="play the scenario once, check it, and end"
    )
    what.add_argument(
        "--marathon", metavar="URL", help="listen to a real Marathon that can reach this machine"
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        help="a Marathon without callbacks (1.5.8), whose event stream a relay reads",
    )
    connection.add_login_options(parser)
    args = parser.parse_args(argv)
    if args.stream and args.marathon:
        parser.error("--stream is for the simulated Marathon: for a real one, run scripts/relay.py")
    if (args.user or args.ca) and not args.marathon:
        parser.error("--user and --ca go with --marathon")
    return args


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r}: a port is a number from 0 to 65535")
    return int(text)


@contextlib.contextmanager
def _log_of_functions() -> Iterator[str]:
    """A file for the functions' output. It is deleted if all went well."""
    with (
        tempfile.NamedTemporaryFile(
            "w", prefix="marathon-events-", suffix=".log", delete=False
        ) as log,
        contextlib.redirect_stdout(log),
    ):
        try:
            yield log.name
        except (KeyboardInterrupt, ReaderLeft):
            Path(log.name).unlink()
            raise
    Path(log.name).unlink()


def _system(stack: contextlib.ExitStack, stage: Stage, host: str, port: int) -> System:
    try:
        return stack.enter_context(system(stage, host, port))
    except OSError as error:
        raise Failure(
            f"Port {port} of {host} can't be used: {error.strerror}. Take another: --port N."
        ) from error


@contextlib.contextmanager
def _alerts(made: System) -> Iterator[None]:
    """What people get: so fast that one need not wait for it."""
    with (
        functions.alerting(made.functions, made.stage, _FASTER),
        subscriber.hearing(made.stage, made.journal.alerted),
    ):
        say(
            f"Alerts come {_FASTER} times as fast as in production: a minute is a second.",
            "dim",
        )
        yield


def _keep_api(stage: Stage, api: str) -> None:
    """Let the scripts find this API in the same way as a deployed one."""
    resource = {"name": "rest_api", "resource_type": "rest_api", "rest_api_url": api}
    deployed.keep_copy(stage, {"resources": [resource]})


def once(marathon: SimulatedMarathon, journal: Journal) -> int:
    """Play the scenario once; 0 if each event was stored once and notified once."""
    for chapter in _chapters():
        for event in chapter:
            marathon.publish(event)
    marathon.settle()
    journal.wait_for(len(marathon.sent), WAIT_SECONDS)
    return _verdict({_id_of(body) for body in marathon.sent}, len(marathon.sent), journal)


def _chapters() -> list[list[scenario.Event]]:
    """The scenario, all at once, as if it began now: people are told of what is new."""
    begin, now = times.from_iso(scenario.CREATED[0]["timestamp"]), times.now()
    return [scenario.again(chapter, begin, now) for chapter in scenario.LIFE]


def _once_streamed(marathon: SimulatedMarathon, urls: list[str], journal: Journal) -> int:
    """Play the scenario once, with a change of leader in the middle, which the relay reports.
    Returns 0 if each event was stored once and notified once, and only that gap was reported.
    """
    middle = len(scenario.LIFE) // 2
    for n, chapter in enumerate(_chapters()):
        if n == middle:
            marathon.settle()
            marathon.elect(urls[1])
            relayed.wait_for_listener(marathon)
        for event in chapter:
            marathon.publish(event)
    marathon.settle()
    sent = len(marathon.sent) + 1
    journal.wait_for(sent, WAIT_SECONDS)
    gaps = [record.id for record in journal.records.values() if record.type == "relay_gap"]
    if len(gaps) != 1:
        raise Failure(f"One gap should have been reported, not {len(gaps)}: look at the log.")
    return _verdict({_id_of(body) for body in marathon.sent} | set(gaps), sent, journal)


def _show_alerts(journal: Journal) -> None:
    """Wait for the alert of the app that fails in the scenario, and show it. Raises Failure."""
    if not journal.wait_until(lambda: bool(journal.alerts), WAIT_SECONDS):
        raise Failure("No alert of the app that fails has come. Look at the functions' log.")
    for subject in journal.alerts:
        console.print(alert(subject))


def _verdict(expected: set[str], sent: int, journal: Journal) -> int:
    for record in sorted(journal.records.values(), key=lambda each: each.id):
        console.print(line(record))
    right = (
        len(expected) == sent
        and journal.records.keys() == expected
        and journal.notified == dict.fromkeys(expected, 1)
    )
    if right:
        _show_alerts(journal)
    console.print(
        f"{sent} events sent, {len(journal.records)} stored, {journal.notified.total()} notified"
    )
    if not right:
        lost, doubled = expected - journal.records.keys(), journal.notified.total() - len(expected)
        raise Failure(
            f"That is not right: {len(lost)} events are missing in the table, "
            f"and there are {doubled:+d} notifications. Look at the functions' log."
        )
    return 0


def _streamed(args: argparse.Namespace, stage: Stage, made: System, log: str) -> int:
    """Play the scenario through a relay, which reads the event stream of one of two Marathons."""
    marathon = SimulatedMarathon(version=_STREAM_VERSION)
    with (
        marathon.running() as first,
        marathon.running() as second,
        Path(log).open("a") as file,
        relayed.relay(marathon, [first, second], stage, made.api, _CLUSTER, file),
    ):
        if args.once:
            return _once_streamed(marathon, [first, second], made.journal)
        return _show(marathon, first, made, waiting=True)


def _show(marathon: SimulatedMarathon, url: str, made: System, *, waiting: bool = False) -> int:
    """Play the scenario again and again, as if it were today, and show it. ``waiting``: also a
    deployment that waits, which only a relay can tell.
    """
    _say_how_to_talk(url, made.stage, made.api)
    shown = f"simulated Marathon {url}"
    with showing(made.journal, shown, made.api, lambda: len(marathon.sent)) as pause:
        while True:
            for chapter in scenario.LIFE:
                begin = times.from_iso(chapter[0]["timestamp"])
                for event in scenario.again(chapter, begin, times.now()):
                    due = times.from_iso(event["timestamp"]) - times.now()
                    pause(due.total_seconds())
                    marathon.publish(event)
                pause(_CHAPTER_SECONDS)
            if waiting:
                deployment = WaitingDeployment(marathon)
                deployment.begin()
                pause(_WAITING_SECONDS)
                deployment.end()
                pause(_CHAPTER_SECONDS)
            pause(_ROUND_SECONDS)


def _listen(marathon: Marathon, stage: Stage, made: System) -> int:
    """Show what a real Marathon sends, until Ctrl-C."""
    _register(marathon, stage, made.api)
    _say_how_to_talk(marathon.url, stage, made.api)
    try:
        with showing(made.journal, f"Marathon {marathon.url}", made.api, lambda: None) as pause:
            while True:
                pause(1)
    finally:
        registration.unregister(stage, marathon, made.api)
        say(f"Unsubscribed from {marathon.url}.", "dim")


def _register(marathon: Marathon, stage: Stage, api: str) -> None:
    """Register as scripts/register.py does, and wait for the proof."""
    info = marathon.info()
    made = registration.register(stage, marathon, info, api, _CLUSTER)
    event = registration.wait_for_event(stage, made, WAIT_SECONDS)
    if event is None:
        raise Failure(
            f"Marathon {info.version} at {marathon.url} subscribed {api}, but sends nothing there."
        )
    say(f"Registered at Marathon {info.version}, {marathon.url}.", "dim")


def _say_how_to_talk(marathon: str, stage: Stage, api: str) -> None:
    """The page, and what makes the scripts work against this system from another terminal."""
    token, _ = access.grant(stage, "make run", "", None)
    say("The page, for whoever has this link:")
    say(f"  {api}/#token={token}")
    settings = {"AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"], **cloud.CREDENTIALS}
    say("To talk to it from another terminal, paste there:")
    say(f"  export {' '.join(f'{name}={value}' for name, value in settings.items())}")
    say("  .venv/bin/python scripts/events.py list")
    say(f"  .venv/bin/python scripts/register.py --marathon {marathon} --list")
    say("  .venv/bin/python scripts/subscribe.py --list")


def _id_of(body: bytes) -> str:
    event = json.loads(body)
    time_of = usable_timestamp(event["timestamp"])
    assert time_of is not None  # the scenario's events have one
    return identify(body, time_of)


def _address_towards(url: str) -> str:
    """The address at which a Marathon can reach this machine."""
    parts = urlsplit(checked_address(url))
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((parts.hostname or "", parts.port or 80))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise Failure(f"{url!r} leads nowhere from this machine; look at the address.") from error


if __name__ == "__main__":
    cli.run(main)
