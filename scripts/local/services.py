"""Stubs of chats, pagers and a plain webhook. They refuse what the real ones refuse, by their
public documentation, and can be made slow, busy, broken or gone. What is sent to the addresses here
goes to them, from this process; what is sent to real ones is really sent.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from local.background import served

SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
PAGERDUTY = f"pagerduty://{'A' * 32}@API-KEY"
DISCORD = f"discord://{'1' * 18}/{'d' * 64}"
TELEGRAM = f"tgram://123456789:{'t' * 35}/12315544"
OPSGENIE = "opsgenie://eb243592-faa2-4ba2-a551-1afdf565c889"
# What reaches the stubs: the address, and what of the request tells that it is one of the above.
_STUBBED = (
    (r"https://hooks\.slack\.com/services/T00000000/", "slack"),
    (r'https://events\.pagerduty\.com/.*"routing_key": "([AB])\1{31}"', "pagerduty"),
    (r"https://discord\.com/api/webhooks/1{18}/", "discord"),
    (r"https://api\.telegram\.org/bot123456789:t{35}/", "telegram"),
    (r"https://api\.opsgenie\.com/.*GenieKey eb243592-", "opsgenie"),
)
_TAKEN = {"teams": 202, "pagerduty": 202, "opsgenie": 202, "discord": 200}
_NAMES = {
    each: each for each in ("slack", "pagerduty", "webhook", "discord", "telegram", "opsgenie")
} | {"hooks": "mattermost"}
# What Telegram takes of HTML, and refuses to take if it is not closed.
_TELEGRAM_TAGS = re.compile("</?(?:b|strong|i|em|u|s|code|pre|blockquote)>")
_SEVERITIES = ("critical", "warning", "error", "info")


Fault = tuple[int, dict[str, str]] | None | Callable[[BaseHTTPRequestHandler], None]


class Services:
    """``taken``: by service, the messages that it took; ``asked``: how many came. ``faults``: how
    the next requests are answered instead: a status and its headers, None for no answer, or what
    answers.
    """

    def __init__(self) -> None:
        self.url = ""
        self.taken: dict[str, list[Any]] = {}
        self.asked = 0
        self.faults: list[Fault] = []
        self.on_taken: Callable[[str, Any], None] = lambda *_: None

    @property
    def webhook(self) -> str:
        return f"{self.url.replace('http', 'json')}/webhook"

    @property
    def mattermost(self) -> str:
        return f"{self.url.replace('http', 'mmost')}/{'m' * 24}"

    @property
    def teams(self) -> str:
        host = self.url.partition("://")[2]
        return f"workflows://{host}/{'w' * 32}/{'s' * 32}"

    def refusal(self, service: str, body: Any) -> str:
        """Why a service refuses a message; empty if it takes it."""
        match service, body:
            case "slack", {"attachments": [{"text": str(text)}]} if 0 < len(text) <= 40_000:
                return ""
            case "pagerduty", {"event_action": "resolve", "dedup_key": str(key)} if key:
                return ""
            case "pagerduty", {"event_action": "trigger", "payload": dict(payload)}:
                return _pagerduty(body, payload)
            case "teams", {"type": "message", "attachments": [{"content": {"type": kind}}]}:
                large = len(json.dumps(body)) > 28 * 1024
                return "too large" if large or kind != "AdaptiveCard" else ""
            case "webhook", {"title": str(), "message": str()}:
                return ""
            case "discord", {"content": str(text)} if 0 < len(text) <= 2_000:
                return ""
            case "mattermost", {"text": str(text)} if 0 < len(text) <= 16_383:
                return ""
            case "telegram", {"chat_id": _, "text": str(text), "parse_mode": "HTML"}:
                return "" if 0 < len(text) <= 4_096 and _is_html(text) else "can't parse entities"
            case "opsgenie", {"message": str(text), "alias": str(key)} if len(text) <= 130:
                return "" if len(key) <= 512 else "alias is too long"
            case "opsgenie", {"note": str()}:
                return ""
        return "not such a message"


def _is_html(text: str) -> bool:
    return not re.search("[<>]", _TELEGRAM_TAGS.sub("", text))


def _pagerduty(body: dict[str, Any], payload: dict[str, Any]) -> str:
    if len(body.get("routing_key", "")) != 32 or len(body.get("dedup_key", "")) > 255:
        return "invalid key"
    if not (payload.get("summary") and len(payload["summary"]) <= 1024 and payload.get("source")):
        return "'payload' is invalid"
    return "" if payload.get("severity") in _SEVERITIES else "invalid severity"


@contextmanager
def serving() -> Iterator[Services]:
    """The services, all at one address of this machine."""
    services = Services()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(services))
    server.daemon_threads = True
    services.url = f"http://127.0.0.1:{server.server_port}"
    real: Any = requests.Session.request

    def request(session: requests.Session, method: str, url: str, **kwargs: Any) -> Any:
        sent = f"{url} {kwargs.get('data')} {kwargs.get('headers')}"
        stubs = (name for pattern, name in _STUBBED if re.match(pattern, sent, re.DOTALL))
        name = next(stubs, "")
        # Workflows are always asked over TLS; here not.
        local = url.replace("https://127.0.0.1", "http://127.0.0.1")
        return real(session, method, f"{services.url}/{name}" if name else local, **kwargs)

    with served(server):
        requests.Session.request = request  # type: ignore[assignment,method-assign]
        try:
            yield services
        finally:
            requests.Session.request = real  # type: ignore[method-assign]


def _handler(services: Services) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            services.asked += 1
            name = self.path.split("/")[1].split("?")[0]
            name = _NAMES.get(name, "teams")
            fault = services.faults.pop(0) if services.faults else (0, {})
            if fault is None:
                self.close_connection = True
                return
            if callable(fault):
                fault(self)
                return
            status, headers = fault
            refused = services.refusal(name, body)
            if not status and not refused:
                services.taken.setdefault(name, []).append(body)
                services.on_taken(name, body)
            self.send_response(status or (400 if refused else _TAKEN.get(name, 200)))
            for header, value in headers.items():
                self.send_header(header, value)
            text = refused.encode() or (b'{"requestId": "1"}' if name == "opsgenie" else b"ok")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    return Handler
