"""The API's ``POST /events``, as the relay uses it: what it answers, and what that means."""

import json
import time
from collections.abc import Sequence

import httpx

from marathon_relay.settings import Settings
from marathon_relay.trust import trust

_ANSWER_BYTES = 1_000_000
_CONNECT_SECONDS = 5
_KINDS = frozenset({"new", "duplicate", "spilled"})
# By these codes the API itself says that it does not take so much. Other codes are not its own.
REFUSALS = frozenset({"too_large", "too_many_bytes", "too_many_lines"})
_GATEWAYS_TOO_LONG = "Request Too Long"  # API Gateway's own words


class Failed(Exception):
    """A POST failed. ``reason``: a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(Failed):
    """The API refused the token. Perhaps a person must fix this."""


class TooLarge(Failed):
    """Something on the way does not take so much at once. Less may pass."""


class NotTaken(TooLarge):
    """The API itself will never take this as it is."""


class Api:
    """The API of the settings. ``post`` raises Failed."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.url
        self._seconds = settings.timeout
        self._client = httpx.Client(
            headers={
                "Authorization": f"Bearer {settings.token}",
                "Content-Type": "application/x-ndjson",
                # An answer that is compressed could not be bounded before it is decoded.
                "Accept-Encoding": "identity",
            },
            timeout=httpx.Timeout(
                settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout)
            ),
            verify=trust(),
        )

    def post(self, bodies: Sequence[bytes]) -> int:
        """Returns how many of the events the API knew already. Raises Failed."""
        status, answer = self._exchange(b"\n".join(bodies))
        parsed = _json(answer)
        match status:
            case 200:
                return _duplicates(parsed, len(bodies))
            case 401 | 403:
                raise Refused(
                    f"the API refuses the token (status {status}). Look at RELAY_URL; or make a "
                    "new token with register.py --relay-env FILE, and start the relay with it."
                )
            case 400 | 413 if reason := _own_error(parsed):
                raise NotTaken(f"the API does not take it: {reason}")
            case 413:
                raise TooLarge(
                    f"what answers at {self._url} takes no request of {sum(map(len, bodies)):,} "
                    "bytes, and it is not the API: look at the proxies on the way."
                )
            case _ if 300 <= status < 400:
                raise Failed(f"{self._url} redirects elsewhere: look at RELAY_URL.")
            case 404 | 405:
                raise Failed(f"there is no API at {self._url}: look at RELAY_URL.")
        raise Failed(f"the API answered status {status}.")

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer, however slowly it comes."""
        answer = bytearray()
        until = time.monotonic() + self._seconds
        try:
            with self._client.stream("POST", f"{self._url}/events", content=body) as response:
                for piece in response.iter_raw():
                    answer += piece
                    if len(answer) > _ANSWER_BYTES:
                        raise Failed("what the API answered is too long to be its answer.")
                    if time.monotonic() > until:
                        raise Failed("the API did not answer in time.")
                return response.status_code, bytes(answer)
        except httpx.TimeoutException as error:
            raise Failed("the API did not answer in time.") from error
        except httpx.HTTPError as error:
            raise Failed(
                f"the API at {self._url} can't be reached ({type(error).__name__})."
            ) from error


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _duplicates(parsed: object, lines: int) -> int:
    """How many lines were known, according to the answer. Raises Failed if it is not the API's
    answer.
    """
    events = parsed.get("events") if isinstance(parsed, dict) else None
    if not isinstance(events, list) or len(events) != lines:
        raise Failed("what answered is not the API, or not in full: look at RELAY_URL.")
    kinds = [each.get("stored") if isinstance(each, dict) else None for each in events]
    if not all(isinstance(kind, str) and kind in _KINDS for kind in kinds):
        raise Failed("the API did not say of each event that it is stored.")
    return kinds.count("duplicate")


def _own_error(parsed: object) -> str:
    """The message of an error of the API's own; empty if something else has answered, such as a
    proxy on the way.
    """
    if not isinstance(parsed, dict):
        return ""
    if parsed.get("message") == _GATEWAYS_TOO_LONG:
        return _GATEWAYS_TOO_LONG
    error = parsed.get("error")
    if not isinstance(error, dict) or str(error.get("code")) not in REFUSALS:
        return ""
    message = error.get("message")
    return message[:200] if isinstance(message, str) else ""
