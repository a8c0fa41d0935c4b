"""What all commands have in common: options, output, errors in plain sentences, exit statuses,
Ctrl-C.

Anything that is shown may come from outside, so control characters and escapes are made visible
first.
"""

import argparse
import difflib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import botocore.exceptions
from rich.console import Console

from chalicelib.services import aws
from chalicelib.services.queues import QueueError
from chalicelib.services.table import TableError
from chalicelib.settings import SettingsError
from chalicelib.text import visible

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

progress = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


class Failure(Exception):
    """Something went wrong that the user can act on; the message says what, with what, and what
    to do.
    """


# The errors of a command that the user can do something about.
EXPECTED = (Failure, SettingsError, TableError, QueueError, *aws.ERRORS)


class Parser(argparse.ArgumentParser):
    """Refuses empty values. They come from a variable that is not set, and would not mean the same
    as leaving the option out.
    """

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings)
        self.register("type", None, _not_empty)

    def error(self, message: str) -> NoReturn:
        """End with a message; of names that are given, with the one that was perhaps meant."""
        if found := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            near = difflib.get_close_matches(found[1], re.findall(r"[\w-]+", found[2]), n=1)
            message += f"; did you mean {near[0]}?" if near else ""
        super().error(message)

    def add_subparsers(self, **settings: Any) -> Any:
        """Commands, each with a parser of this kind."""
        commands = super().add_subparsers(**settings)
        commands.type = str  # it gets all that follows the command, too
        return commands


def parser(description: str, *, epilog: str = "") -> Parser:
    """A parser with the options that all commands take."""
    made = Parser(description=description, epilog=epilog)
    add_stage(made)
    return made


def add_stage(parser: argparse.ArgumentParser, default: str = "dev") -> None:
    """The option that names the stage to work on."""
    parser.add_argument(
        "--stage", type=_stage, default=default, help="the stage to work on (default: dev)"
    )


def say(message: str, style: str = "") -> None:
    """Tell a person what is happening."""
    progress.print(visible(message), style=style)


def warn(message: str) -> None:
    """Tell a person of something to look into."""
    say(message, "yellow")


def out(line: str) -> None:
    """Print a result, which another program may read."""
    print(visible(line), flush=True)


def confirm(question: str, answer: str) -> None:
    """Ask on a terminal, and continue only with that answer; for ``yes``, ``y`` will do. Raises
    Failure.
    """
    if not sys.stdin.isatty():
        raise Failure("Not a terminal, so nobody can confirm: pass --yes. Nothing was changed.")
    given = input(f"{visible(question)} ").strip()
    agreed = given.lower() in ("y", "yes") if answer == "yes" else given == answer
    if not agreed:
        raise Failure("Nothing was changed.")


def run(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status; no traceback reaches its user."""
    try:
        _check_endpoints()
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        say("\nInterrupted.", "yellow")
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        status = _reader_left()
    except EXPECTED as error:
        status = _failed(sentence(error))
    sys.exit(status)


def sentence(error: Exception) -> str:
    """What went wrong, for an error of EXPECTED, and what to do."""
    match error:
        case SettingsError():
            return f"The stage's environment_variables in .chalice/config.json: {error}."
        case TableError():
            return f"The stage's table did not answer as it should: {error}."
        case QueueError():
            return f"The stage's queue did not answer as it should: {error}."
        case Failure():
            return str(error)
    return _aws(error)


def _reader_left() -> int:
    """``head`` and the like have read enough. Python would complain when it closes stdout."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_FAILED


def _failed(message: str) -> int:
    say(f"Error: {message}", "red")
    return EXIT_FAILED


def _not_empty(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty value; is a variable not set?")
    return text


def _stage(text: str) -> str:
    if not text.strip():
        from ops.stage.config import known_stages

        stages = known_stages()
        raise Failure(
            f"Which stage? .chalice/config.json has: {', '.join(stages)}. "
            f"Say for example: make deploy STAGE={stages[0]}, or --stage {stages[0]}."
        )
    return text


def seconds(text: str) -> float:
    """An option's type: 1 to 3600 seconds, or a part of one."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r}: give seconds, more than 0 and up to 3600")
    return value


def file(text: str) -> Path:
    """An option's type: the name of a file."""
    return Path(_not_empty(text))


def mail(text: str) -> str:
    """An option's type: a mail address."""
    if not _MAIL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a mail address")
    return text


def address(text: str) -> str:
    """An option's type: an http or https address, without a slash at its end."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r}: an address begins with https:// or http://")
    return text.rstrip("/")


def _check_endpoints() -> None:
    for name, value in os.environ.items():
        named = name.startswith("AWS_ENDPOINT_URL") and value
        if named and not value.startswith(("http://", "https://")):
            raise Failure(f"{name}={value}: an address begins with http:// or https://.")


def _aws(error: Exception) -> str:
    match error:
        case botocore.exceptions.NoRegionError():
            return "No AWS region is set: export AWS_DEFAULT_REGION, or set one in ~/.aws/config."
        case botocore.exceptions.NoCredentialsError():
            return "No AWS credentials were found: run aws configure, or export AWS_PROFILE."
        case botocore.exceptions.ProfileNotFound():
            return f"{error}: look at AWS_PROFILE and ~/.aws/config."
        case botocore.exceptions.EndpointConnectionError():
            return f"AWS can't be reached: {error} Look at the region and AWS_ENDPOINT_URL."
        case botocore.exceptions.ClientError():
            answer = error.response.get("Error", {})
            what = f"{answer.get('Code', 'Unknown')}: {answer.get('Message', '')}"
            return f"AWS refused {error.operation_name}: {what}"
        case _ if aws.is_no_answer(error):
            return "The answer is not from AWS: look at HTTPS_PROXY and AWS_ENDPOINT_URL."
    return f"The AWS SDK failed: {error}"
