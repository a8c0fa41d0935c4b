"""Marathon's REST API, as far as a listener needs it. Versions 0.5 – 1.4 have subscriptions.

Errors say what happened and carry the parts; what a user can do about it, the caller knows.

    MarathonError
    ├── BadAddress        what was given is no address of a Marathon
    ├── Unreachable       nobody answered, or not in time, or the connection broke
    │   └── Untrusted     its certificate is not trusted here
    ├── NotMarathon       what answered is no Marathon that tells of itself
    ├── LoginRefused      401 or 403
    ├── CallbacksOff      subscriptions exist in this version, but are not switched on
    ├── NoSubscriptions   this version has none (before 0.5, and from 1.5.0 on)
    ├── BadCallback       Marathon says that the callback URL is malformed
    └── Refused           any other answer than the one asked for
"""

import json
import queue
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx

_SUBSCRIPTIONS = "/v2/eventSubscriptions"
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 20.0  # for the whole answer, however slowly it comes
_ANSWER_BYTES = 4 * 1024 * 1024

_T = TypeVar("_T")


class MarathonError(Exception):
    """Marathon did not do what it was asked. ``url``: the address that was asked."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(message)
        self.url = url


class BadAddress(MarathonError):
    """What was given is no address of a Marathon."""


class LoginInAddress(BadAddress):
    """The address holds a login, which would be shown and logged with it."""


class Unreachable(MarathonError):
    """Nobody answered, or not in time, or the connection broke."""


class Untrusted(Unreachable):
    """The certificate is not trusted here."""


class NotMarathon(MarathonError):
    """What answered is no Marathon that tells of itself. ``status``: of its answer."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, f"no Marathon that tells of itself (GET /v2/info: status {status})")
        self.status = status


class LoginRefused(MarathonError):
    """Marathon wants another login. ``status``: 401 or 403."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(url, f"the login was refused (status {status})")
        self.status = status


class CallbacksOff(MarathonError):
    """Marathon could call back, but was started without ``--event_subscriber http_callback``."""


class NoSubscriptions(MarathonError):
    """This version has no event subscriptions."""


class BadCallback(MarathonError):
    """Marathon says that the callback URL is malformed (422, from 1.3.0 on)."""


class Refused(MarathonError):
    """Another answer than the one asked for."""


@dataclass(frozen=True)
class Login:
    """How to log in: a user and password (HTTP Basic), or a token (DC/OS), or not at all."""

    user: str = ""
    password: str = ""
    token: str = ""


@dataclass(frozen=True)
class Info:
    """What ``/v2/info`` says. ``callbacks``: whether they are on; None where it does not tell
    (0.7.0 and earlier, 1.5.0 and later).
    """

    name: str
    version: str
    framework_id: str
    callbacks: bool | None

    @property
    def removed_callbacks(self) -> bool:
        """Whether this version has none any more (1.5.0+)."""
        numbers = self.version.split(".")
        if len(numbers) < 2 or not all(_small_number(each) for each in numbers[:2]):
            return False
        return (int(numbers[0]), int(numbers[1])) >= (1, 5)


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        """The body's value, or None where it is no JSON that Python reads."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Marathon:
    """One Marathon. ``answer_seconds``: for the whole of an answer. Every method raises
    MarathonError.
    """

    def __init__(
        self,
        url: str,
        login: Login | None = None,
        ca: str | None = None,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        self.url = checked_address(url)
        self._seconds = answer_seconds
        login = login or Login()
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if login.token and not login.user:
            # DC/OS wants this form, not Bearer.
            headers["Authorization"] = f"token={login.token}"
        self._client = httpx.Client(
            auth=(login.user, login.password) if login.user else None,
            headers=headers,
            timeout=httpx.Timeout(answer_seconds, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_keepalive_connections=0),  # calls are few and far between
            verify=ssl.create_default_context(cafile=ca) if ca else True,
            trust_env=not ca,
        )

    def info(self) -> Info:
        """Who this Marathon is. One that has no ``/v2/info`` yet is of no known version."""
        answer = self._call("GET", "/v2/info")
        if answer.status == 404:
            return Info(name="", version="", framework_id="", callbacks=None)
        told = answer.json()
        if answer.status != 200 or not isinstance(told, dict) or "version" not in told:
            raise NotMarathon(self.url, answer.status)
        subscriber = told.get("event_subscriber")
        callbacks = subscriber is not None if "event_subscriber" in told else None
        return Info(
            name=_shown(told.get("name")),
            version=_shown(told["version"]),
            framework_id=_shown(told.get("frameworkId")),
            callbacks=callbacks,
        )

    def subscriptions(self) -> list[str]:
        """The callback URLs that are subscribed."""
        urls = self._subscriptions("GET").get("callbackUrls")
        return [url for url in urls if isinstance(url, str)] if isinstance(urls, list) else []

    def subscribe(self, url: str) -> str:
        """Subscribe a URL; the timestamp of the ``subscribe_event`` that Marathon sends of it."""
        return str(self._subscriptions("POST", url).get("timestamp", ""))

    def unsubscribe(self, url: str) -> str:
        """Unsubscribe a URL; the timestamp of the ``unsubscribe_event``."""
        return str(self._subscriptions("DELETE", url).get("timestamp", ""))

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
        told = answer.json()
        return told if isinstance(told, dict) else {}

    def _call(self, method: str, path: str) -> _Answer:
        try:
            answer = _within(self._seconds, lambda: self._exchange(method, path))
        except httpx.TimeoutException as error:
            raise Unreachable(self.url, "no answer in time") from error
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        if answer.status in (401, 403):
            raise LoginRefused(self.url, answer.status)
        return answer

    def _exchange(self, method: str, path: str) -> _Answer:
        body = bytearray()
        # Marathon takes no other content type here, and a URL with a token must not be followed
        # to somewhere else.
        with self._client.stream(
            method,
            self.url + path,
            headers={"Content-Type": "application/json"} if method != "GET" else {},
            follow_redirects=method == "GET",
        ) as answer:
            for piece in answer.iter_raw():
                body += piece
                if len(body) > _ANSWER_BYTES:
                    raise Refused(self.url, f"its answer is larger than {_ANSWER_BYTES:,} bytes")
            return _Answer(answer.status_code, bytes(body))


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
    """What the work returns or raises; TimeoutException when it takes longer. A timeout of the
    client is one for each read, so an answer that comes a byte at a time would never end.
    """
    done: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except BaseException as error:  # it is raised again where the caller waits
            done.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    deadline = time.monotonic() + seconds
    try:
        result, error = done.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise httpx.ReadTimeout("no answer in time") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only if the work returns it


def _unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(url, "its certificate is not trusted here")
        if isinstance(cause, ssl.SSLError):
            return Unreachable(url, "it speaks no TLS that is understood here")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(url, "connection failed")


def _shown(value: object) -> str:
    """A word of Marathon's on one line, each character of which can be seen."""
    text = str(value or "")[:200]
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _small_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 6


def _without_login(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
