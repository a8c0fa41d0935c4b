"""What each service is sent, and what its answer means, whatever it says."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from chalicelib.records.delivery import Delivery
from chalicelib.services import messenger
from chalicelib.services.messenger import Address, Answer
from local import services
from local.services import DISCORD, OPSGENIE, PAGERDUTY, SLACK, TELEGRAM, Fault, Services
from tests.support.haste import slowly

HOSTILE = (
    "<!channel> <https://evil.example|click> @everyone https://x.example/@here <@U1> **b** "
    "<b>b</b> [x](https://evil.example) ![](https://evil.example/p.png) `code` &lt;"
)
PAGE = "https://api.example.net/prod/#/timeline?cluster=prod&app=/shop/web_1"
# By which a text would be more than text, unless a backslash stands before it.
MARKDOWN = re.compile(r"(?<!\\)(?:[<>|*`\[\]]|&lt;)|@(?:everyone|here|U1)")
HTML = re.compile("<(?!b>🔴|/b>)|@(?:everyone|here|U1)")
# A test has ended.
OVER = threading.Event()
MARKUP = {
    "slack": HTML,
    "teams": MARKDOWN,
    "discord": MARKDOWN,
    "mattermost": MARKDOWN,
    "telegram": HTML,
}


@pytest.fixture(scope="module")
def there() -> Iterator[Services]:
    with services.serving() as made:
        yield made


@pytest.fixture(autouse=True)
def fresh(there: Services) -> Iterator[None]:
    there.taken.clear()
    there.faults.clear()
    there.asked = 0
    OVER.clear()
    yield
    OVER.set()


def alert(state: str = "opened", *, long: bool = False) -> Delivery:
    text = f"{HOSTILE}{' x' * 9_000 if long else ''}\n\nWhat happened around it: {PAGE}"
    incidents = ("app:/shop/web",)
    return Delivery(f"[prod] {HOSTILE}"[:99], text, "prod", "app", "error", state, PAGE, incidents)


def send(address: str, state: str = "opened", *, long: bool = False) -> Answer:
    return Address(address).send(alert(state, long=long), "prod")


def all_text(values: Any) -> str:
    """All that people are shown of a payload."""
    if isinstance(values, dict):
        return "\n".join(all_text(e) for name, e in values.items() if name not in ("$schema",))
    if isinstance(values, list):
        return "\n".join(map(all_text, values))
    return values if isinstance(values, str) else ""


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("service", MARKUP)
def test_markup_in_events_is_text_in_every_chat(service: str, long: bool, there: Services) -> None:
    addresses = {"slack": SLACK, "discord": DISCORD, "telegram": TELEGRAM}
    address = addresses.get(service) or getattr(there, service)
    assert send(address, long=long) == Answer("sent")
    (taken,) = there.taken[service]
    shown = all_text(taken)
    assert "🔴" in shown
    assert MARKUP[service].findall(shown) == []
    assert PAGE in shown.replace("&amp;", "&")


def test_opsgenie_gets_one_alert_that_is_closed_by_its_alias(there: Services) -> None:
    assert [send(OPSGENIE, state) for state in ("opened", "resolved")] == [Answer("sent")] * 2
    opened, closed = there.taken["opsgenie"]
    assert opened["alias"] == alert().keys("prod")[0]
    assert opened["description"].endswith(PAGE)
    assert PAGE in closed["note"]


def test_a_service_that_is_slow_but_answers_is_asked_once(there: Services) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        slowly(0.2)
        request.send_response(200)
        request.end_headers()

    there.faults = [slow]
    assert send(there.webhook) == Answer("sent")
    assert there.asked == 1


def endless(status: int, pause: float, part: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer without an end."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.end_headers()
        with suppress(OSError):  # nobody listens any more
            while not OVER.wait(pause):
                request.wfile.write(part)

    return answer


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (endless(200, 0.0, b"x" * 100_000), Answer("sent")),
        (endless(200, 0.05, b"x"), Answer("sent")),
        (endless(500, 0.05, b"x"), Answer("again", "status 500")),
        ((307, {"Location": "http://elsewhere.example/"}), "it redirects to another address"),
        ((302, {"Location": "/webhook"}), "it redirects to another address"),
        *(((status, {}), Answer("never", f"status {status}")) for status in (401, 403, 404, 410)),
        ((503, {}), Answer("again", "status 503")),
        ((500, {"Retry-After": "soon"}), Answer("again", "status 500")),
        ((429, {"Retry-After": "31536000"}), Answer("again", "status 429", 3_600)),
        ((429, {"Retry-After": "9" * 5_000}), Answer("again", "status 429")),
        (
            (429, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}),
            Answer("again", "status 429", 3_600),
        ),
        ((429, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), Answer("again", "status 429")),
        ((429, {"Retry-After": "abc"}), Answer("again", "status 429")),
        ((429, {"Retry-After": "-5"}), Answer("again", "status 429")),
    ],
)
def test_no_answer_holds_it_up_or_leads_it_elsewhere(
    fault: Fault, answer: Answer | str, there: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    if callable(fault):
        monkeypatch.setattr(messenger, "_SECONDS", 0.5)
    there.faults = [fault]
    got = send(there.webhook)
    assert there.asked == 1
    assert got == answer if isinstance(answer, Answer) else answer in got.reason


def test_a_wait_that_a_service_names_is_left_to_the_queue(
    there: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord is asked once more at once; Apprise would sleep for as long as it says."""
    later = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4102444800", "Retry-After": "9"}
    there.faults = [(429, later), (429, later)]
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert send(DISCORD) == Answer("again", "status 429", 9)
    assert sum(pauses) < 5
    assert there.taken == {}


def test_a_pager_gets_no_more_than_there_is_time_for(
    there: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "_SECONDS", -1.0)
    assert send(PAGERDUTY) == Answer("again", "too little time")
    assert there.asked == 0
