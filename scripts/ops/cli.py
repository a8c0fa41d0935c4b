"""What every command does alike: errors in plain sentences, exit statuses, Ctrl-C."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

import botocore.exceptions
import botocore.parsers
import requests
from rich.console import Console

from chalicelib.services import aws
from chalicelib.services.table import TableError
from chalicelib.settings import SettingsError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

errors = Console(stderr=True, highlight=False, soft_wrap=True)
progress = errors


class Failure(Exception):
    """Something went wrong that the user can act on; the message says what, with what, and what
    to do.
    """


def parser(description: str, *, epilog: str = "") -> argparse.ArgumentParser:
    """A parser with the options that all commands take."""
    made = argparse.ArgumentParser(
        description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--stage", default="dev", help="the stage to work on (default: dev)")
    return made


def run(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its status; no traceback reaches its user."""
    try:
        status = main()
    except KeyboardInterrupt:
        errors.print("\nInterrupted.", style="yellow")
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # head and the like have read enough
        status = EXIT_FAILED
    except Failure as failure:
        status = _failed(str(failure))
    except SettingsError as error:
        status = _failed(f"The stage's environment_variables in .chalice/config.json: {error}.")
    except TableError as error:
        status = _failed(f"The stage's table did not answer as it should: {error}.")
    except aws.ERRORS as error:
        status = _failed(_aws(error))
    except requests.RequestException as error:
        status = _failed(f"The connection failed: {type(error).__name__}.")
    sys.exit(status)


def _failed(message: str) -> int:
    errors.print(f"Error: {message}", style="red", markup=False)
    return EXIT_FAILED


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
            told = error.response.get("Error", {})
            what = f"{told.get('Code', 'Unknown')}: {told.get('Message', '')}"
            return f"AWS refused {error.operation_name}: {what}"
        case botocore.parsers.ResponseParserError():
            return "What answered is no answer of AWS: look at HTTPS_PROXY and AWS_ENDPOINT_URL."
    return f"The AWS SDK failed: {error}"
