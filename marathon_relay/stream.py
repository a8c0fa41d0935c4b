"""Marathon's event stream, ``GET /v2/events`` (0.9.0 and later), as the relay reads it."""

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from marathon_relay.frames import Frame, Frames, TooLong
from marathon_relay.marathon import (
    NO_LEADER,
    Elsewhere,
    Info,
    LoginRefused,
    Marathon,
    NoLeader,
    NoStream,
    NotMarathon,
    Refused,
    unreachable,
)

_CONNECT_SECONDS = 5
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)

# Marathon confirms a stream with this event, so no filter may leave it out.
ATTACHED = "event_stream_attached"

# The events that were completed in one read; none for a heartbeat.
Take = Callable[[list[bytes]], None]


@dataclass(frozen=True)
class Filter:
    """Which events are wanted, by type: those in ``only`` (if any), but not in ``without``."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def wants(self, event: Frame) -> bool:
        """Whether this event is wanted. Marathon 0.9 and 0.10 name the type only inside it."""
        if not (self.only or self.without):
            return True
        type_ = event.type or _type_inside(event.data)
        return (not self.only or type_ in self.only) and type_ not in self.without


def _type_inside(data: bytes) -> str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    return str(value.get("eventType", "")) if isinstance(value, dict) else ""


def query(info: Info, wanted: Filter) -> httpx.QueryParams:
    """What to ask that Marathon for. It can filter from 1.3.7 on. Ask for light plans only if all
    listeners get the same text, which is so from 1.6.322 on. In 1.5.9 – 1.5.15 each listener gets
    its own timestamp.
    """
    asked: list[tuple[str, str]] = []
    if wanted.only and info.numbers >= (1, 3, 7):
        asked += [("event_type", type_) for type_ in sorted(wanted.only | {ATTACHED})]
    if info.numbers >= (1, 6, 322):
        asked.append(("plan-format", "light"))
    return httpx.QueryParams(tuple(asked))


class OpenStream:
    """A stream that Marathon has accepted. ``leader``: the sender, as ``host:port``."""

    def __init__(self, answer: httpx.Response, version: str, wanted: Filter) -> None:
        self._answer = answer
        self._wanted = wanted
        self.version = version
        named = answer.headers.get("X-Marathon-Leader", "")
        self.url = _origin(answer.url)
        self.leader = urlsplit(named).netloc or answer.url.netloc.decode()

    def read(self, take: Take) -> None:
        """Read until Marathon ends the stream. Raises MarathonError if the stream breaks, or gives
        no sign of life in time.

        ``take`` is called once for each piece from the network, before waiting for the next. So it
        can store together what came together. A part of a long event is no sign of life: the event
        may still be lost.
        """
        frames = Frames()
        try:
            for piece in self._answer.iter_raw():
                found = frames.feed(piece)
                events = [frame.data for frame in found if self._wanted.wants(frame)]
                if found or not piece.strip(b"\r\n"):
                    take(events)
        except TooLong as error:
            raise Refused(self.url, str(error)) from error
        except httpx.ReadTimeout as error:
            raise Silent(self.url) from error
        except httpx.HTTPError as error:
            raise unreachable(self.url, error) from error

    def cut(self) -> None:
        """End it from another thread: for the reading thread the stream then ends."""
        network = self._answer.extensions.get("network_stream")
        connection = network.get_extra_info("socket") if network else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Silent(Refused):
    """The connection gave no sign of life in time."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "it gives no sign of life, not even a heartbeat")


@contextlib.contextmanager
def opened(marathon: Marathon, wanted: Filter, dead_after: float) -> Iterator[OpenStream]:
    """A stream of the first Marathon of the cluster that offers one. Raises MarathonError.

    ``dead_after``: after so many seconds without a sign of life the stream counts as dead. Marathon
    sends a heartbeat every ten.
    """
    info = _info(marathon)
    timeout = httpx.Timeout(_CONNECT_SECONDS, read=dead_after)
    with marathon.client(timeout) as http, contextlib.ExitStack() as stack:
        url = httpx.URL(_first(marathon) + "/v2/events", params=query(info, wanted))
        for _ in range(_MOST_REDIRECTS):
            answer = stack.enter_context(_asked(http, marathon, url))
            if answer.status_code not in _REDIRECTS:
                _accepted(answer)
                yield OpenStream(answer, info.version, wanted)
                return
            url = _followed(marathon, answer)
        raise Refused(_origin(url), "it redirects without end")


def _info(marathon: Marathon) -> Info:
    """Who this Marathon is, if it says so. Whatever has an event stream will do."""
    try:
        return marathon.info()
    except NotMarathon as error:
        if error.status != 404:
            raise
        return Info(name="", version="", framework_id="", callbacks=None)


def _first(marathon: Marathon) -> str:
    """The leader if it is one of the given addresses, or else the member that answered. A standby
    proxies or redirects. Up to 0.10, what it proxies is delayed in buffers.
    """
    leader = marathon.named_leader
    if not leader:
        return marathon.url
    return next((url for url in marathon.urls if _at(url) == _at(leader)), marathon.url)


@contextlib.contextmanager
def _asked(http: httpx.Client, marathon: Marathon, url: httpx.URL) -> Iterator[httpx.Response]:
    # Marathon wants this one value, exactly.
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"} | marathon.login.header
    request = http.build_request("GET", url, headers=headers)
    try:
        answer = http.send(request, stream=True, follow_redirects=False)
    except httpx.HTTPError as error:
        raise unreachable(_origin(url), error) from error
    try:
        yield answer
    finally:
        answer.close()


def _accepted(answer: httpx.Response) -> None:
    url, status = _origin(answer.url), answer.status_code
    if status in NO_LEADER:
        raise NoLeader(url, status)
    if status in (401, 403):
        raise LoginRefused(url, status)
    if status == 404:
        raise NoStream(url, "this version has no event stream")
    if status != 200:
        raise Refused(url, f"it answered status {status} to GET /v2/events")
    if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise Refused(url, "what it answers is no event stream")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused(url, "it compresses its event stream, though that was not asked for")


def _followed(marathon: Marathon, answer: httpx.Response) -> httpx.URL:
    """The address to which a standby redirects. The login is sent there, so it must be a host of
    the cluster: one of the given addresses, or the leader that they name. An encrypted connection
    is never followed by one without encryption.
    """
    target = answer.url.join(answer.headers.get("Location", ""))
    downgraded = answer.url.scheme == "https" and target.scheme != "https"
    usable = target.scheme in ("http", "https") and not downgraded and not target.userinfo
    if not (usable and _of_cluster(marathon, answer.url, target)):
        raise Elsewhere(_origin(answer.url), _origin(target))
    return target


def _of_cluster(marathon: Marathon, asked: httpx.URL, target: httpx.URL) -> bool:
    if _at(target) in map(_at, marathon.urls):
        return True
    if target.host == asked.host and target.scheme == "https":
        return True  # a proxy in front of Marathon wants it encrypted
    leader = marathon.leader()
    return bool(leader) and _at(target) == _at(f"{target.scheme}://{leader}")


def _at(url: httpx.URL | str) -> tuple[str, int]:
    parsed = httpx.URL(url)
    return parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"
