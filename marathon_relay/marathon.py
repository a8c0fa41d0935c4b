"""Marathon's REST API, as far as a listener needs it. Versions 0.5 – 1.4 have subscriptions.

Errors say what is wrong and what to do about it.
"""

import base64
import json
import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

import httpx

from marathon_relay.elements import NotAList, elements
from marathon_relay.trust import trust

_SUBSCRIPTIONS = "/v2/eventSubscriptions"
_QUEUE = "/v2/queue"
_MOST_QUEUED = 5000
_METERS = ".HttpEventActor."
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 20.0  # for the whole answer, however slowly it comes
_ANSWER_BYTES = 8 * 1024 * 1024
NO_LEADER = (502, 503, 504)

_T = TypeVar("_T")


class MarathonError(Exception):
    """A request to Marathon failed. ``url``: the address that was asked; ``status``: its answer's,
    where it matters.
    """

    _problem = "Marathon at {url}: {error}."
    remedy = "Read Marathon's log; try again in a while."

    def __init__(self, url: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.url = url
        self.status = status

    @property
    def problem(self) -> str:
        """What is wrong, as a sentence for a person; ``remedy`` says what to do about it."""
        return self._problem.format(url=self.url, error=self, status=self.status)

    @property
    def advice(self) -> str:
        """What is wrong, and what to do about it."""
        return f"{self.problem} {self.remedy}"


class BadAddress(MarathonError):
    """What was given is no address of a Marathon."""

    _problem = "{url!r} is not a Marathon's address."
    remedy = "An address looks like http://marathon.example.net:8080."


class LoginInAddress(BadAddress):
    """The address contains a login, which would be shown and logged with the address."""

    _problem = "The address of Marathon contains a login."
    remedy = (
        "Give the login by --user (or MARATHON_USER) and MARATHON_PASSWORD, not in the address."
    )


class Unreachable(MarathonError):
    """Nobody answered, or not in time, or the connection broke."""

    _problem = "No Marathon answers at {url} ({error})."
    remedy = "Check the address, the port and the firewall."


class Untrusted(Unreachable):
    """The certificate is not trusted here."""

    _problem = "The certificate of {url} is not trusted here."
    remedy = "Name the file with its CA certificate: --ca, or RELAY_CA for a relay."


class NotMarathon(MarathonError):
    """The server that answered is not a Marathon. ``status``: its answer's status."""

    _problem = "What answers at {url} is not a Marathon (GET /v2/info: status {status})."
    remedy = (
        "Check the address: host and port alone, without the path of a page. For a Marathon before "
        "0.5, use register.py --print-endpoint --cluster NAME."
    )

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, f"this is not a Marathon (GET /v2/info: status {status})", status)


class NoLeader(MarathonError):
    """A standby answered that it knows no leader (503; from 1.7.149 on 502)."""

    remedy = "Check its ZooKeeper, and read the logs of all Marathons of the cluster."

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, f"it knows no leader (status {status})", status)


class NoStream(MarathonError):
    """This version has no event stream: it came with 0.9."""

    _problem = "Marathon at {url} has no event stream (it came with 0.9)."
    remedy = "Use register.py instead."


class NoQueue(MarathonError):
    """This version has no queue, or something in front of it hides it."""

    _problem = "Marathon at {url} shows no queue (status 404)."
    remedy = (
        "The queue came with 0.7. If a proxy hides it, let GET /v2/queue pass; or let the relay "
        "not ask: RELAY_QUEUE_SECONDS=0."
    )


class Elsewhere(MarathonError):
    """A redirect to a host that is not of the cluster. ``target``: its scheme, host and port."""

    remedy = "If it is, name it in RELAY_MARATHON too."

    def __init__(self, url: str, target: str) -> None:
        super().__init__(url, f"it redirects to {target}, which is not known as one of the cluster")
        self.target = target


class LoginRefused(MarathonError):
    """Marathon wants another login. ``status``: 401 or 403."""

    _problem = "Marathon at {url} refused the login (status {status})."
    remedy = (
        "Give --user (or MARATHON_USER) with MARATHON_PASSWORD, or MARATHON_TOKEN (or its file); "
        "from 1.3.0 on the login needs the right to view events."
    )

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, f"the login was refused (status {status})", status)


class CallbacksOff(MarathonError):
    """Marathon could call back, but was started without ``--event_subscriber http_callback``."""

    _problem = "Marathon at {url} has no callbacks enabled."
    remedy = (
        "Restart every Marathon of the cluster with --event_subscriber http_callback, then run "
        "this again. Or restart it with our address, which then needs no subscription: "
        "register.py --print-endpoint prints the options for that (--event_subscriber "
        "http_callback --http_endpoints '<api>/callback?token=<token>')."
    )


class NoSubscriptions(MarathonError):
    """This version has no event subscriptions."""

    _problem = (
        "Marathon at {url} has no event subscriptions: versions before 0.5 and from "
        "1.5.0 on have none."
    )
    remedy = (
        "Before 0.5, use register.py --print-endpoint --cluster NAME; from 1.5.0 on, a relay: "
        "register.py --relay-env FILE."
    )


class BadCallback(MarathonError):
    """Marathon says that the callback URL is malformed (422, from 1.3.0 on)."""

    _problem = "Marathon at {url} says that the callback URL is malformed."
    remedy = "Check --url."


class Refused(MarathonError):
    """An answer other than the expected one."""


@dataclass(frozen=True)
class Login:
    """How to log in: a user and password (HTTP Basic), or a token (DC/OS), or not at all.
    ``token_file``: where the token is, if it is renewed from time to time.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None

    @property
    def header(self) -> dict[str, str]:
        """The header that logs in; none without a login. A token's file is read each time, since
        DC/OS's tokens last for days, and something else renews them.
        """
        if self.user:
            pair = f"{self.user}:{self.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        token = self._token_now()
        # DC/OS wants this form, not Bearer.
        return {"Authorization": f"token={token}"} if token else {}

    def _token_now(self) -> str:
        if self.token_file is None:
            return self.token
        try:
            return self.token_file.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""  # Marathon then refuses the login, and the error says so


@dataclass(frozen=True)
class Info:
    """What ``/v2/info`` says. ``callbacks``: whether they are on; None if it does not say (0.7.0
    and earlier, 1.5.0 and later).
    """

    name: str
    version: str
    framework_id: str
    callbacks: bool | None

    @property
    def removed_callbacks(self) -> bool:
        """Whether this version no longer has callbacks (1.5.0+)."""
        return self.numbers >= (1, 5)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The version's numbers, such as (1, 6, 322); empty if they are not known."""
        numbers = self.version.partition("-")[0].split(".")[:3]
        known = len(numbers) >= 2 and all(_small_number(each) for each in numbers)
        return tuple(int(each) for each in numbers) if known else ()


@dataclass(frozen=True)
class _Answer:
    """``body``: what was read of it, for a status of 200; else its bytes."""

    status: int
    body: Any
    leader: str = ""

    def json(self) -> Any:
        """The body's value, or None where it is no JSON that Python reads."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


_Read = Callable[[Iterator[bytes]], Any]


class Marathon:
    """One Marathon: a leader and its standbys. Every method raises MarathonError.

    ``url``: an address, or several of the same cluster, separated by commas or as a list. The first
    one that answers is used, and ``url`` names it from then on. ``ca``: the file with the CA
    certificate. ``certificate``: the files of a client certificate and of its key. The key may be
    in the first file. ``answer_seconds``: the limit for a whole answer.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        login: Login | None = None,
        ca: str | None = None,
        answer_seconds: float = _ANSWER_SECONDS,
        certificate: tuple[str, str | None] | None = None,
    ) -> None:
        named = url.split(",") if isinstance(url, str) else url
        self.urls = [checked_address(each.strip()) for each in named]
        self.url = self.urls[0]
        self.login = login or Login()
        self._seconds = answer_seconds
        # What the last answer said in X-Marathon-Leader (0.9.0+): http(s)://host:port.
        self.named_leader = ""
        self._trust = trust(ca, certificate)
        self._client = self.client(httpx.Timeout(answer_seconds, connect=_CONNECT_SECONDS))

    def client(self, timeout: httpx.Timeout) -> httpx.Client:
        """An HTTP client that trusts this Marathon, and that uses the proxies of the environment.
        Compressed answers are not asked for: they could not be bounded before they are decoded.
        """
        return httpx.Client(
            headers={"Accept-Encoding": "identity"},
            timeout=timeout,
            limits=httpx.Limits(max_keepalive_connections=0),  # calls are few and far between
            verify=self._trust,
        )

    def turn(self) -> None:
        """Ask the next of the addresses first, from now on."""
        self.url = self.urls[(self.urls.index(self.url) + 1) % len(self.urls)]

    def info(self) -> Info:
        """Who this Marathon is. If it is too old to have ``/v2/info``, its version is not known."""
        answer = self._call("GET", "/v2/info")
        if answer.status == 404 and (not answer.body or self._has_apps()):
            return Info(name="", version="", framework_id="", callbacks=None)
        parsed = answer.json()
        if answer.status in NO_LEADER:
            raise NoLeader(self.url, answer.status)
        if answer.status != 200 or not isinstance(parsed, dict) or "version" not in parsed:
            raise NotMarathon(self.url, answer.status)
        subscriber = parsed.get("event_subscriber")
        callbacks = subscriber is not None if "event_subscriber" in parsed else None
        return Info(
            name=_shown(parsed.get("name")),
            version=_shown(parsed["version"]),
            framework_id=_shown(parsed.get("frameworkId")),
            callbacks=callbacks,
        )

    def subscriptions(self) -> list[str]:
        """The callback URLs that are subscribed."""
        urls = self._subscriptions("GET").get("callbackUrls")
        return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []

    def subscribe(self, url: str) -> str:
        """Subscribe a URL. Returns the timestamp of the ``subscribe_event`` that Marathon then
        sends.
        """
        return str(self._subscriptions("POST", url).get("timestamp", ""))

    def unsubscribe(self, url: str) -> str:
        """Unsubscribe a URL. Returns the timestamp of the ``unsubscribe_event``."""
        return str(self._subscriptions("DELETE", url).get("timestamp", ""))

    def leader(self) -> str:
        """The leader as ``host:port``; empty when there is none."""
        parsed = self._get("/v2/leader", absent={})
        return _shown(parsed.get("leader")) if isinstance(parsed, dict) else ""

    def deployments(self) -> list[dict[str, Any]]:
        """The deployments that are running, as Marathon shows them (0.7.0+)."""
        return _objects(self._get("/v2/deployments", absent=[]))

    def apps(self) -> list[dict[str, Any]]:
        """All apps, each with its ``lastTaskFailure`` if it had one (0.7.6+). Pods are not
        included.
        """
        parsed = self._get("/v2/apps?embed=apps.lastTaskFailure", absent={})
        return _objects(parsed.get("apps") if isinstance(parsed, dict) else None)

    def knows(self, path: str) -> bool:
        """Whether there is an app or pod of that path."""
        kinds = ("apps", "pods")
        found = (self._get(f"/v2/{kind}/{quote(path.strip('/'))}", None) for kind in kinds)
        return any(each is not None for each in found)

    def queue(self, keep: Callable[[dict[str, Any]], _T | None]) -> list[_T]:
        """What waits to be launched (0.7.0+): what ``keep`` makes of each element of
        ``/v2/queue``, but None; at most 5,000. The answer holds whole definitions and may be large,
        so only one element at a time is in memory.
        """

        def read(pieces: Iterator[bytes]) -> list[_T]:
            objects = (each for each in elements(pieces, "queue") if isinstance(each, dict))
            found = (kept for each in objects if (kept := keep(each)) is not None)
            return list(islice(found, _MOST_QUEUED))

        answer = self._call("GET", _QUEUE, read)
        if answer.status == 404:
            raise NoQueue(self.url, "it has no queue")
        return cast("list[_T]", self._checked(answer, _QUEUE).body)

    def versions(self, app: str) -> list[str]:
        """The times at which the versions of an app were made, as Marathon writes them."""
        parsed = self._get(f"/v2/apps/{quote(app.strip('/'))}/versions", absent={})
        found = parsed.get("versions") if isinstance(parsed, dict) else None
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def callback_meters(self) -> dict[str, int]:
        """What Marathon has counted of its callbacks since it became the leader (0.13.1, 0.14.1 –
        1.4.13): ``events``, ``skipped-callbacks``, ``failed-callbacks``. Empty if it does not say.
        """
        try:
            parsed = self._get("/metrics", absent={})
        except MarathonError:
            return {}
        meters = parsed.get("meters") if isinstance(parsed, dict) else None
        if not isinstance(meters, dict):
            return {}
        return {
            name.rpartition(".")[2]: meter["count"]
            for name, meter in meters.items()
            if _METERS in name and isinstance(meter, dict) and isinstance(meter.get("count"), int)
        }

    def _has_apps(self) -> bool:
        """Whether apps are listed here: a Marathon that is too old to describe itself has them, and
        a web server that answers with a page has not.
        """
        found = (self._call("GET", path) for path in ("/v2/apps", "/v1/apps"))
        return any(each.status == 200 and each.json() is not None for each in found)

    def _get(self, path: str, absent: Any) -> Any:
        """The value in the answer to a GET; ``absent`` for a 404."""
        answer = self._call("GET", path)
        return absent if answer.status == 404 else self._checked(answer, path).json()

    def _checked(self, answer: _Answer, path: str) -> _Answer:
        if answer.status in NO_LEADER:
            raise NoLeader(self.url, answer.status)
        if answer.status != 200:
            raise Refused(self.url, f"it answered status {answer.status} to GET {path}")
        return answer

    def _subscriptions(self, method: str, url: str = "") -> dict[str, Any]:
        query = f"?callbackUrl={quote(url, safe='')}" if url else ""
        answer = self._call(method, _SUBSCRIPTIONS + query)
        match answer.status:
            case 400:
                raise CallbacksOff(self.url, "no callbacks are enabled")
            case 404:
                raise NoSubscriptions(self.url, "this version has no event subscriptions")
            case 422:
                raise BadCallback(self.url, "the callback URL is malformed")
            case status if not 200 <= status < 300:
                asked = f"status {status} to {method} {_SUBSCRIPTIONS}"
                raise Refused(self.url, f"it answered {asked}")
        parsed = answer.json()
        return parsed if isinstance(parsed, dict) else {}

    def _call(self, method: str, path: str, read: _Read | None = None) -> _Answer:
        """Ask the first address that answers. If it is a standby without a leader, ask the next
        one.
        """
        for _ in self.urls[1:]:
            try:
                answer = self._ask(method, path, read)
            except Unreachable:
                self.turn()
                continue
            if answer.status not in NO_LEADER:
                return answer
            self.turn()
        return self._ask(method, path, read)

    def _ask(self, method: str, path: str, read: _Read | None) -> _Answer:
        try:
            answer = _within(self._seconds, lambda: self._exchange(method, path, read))
        except httpx.HTTPError as error:
            raise unreachable(self.url, error) from error
        except NotAList as error:
            raise Refused(self.url, f"what it answers to GET {path} is not readable") from error
        if answer.status in (401, 403):
            raise LoginRefused(self.url, answer.status)
        self.named_leader = answer.leader
        return answer

    def _exchange(self, method: str, path: str, read: _Read | None) -> _Answer:
        until = time.monotonic() + self._seconds
        # Marathon takes no other content type here. A redirect must not carry a URL with a token to
        # another host.
        headers = {"Accept": "application/json"} | self.login.header
        if method != "GET":
            headers["Content-Type"] = "application/json"
        with self._client.stream(
            method, self.url + path, headers=headers, follow_redirects=method == "GET"
        ) as answer:
            pieces = _in_time(answer.iter_raw(), until)
            if answer.status_code != 200 or read is None:
                read = self._whole
            leader = answer.headers.get("X-Marathon-Leader", "")
            return _Answer(answer.status_code, read(pieces), leader)

    def _whole(self, pieces: Iterator[bytes]) -> bytes:
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > _ANSWER_BYTES:
                raise Refused(self.url, f"its answer is larger than {_ANSWER_BYTES:,} bytes")
        return bytes(body)


def _in_time(pieces: Iterator[bytes], until: float) -> Iterator[bytes]:
    """Nobody waits any more for what comes later."""
    for piece in pieces:
        if time.monotonic() > until:
            raise httpx.ReadTimeout("no answer in time")
        yield piece


def checked_address(url: str) -> str:
    """The address of a Marathon, without a slash at its end. Raises BadAddress."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and (parts.port or 1) > 0 and bool(httpx.URL(url).host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise BadAddress(_without_login(url), "not an address of a Marathon")
    if parts.username or parts.password:
        raise LoginInAddress(_without_login(url), "the address holds a login")
    return url.rstrip("/")


def _within(seconds: float, work: Callable[[], _T]) -> _T:
    """Returns or raises what the work does; raises TimeoutException if it takes longer. The
    client's own timeout applies to each single read, so an answer that comes one byte at a time
    would never end.
    """
    done: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # it is raised again where the caller waits
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = done.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise httpx.ReadTimeout("no answer in time") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only if the work returns it


def unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    """Our error for an error of the HTTP client."""
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(url, "no answer in time")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(url, "its certificate is not trusted here")
        if isinstance(cause, ssl.SSLError):
            return Unreachable(url, "it speaks no TLS that is understood here")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(url, "connection failed")


def _shown(value: object) -> str:
    """A text from Marathon on one line, with visible characters only."""
    text = str(value or "")[:200]
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _small_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 6


def _without_login(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
