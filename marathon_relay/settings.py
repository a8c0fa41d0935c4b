"""The relay's settings: from options, from the environment, or from a file of NAME=value lines.

An option has priority over the environment, and the environment over the file. There are no options
for secrets, since everyone on a host may see the options of its processes.
"""

import argparse
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from marathon_relay.marathon import BadAddress, Login, LoginInAddress, Marathon, checked_address

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_LEAST_SPOOL = 100_000

_EXAMPLES = """\
examples:
  relay.py --env-file relay.env
  relay.py --env-file relay.env --spool /srv/spool --listen 127.0.0.1:9110
  relay.py --env-file relay.env --marathon http://m1:8080,http://m2:8080
  relay.py --env-file relay.env --stream off   only say why nothing launches
  relay.py --env-file relay.env --send-aside   send what the API did not take

Each option can also be set by its variable, in the environment or in the file
of --env-file. An option wins over the environment, and that over the file.
Secrets have no option: set RELAY_TOKEN, MARATHON_PASSWORD and MARATHON_TOKEN.
docs/relay.md says more.
"""


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it and says what to do."""


@dataclass(frozen=True)
class Setting:
    """One setting, as used in code, help and documents. ``option``: empty if there is none."""

    name: str
    option: str
    metavar: str
    help: str
    default: str = ""
    repeatable: bool = False


SETTINGS = (
    Setting("RELAY_MARATHON", "--marathon", "URL", "Marathon; several of a cluster: URL,URL"),
    Setting("RELAY_URL", "--url", "URL", "the API that takes the events"),
    Setting("RELAY_TOKEN", "", "", "the publisher token"),
    Setting("RELAY_SPOOL", "--spool", "FOLDER", "where events wait", "relay-spool"),
    Setting("RELAY_SPOOL_LIMIT", "--spool-limit", "SIZE", "how much may wait", "1GB"),
    Setting(
        "RELAY_NAME", "--name", "NAME", "this relay, in its own events (default: the host's name)"
    ),
    Setting("RELAY_LISTEN", "--listen", "HOST:PORT", "serve /health and /metrics there"),
    Setting(
        "RELAY_ONLY",
        "--only",
        "TYPE",
        "only events of this type (repeat it for more)",
        repeatable=True,
    ),
    Setting(
        "RELAY_NOT", "--not", "TYPE", "no events of this type (repeat it for more)", repeatable=True
    ),
    Setting("RELAY_LOG", "--log", "json|text", "the form of the log", "text"),
    Setting("RELAY_STREAM", "--stream", "on|off", "read the event stream", "on"),
    Setting(
        "RELAY_QUEUE_SECONDS",
        "--queue-seconds",
        "S",
        "ask each S seconds what waits to be launched; 0: never",
        "60",
    ),
    Setting("RELAY_CA", "--ca", "FILE", "the CA certificate of Marathon"),
    Setting("RELAY_CERT", "--cert", "FILE", "our client certificate, if Marathon wants one"),
    Setting("RELAY_KEY", "--key", "FILE", "its key, if it is not in the same file"),
    Setting(
        "RELAY_DEAD_AFTER", "--dead-after", "S", "a stream is dead after S seconds of silence", "30"
    ),
    Setting("RELAY_TIMEOUT", "--timeout", "S", "how long the API may take to answer", "30"),
    Setting("RELAY_RETRY_MAX", "--retry-max", "S", "the longest wait before another try", "30"),
    Setting("MARATHON_USER", "--user", "NAME", "login at Marathon"),
    Setting("MARATHON_PASSWORD", "", "", "the password that goes with it"),
    Setting("MARATHON_TOKEN", "", "", 'a token, sent as "Authorization: token=…" (DC/OS)'),
    Setting("MARATHON_TOKEN_FILE", "--token-file", "FILE", "the file of a token that is renewed"),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """What the relay works with. Times are in seconds, ``spool_limit`` in bytes."""

    marathon: tuple[str, ...]
    url: str
    token: str = field(repr=False)
    spool: Path
    spool_limit: int
    name: str
    listen: tuple[str, int] | None
    only: frozenset[str]
    without: frozenset[str]
    json_log: bool
    stream: bool
    queue_seconds: float  # 0: never
    ca: str | None
    certificate: tuple[str, str | None] | None
    dead_after: float
    timeout: float
    retry_max: float
    login: Login
    # The file that contains a token, but that other users may read.
    open_file: Path | None = None
    # Send what lies aside, and end.
    send_aside: bool = False

    def client(self) -> Marathon:
        """A client of the Marathon."""
        return Marathon(self.marathon, self.login, self.ca, certificate=self.certificate)


def read(argv: Sequence[str] | None, environment: Mapping[str, str]) -> Settings:
    """The settings of a command line. Raises SettingsError."""
    options = vars(_parser().parse_args(argv))
    file, send_aside = options.pop("env_file"), options.pop("send_aside")
    from_file = _read_file(Path(file)) if file else {}
    from_environment = {name: environment[name] for name in _BY_NAME if name in environment}
    from_options = {name: _joined(value) for name, value in options.items() if value is not None}
    given = from_file | from_environment | from_options
    for name, value in given.items():
        if not value.strip():
            raise SettingsError(f"{_shown(name)} is empty: give it a value, or leave it out.")
    return _settings(given, _open_file(file), send_aside=send_aside)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="relay",
        description="Read Marathon's event stream, and post its events to the listener.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--env-file", metavar="FILE", help="a file of NAME=value lines (mode 600)")
    parser.add_argument(
        "--send-aside",
        action="store_true",
        help="send again the events in the spool's folder aside, which the API did not take; "
        "then end",
    )
    for setting in SETTINGS:
        if setting.option:
            default = f"; default: {setting.default}" if setting.default else ""
            parser.add_argument(
                setting.option,
                dest=setting.name,
                metavar=setting.metavar,
                action="append" if setting.repeatable else "store",
                help=f"{setting.help} ({setting.name}{default})",
            )
    return parser


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def _read_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"--env-file {path} can't be read: {why}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals:
            raise SettingsError(f"--env-file {path}, line {number}: write NAME=value.")
        if name.startswith("RELAY_") and name not in _BY_NAME:
            raise SettingsError(f"--env-file {path}, line {number}: there is no setting {name}.")
        if name in _BY_NAME:
            found[name] = _unquoted(value.strip())
    return found


def quoted(value: str) -> str:
    """A value as a file of settings holds it, so that the relay and systemd read the same."""
    plain = re.fullmatch(r"[^\s\"'\\#;]*", value)
    return value if plain else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        return text
    return text[1:-1] if text[0] == "'" else re.sub(r'\\(["\\$`])', r"\1", text[1:-1])


def _open_file(file: str | None) -> Path | None:
    return Path(file) if file and Path(file).stat().st_mode & 0o077 else None


def _settings(given: dict[str, str], open_file: Path | None, *, send_aside: bool) -> Settings:
    missing = [name for name in ("RELAY_MARATHON", "RELAY_URL", "RELAY_TOKEN") if name not in given]
    if missing:
        raise SettingsError(
            f"Not set: {', '.join(_shown(name) for name in missing)}. "
            "register.py --marathon URL --relay-env FILE writes a file that sets them; "
            "give it with --env-file FILE."
        )

    def value(name: str) -> str:
        return given.get(name, _BY_NAME[name].default).strip()

    stream = _is_one_of("RELAY_STREAM", value("RELAY_STREAM"), "on", "off")
    queue_seconds = _seconds("RELAY_QUEUE_SECONDS", value("RELAY_QUEUE_SECONDS"), or_never=True)
    if not stream and not queue_seconds:
        raise _wrong("RELAY_STREAM", "without the stream and the queue, nothing is left to do.")
    return Settings(
        marathon=_marathons(value("RELAY_MARATHON")),
        url=_api(value("RELAY_URL")),
        token=_token(value("RELAY_TOKEN")),
        spool=Path(value("RELAY_SPOOL")),
        spool_limit=_size(value("RELAY_SPOOL_LIMIT")),
        name=value("RELAY_NAME") or socket.gethostname(),
        listen=_host_and_port(value("RELAY_LISTEN")),
        only=_types(value("RELAY_ONLY")),
        without=_types(value("RELAY_NOT")),
        json_log=_is_one_of("RELAY_LOG", value("RELAY_LOG"), "json", "text"),
        stream=stream,
        queue_seconds=queue_seconds,
        ca=_ca(value("RELAY_CA")),
        certificate=_certificate(value("RELAY_CERT"), value("RELAY_KEY")),
        dead_after=_seconds("RELAY_DEAD_AFTER", value("RELAY_DEAD_AFTER")),
        timeout=_seconds("RELAY_TIMEOUT", value("RELAY_TIMEOUT")),
        retry_max=_seconds("RELAY_RETRY_MAX", value("RELAY_RETRY_MAX")),
        login=_login(
            value("MARATHON_USER"),
            given.get("MARATHON_PASSWORD", ""),  # blanks may belong to it
            value("MARATHON_TOKEN"),
            value("MARATHON_TOKEN_FILE"),
        ),
        open_file=open_file,
        send_aside=send_aside,
    )


def _shown(name: str) -> str:
    """A setting as its user may know it: its variable and its option."""
    option = _BY_NAME[name].option
    return f"{name} ({option})" if option else name


def _wrong(name: str, what: str) -> SettingsError:
    return SettingsError(f"{_shown(name)}: {what}")


def _marathons(text: str) -> tuple[str, ...]:
    try:
        return tuple(checked_address(each.strip()) for each in text.split(","))
    except LoginInAddress as error:
        raise _wrong(
            "RELAY_MARATHON", "give the login by MARATHON_USER and MARATHON_PASSWORD instead."
        ) from error
    except BadAddress as error:
        raise _wrong(
            "RELAY_MARATHON",
            f"{error.url!r} is no address; one looks like http://marathon.example.net:8080.",
        ) from error


def _api(text: str) -> str:
    try:
        address = checked_address(text)
    except BadAddress as error:
        raise _wrong(
            "RELAY_URL", "this is no address; make deploy prints the one of the API."
        ) from error
    if urlsplit(address).query or urlsplit(address).fragment:
        raise _wrong("RELAY_URL", "give the API's address alone, without what follows ? or #.")
    return address


def _token(text: str) -> str:
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise _wrong("RELAY_TOKEN", "this is no token; register.py --relay-env makes one.")
    return text


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d{1,15})\s*([KMGT]?B?)", text.upper())
    unit = found[2] if found else ""
    size = int(found[1]) * _UNITS[unit if unit in _UNITS else f"{unit}B"] if found else 0
    if size < _LEAST_SPOOL:
        raise _wrong("RELAY_SPOOL_LIMIT", f"{text!r}: give a size such as 500MB, at least 100KB.")
    return size


def _host_and_port(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch(r"\d{1,5}", port) or int(port) > 65535:
        raise _wrong("RELAY_LISTEN", f"{text!r}: give host:port, such as 127.0.0.1:9110.")
    return host.strip("[]"), int(port)


def _types(text: str) -> frozenset[str]:
    return frozenset(each.strip() for each in text.split(",") if each.strip())


def _is_one_of(name: str, text: str, yes: str, no: str) -> bool:
    if text not in (yes, no):
        raise _wrong(name, f"{text!r}: say {yes} or {no}.")
    return text == yes


def _ca(text: str) -> str | None:
    if not text:
        return None
    _check_file("RELAY_CA", text)
    try:
        ssl.create_default_context(cafile=text)
    except OSError as error:  # ssl's errors are of this kind
        raise _wrong("RELAY_CA", f"{text} holds no certificate in PEM form.") from error
    return text


def _certificate(cert: str, key: str) -> tuple[str, str | None] | None:
    if key and not cert:
        raise _wrong("RELAY_KEY", "set RELAY_CERT too, or leave both out.")
    if not cert:
        return None
    _check_file("RELAY_CERT", cert)
    if key:
        _check_file("RELAY_KEY", key)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A key with a passphrase would wait for someone to type it.
        context.load_cert_chain(cert, key or None, password=str)
    except OSError as error:
        why = "the two files hold no certificate and its key" if key else "it holds no key for it"
        raise _wrong("RELAY_CERT", f"{cert}: {why}, without a passphrase, in PEM form.") from error
    return cert, key or None


def _check_file(name: str, path: str) -> None:
    if not Path(path).is_file():
        raise _wrong(name, f"{path}: there is no such file.")


def _seconds(name: str, text: str, *, or_never: bool = False) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not (0 < seconds <= 3600 or (or_never and seconds == 0)):
        never = ", or 0 for never" if or_never else ""
        raise _wrong(name, f"{text!r}: give seconds, more than 0 and up to 3600{never}.")
    return seconds


def _login(user: str, password: str, token: str, token_file: str) -> Login:
    if user and not password:
        raise _wrong(
            "MARATHON_USER", "the password that goes with it is to be in MARATHON_PASSWORD."
        )
    if password and not user:
        raise _wrong("MARATHON_PASSWORD", "set MARATHON_USER too, or leave both out.")
    if user and token:
        raise _wrong("MARATHON_TOKEN", "set a user and password, or a token, not both.")
    if token_file and (user or token):
        raise _wrong("MARATHON_TOKEN_FILE", "it replaces a user and a token: give one of them.")
    if token_file:
        _check_file("MARATHON_TOKEN_FILE", token_file)
    return Login(user, password, token, Path(token_file) if token_file else None)
