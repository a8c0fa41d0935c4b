"""Sends alerts to chat channels and pagers, by Apprise. Nothing else imports it.

What an event holds is text there, too: it pings nobody, and is no link that says one thing and
leads to another. Apprise sends it to most services as text; for the others it is escaped
here.
"""

import html
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from io import BytesIO
from typing import Any, Literal

import requests
from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from apprise.plugins import opsgenie
from urllib3.exceptions import HTTPError

from chalicelib import times
from chalicelib.records.delivery import Delivery
from chalicelib.text import shortened
from chalicelib.workers import Late, Workers

# Apprise logs addresses that it can't read, and these are secrets.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False

# Without pictures, which would be loaded from another server; and what is sent to one server is
# not sent on to another.
_ASSET = AppriseAsset(
    app_id="marathon-events", image_url_mask="", image_url_logo="", http_redirects=False
)

# They are for the machine on which they run.
_OF_THIS_MACHINE = frozenset(("syslog", "dbus", "kde", "qt", "glib", "gnome", "macosx", "windows"))

# They show Markdown, though Apprise says that they show text.
_MARKDOWN_IN_TEXT = frozenset(("Discord", "Mattermost", "Zulip"))

# Apprise's names of what makes a pager know an incident again.
_KEYS = ("dedup", "alias", "entity_id")

_MARKUP = re.compile(r"([\\`*_~|<>\[\]#]|&(?=#?\w+;))")
_ADDRESS = re.compile(r"(https?://[^\s<>\[\]()|`*\\]+)")
# Not in a mail address nor after an image's name; these words ping wherever they stand.
_MENTION = re.compile(r"(?<![\w/.:-])@(?=\S)|@(?=(?:everyone|here|channel|all)\b)", re.IGNORECASE)
_TITLE_CHARACTERS = 140
_CUT = "\n…\n"

# Lambda gives it a minute for all that it does.
_READ_SECONDS = 10.0
_SECONDS = 40.0
_MOST_BYTES = 100_000
_BUSY = (408, 425, 429)
_MOST_SECONDS = 3_600

_workers = Workers(1)

Outcome = Literal["sent", "again", "never"]


class NoAddress(Exception):
    """An address that Apprise can't read, or that names no place, or several."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of sending. ``again``: it may be taken later, after ``seconds`` where the service
    named a time; ``never``: it will not. ``reason``: for operators; it never holds the address.
    """

    outcome: Outcome
    reason: str = ""
    seconds: int = 0


class Address:
    """An address in Apprise's form, or a service's own. Raises NoAddress."""

    def __init__(self, text: str) -> None:
        made: Any = Apprise.instantiate(text, asset=_ASSET)
        if made is None:
            raise NoAddress("no service that is known has such an address")
        if made.schemas().intersection(_OF_THIS_MACHINE):
            raise NoAddress("that service is for one machine alone")
        if len(made) != 1:
            raise NoAddress("it names no place, or several; give each of its own")
        self._plugin = made
        self._plugin.socket_read_timeout = _READ_SECONDS
        # A queue waits at no cost, and not for as long as a service may say.
        self._plugin.throttle = lambda *_, **__: None

    @property
    def service(self) -> str:
        """The service's name, for people."""
        return str(self._plugin.service_name)

    def send(self, each: Delivery, stage: str) -> Answer:
        """Send an alert; to a pager once for each incident that it is about."""
        if not any(hasattr(self._plugin, name) for name in _KEYS):
            return self._send(each, "", _SECONDS)
        end = time.monotonic() + _SECONDS
        answer = Answer("sent")
        for key in each.keys(stage):
            left = end - time.monotonic()
            one = self._send(each, key, left) if left > 0 else Answer("again", "too little time")
            if one.outcome == "again":
                return one
            answer = one if answer.outcome == "sent" else answer
        return answer

    def _send(self, each: Delivery, key: str, seconds: float) -> Answer:
        with _noted() as answers:
            try:
                sent = _workers.run(partial(self._give, each, key), seconds)
            except Late:  # its answer may never end, but its status came
                sent = bool(answers) and answers[-1].status < 300
            except Exception as error:  # its text may hold the address
                return Answer("again", type(error).__name__)
        return Answer("sent") if sent else _answer(answers)

    def _give(self, each: Delivery, key: str) -> bool:
        title, text, form = self._written(each)
        self._set_key(each, key)
        if self.service == "Opsgenie" and each.is_over:
            return self._close_at_opsgenie(text, key)
        return bool(
            self._plugin.notify(body=text, title=title, notify_type=_kind(each), body_format=form)
        )

    def _written(self, each: Delivery) -> tuple[str, str, NotifyFormat]:
        """Title and text as the service wants them."""
        plugin = self._plugin
        if self.service == "Pager Duty":  # one line; the text is beside it
            plugin.details["text"] = each.text
            return "", shortened(each.title, 1_000), NotifyFormat.TEXT
        title = _MENTION.sub("@\u200b", shortened(each.signed_title, _TITLE_CHARACTERS))
        text = _fitting(_MENTION.sub("@\u200b", each.text), plugin.body_maxlen - 2 * len(title))
        formats = plugin.notify_format
        formats = formats if isinstance(formats, tuple) else (formats,)
        if formats == (NotifyFormat.MARKDOWN,):
            return _escaped(title), _escaped(text), NotifyFormat.MARKDOWN
        if self.service in _MARKDOWN_IN_TEXT:
            return _escaped(title), _escaped(text), NotifyFormat.TEXT
        if formats[0] == NotifyFormat.HTML:
            return html.escape(title), html.escape(text).replace("\n", "<br>"), NotifyFormat.HTML
        return title, text, NotifyFormat.TEXT

    def _set_key(self, each: Delivery, key: str) -> None:
        plugin = self._plugin
        for name in _KEYS:
            if hasattr(plugin, name):
                setattr(plugin, name, key)
                if hasattr(plugin, "action"):
                    plugin.action = "map"
        if self.service == "Pager Duty":
            plugin.source, plugin.component = each.cluster, each.subject
            plugin.click = each.link or None

    def _close_at_opsgenie(self, text: str, key: str) -> bool:
        """Apprise closes only what it opened itself, in the same container."""
        plugin = self._plugin
        url = f"{opsgenie.OPSGENIE_API_LOOKUP[plugin.region_name]}/{key}/close"
        fetch: Any = getattr(plugin, "_fetch")  # noqa: B009
        sent, _ = fetch(requests.post, url, {"note": text}, {"identifierType": "alias"})
        return bool(sent)


def _kind(each: Delivery) -> NotifyType:
    if each.is_over:
        return NotifyType.SUCCESS
    return NotifyType.FAILURE if each.severity == "error" else NotifyType.WARNING


def _escaped(text: str) -> str:
    """The text as Markdown that shows it as it is. Addresses stay, so that they can be followed."""
    parts = _ADDRESS.split(text)
    return "".join(
        part if n % 2 else _MARKUP.sub(r"\\\1", part).replace("\n", "  \n")
        for n, part in enumerate(parts)
    )


def _fitting(text: str, limit: int) -> str:
    """A text that is too long loses its middle: what happened stands at its beginning."""
    if len(text) <= limit:
        return text
    end = limit // 3
    return f"{text[: limit - end - len(_CUT)]}{_CUT}{text[-end:]}"


@dataclass(slots=True)
class _Noted:
    status: int
    after: str


@contextmanager
def _noted() -> Iterator[list[_Noted]]:
    """What is answered to the requests that are made meanwhile. Apprise itself says only whether
    a message was taken.
    """
    answers: list[_Noted] = []
    send: Any = requests.Session.send

    def noting(session: requests.Session, *args: Any, **kwargs: Any) -> Any:
        response = send(session, *args, **kwargs | {"stream": True})
        answers.append(_Noted(response.status_code, response.headers.get("Retry-After", "")))
        part = b""  # of what else it says
        with response, suppress(HTTPError, OSError):
            part = response.raw.read(_MOST_BYTES, decode_content=True)
        response.raw = BytesIO(part)
        return response

    requests.Session.send = noting  # type: ignore[method-assign,assignment]
    try:
        yield answers
    finally:
        requests.Session.send = send  # type: ignore[method-assign]


def _answer(answers: list[_Noted]) -> Answer:
    """What a refusal means: the last answer is that to the message."""
    if not answers:
        return Answer("again", "no answer")
    last = answers[-1]
    if last.status in _BUSY or last.status >= 500:
        return Answer("again", f"status {last.status}", _seconds(last.after))
    if last.status >= 400:
        return Answer("never", f"status {last.status}")
    if last.status >= 300:
        return Answer("never", f"status {last.status}: it redirects to another address")
    return Answer("never", "it answered, but did not take the message")


def _seconds(after: str) -> int:
    """What ``Retry-After`` says: seconds, or a date; 0 if nothing that can be read."""
    try:
        if after.strip().isdecimal():
            return min(int(after), _MOST_SECONDS)
        wanted = (parsedate_to_datetime(after) - times.now()).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0
    return max(0, min(int(wanted), _MOST_SECONDS))
