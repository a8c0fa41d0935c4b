"""Draw docs/arrivals.png: what arrives at a chat and at a pager, from what is really sent. How it
looks there is the service's own business, and the picture says so.
"""

import html
import re
from pathlib import Path
from typing import Any

from ops import ROOT

from playwright.sync_api import sync_playwright

from chalicelib.records.delivery import Delivery
from chalicelib.services.messenger import Address
from local import services
from local.services import PAGERDUTY, SLACK
from tests.support.browser import ARGS

PICTURE = ROOT / "docs" / "arrivals.png"
_NIGHT = ROOT / "tests" / "nights" / "out-of-memory.md"
_TOLD = re.compile(r"### \S+ – (.+)\n\n.+`state`: (\w+).+\n\n```text\n((?:.*\n)*?)```")
# The machine that draws it may have no such letters.
_SIGNS = {"🔴": "#c33", "🟠": "#e83", "🟢": "#3a3"}
_ESCAPED = re.compile(r"\\(.)")
_PAGE = """<!doctype html><meta charset="utf-8"><style>
  body { font: 12px/1.4 sans-serif; margin: 16px; width: 1000px; background: #fff; color: #1d1c1d }
  main { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; align-items: start }
  h2 { font-size: 13px; margin: 0 0 8px } article { border: 1px solid #ddd; border-radius: 8px;
  padding: 12px; margin-bottom: 12px; overflow-wrap: anywhere; white-space: pre-line }
  b, small { display: block } small, footer { color: #666; font-size: 11px }
</style><main>%s</main><footer>Drawn from what the function deliver sends, of the night
tests/nights/out-of-memory.md. Each service draws it its own way.</footer>"""


def draw(program: str) -> Path:
    """Draw it with that Chromium. Returns where it is."""
    alerts = [_alert(*told) for told in _TOLD.findall(_NIGHT.read_text())]
    with services.serving() as there:
        for address in (SLACK, there.teams, PAGERDUTY):
            Address(address).send(alerts[0], "prod")
        Address(PAGERDUTY).send(alerts[-1], "prod")
        shown = "".join(_column(name, bodies) for name, bodies in there.taken.items())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        page = browser.new_page(viewport={"width": 1032, "height": 300}, color_scheme="light")
        page.set_content(_PAGE % shown)
        page.screenshot(path=str(PICTURE), full_page=True)
        browser.close()
    return PICTURE


def _alert(title: str, state: str, text: str) -> Delivery:
    link = re.findall(r"https://\S+/#/\S+", text)[0]
    subject = "app:/shop/search"
    return Delivery(title, text, "prod", subject, "error", state, link, (subject,))


def _column(name: str, bodies: list[Any]) -> str:
    heading = {"slack": "Slack", "teams": "Teams", "pagerduty": "PagerDuty"}[name]
    return f"<section><h2>{heading}</h2>{''.join(map(_card, bodies))}</section>"


def _card(body: Any) -> str:
    match body:
        case {"attachments": [{"title": title, "text": text, "color": color, "footer": footer}]}:
            parts = [html.unescape(each) for each in (title, text, footer)]
        case {"attachments": [{"content": {"body": [{"text": title}, {"text": text}]}}]}:
            color, parts = "#888", [_ESCAPED.sub(r"\1", each) for each in (title, text)]
        case {"event_action": "trigger", "payload": payload, "links": [{"href": link}]}:
            color, text = "#c33", payload["custom_details"]["text"]
            parts = [payload["summary"], text, f"triggered, {payload['severity']} · link: {link}"]
        case _:
            color, parts = "#3a3", ["the same incident", "", body["event_action"]]
    title, text, *small = map(html.escape, parts)
    for sign, its_color in _SIGNS.items():
        title = title.replace(sign, f'<span style="color: {its_color}">●</span>')
    below = "".join(f"<small>{each}</small>" for each in small)
    return f'<article style="border-left: 5px solid {color}"><b>{title}</b>{text}{below}</article>'
