"""Marathon's REST API, as far as registering needs it (versions 0.5 – 1.4 have subscriptions)."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from ops.cli import Failure

import requests

_SUBSCRIPTIONS = "/v2/eventSubscriptions"
_TIMEOUT = (5, 20)  # seconds to connect, and to wait for an answer

HOW_TO_ENABLE = (
    "Start every Marathon of the cluster with --event_subscriber http_callback and run this again; "
    "or give the address at its start, --event_subscriber http_callback "
    "--http_endpoints '<api>/callback?token=<token>' (--print-endpoint prints that line)."
)


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
        if len(numbers) < 2 or not (numbers[0].isdecimal() and numbers[1].isdecimal()):
            return False
        return (int(numbers[0]), int(numbers[1])) >= (1, 5)


class Marathon:
    """One Marathon. Every method raises Failure."""

    def __init__(
        self,
        url: str,
        *,
        user: str = "",
        password: str = "",
        token: str = "",
        ca: str | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Failure(
                f"{_shown(url)!r} is not a Marathon's address; "
                "one looks like http://marathon.example.net:8080."
            )
        if parts.username or parts.password:
            raise Failure("Give the login by --user and MARATHON_PASSWORD, not in the address.")
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.verify = ca or True
        self._session.trust_env = not ca
        self._session.headers["Accept"] = "application/json"
        if user:
            self._session.auth = (user, password)
        elif token:
            # DC/OS wants this form, not Bearer.
            self._session.headers["Authorization"] = f"token={token}"

    def info(self) -> Info:
        """Who this Marathon is. One that has no ``/v2/info`` yet is of no known version."""
        answer = self._call("GET", "/v2/info")
        if answer.status_code == 404:
            return Info(name="", version="", framework_id="", callbacks=None)
        try:
            told = answer.json()
        except ValueError:
            told = None
        if answer.status_code != 200 or not isinstance(told, dict) or "version" not in told:
            raise Failure(
                f"What answers at {self.url} is no Marathon that tells of itself "
                f"(GET /v2/info: status {answer.status_code}). Look at the address; for a Marathon "
                "before 0.5, use --print-endpoint --cluster NAME."
            )
        subscriber = told.get("event_subscriber")
        callbacks = subscriber is not None if "event_subscriber" in told else None
        return Info(
            name=str(told.get("name") or ""),
            version=str(told["version"]),
            framework_id=str(told.get("frameworkId") or ""),
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
        if answer.status_code == 400:
            raise Failure(f"Marathon at {self.url} has no callbacks enabled. {HOW_TO_ENABLE}")
        if answer.status_code == 404:
            raise Failure(
                f"Marathon at {self.url} has no event subscriptions: versions before 0.5 and from "
                "1.5.0 on have none. Before 0.5, use --print-endpoint --cluster NAME."
            )
        if answer.status_code == 422:
            raise Failure("Marathon says that the callback URL is malformed; look at --url.")
        if not answer.ok:
            raise Failure(
                f"Marathon at {self.url} answered {answer.status_code} to {method} "
                f"{_SUBSCRIPTIONS}. Its log says more; try again in a while."
            )
        try:
            told = answer.json()
        except ValueError:
            told = None
        return told if isinstance(told, dict) else {}

    def _call(self, method: str, path: str) -> requests.Response:
        # Marathon takes no other content type here, and a URL with a token must not be followed
        # to somewhere else.
        try:
            answer = self._session.request(
                method,
                self.url + path,
                headers={"Content-Type": "application/json"} if method != "GET" else {},
                timeout=_TIMEOUT,
                allow_redirects=method == "GET",
            )
        except requests.exceptions.SSLError as error:
            raise Failure(
                f"{self.url} shows a certificate that is not trusted here. "
                "Give the file of its authority with --ca."
            ) from error
        except OSError as error:
            raise Failure(
                f"No Marathon answers at {self.url} ({_why(error)}). "
                "Look at the address, the port and the firewall."
            ) from error
        if answer.status_code in (401, 403):
            raise Failure(
                f"Marathon at {self.url} refused the login (status {answer.status_code}). Give "
                "--user NAME with MARATHON_PASSWORD, or MARATHON_TOKEN; from 1.3.0 on it needs the "
                "right to view events."
            )
        return answer


def _why(error: OSError) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    return "connection failed" if isinstance(error, requests.ConnectionError) else str(error)


def _shown(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
