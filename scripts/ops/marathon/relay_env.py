"""The file of settings that a relay starts from."""

import os
from pathlib import Path

from ops.cli import Failure

from marathon_relay.marathon import Marathon
from marathon_relay.settings import quoted


def check_free(path: Path) -> None:
    """Raises Failure where a file can't be made."""
    if path.exists():
        raise Failure(
            f"{path} exists already, and may hold the only copy of a token. Name another file, or "
            "delete it first."
        )
    if not path.parent.is_dir():
        raise Failure(f"{path}: there is no folder {path.parent}.")


def write(path: Path, marathon: Marathon, api: str, token: str, ca: str | None) -> None:
    """Write the settings so that only the file's owner can read them: they contain the token and
    Marathon's login.
    """
    settings = {
        "RELAY_MARATHON": ",".join(marathon.urls),
        "RELAY_URL": api,
        "RELAY_TOKEN": token,
        "RELAY_CA": str(Path(ca).resolve()) if ca else "",
        "MARATHON_USER": marathon.login.user,
        "MARATHON_PASSWORD": marathon.login.password,
        "MARATHON_TOKEN": marathon.login.token,
    }
    broken = [name for name, value in settings.items() if len(value.splitlines()) > 1]
    if broken:
        raise Failure(f"{broken[0]} holds a line break, which no file of settings can hold.")
    lines = [f"{name}={quoted(value)}\n" for name, value in settings.items() if value]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure(f"{path} can't be written: {error.strerror}.") from error
    with os.fdopen(handle, "w") as file:
        file.writelines(lines)
