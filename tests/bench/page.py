"""What the page's script does while one pans over many events: as much as over few."""

import random
from collections.abc import Iterator
from typing import Any

from ops.cli import progress
from ops.deploying import page as built

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.bench.figures import Figure
from tests.support import page_data
from tests.support.browser import ARGS, find
from tests.support.page_api import NOW, TOKEN, PageApi, cluster, serving, site

_SECTION = "The page, a pan over the timeline"
_FEW, _MANY = 100, 10_000
_LANES = 200
_FRAMES = 120
_ROUNDS = 5


def page() -> Iterator[Figure]:
    """The script's time for a pan over 10,000 events of a day, beside one over 100."""
    program = find()
    if program is None:
        progress.print("  no chromium here, so the page is not measured", style="yellow")
        return
    built.ensure()
    with site(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        few, many = (_pan(browser.new_page(), count, page_data.APPS) for count in (_FEW, _MANY))
        apps = [f"/prod/group-{n % 20}/app-{n}" for n in range(_LANES)]
        lanes = _pan(browser.new_page(), _MANY, apps)
        browser.close()
    yield Figure(_SECTION, f"{_MANY:,} events / {_FEW} events", many / few, budget=3)
    words = f"{_MANY:,} events in {_LANES} lanes / {_FEW} events"
    yield Figure(_SECTION, words, lanes / few, budget=3)
    yield Figure(_SECTION, f"script, a frame over {_MANY:,} events", many / _FRAMES * 1e3, "ms")


def _pan(page: Page, count: int, apps: list[str]) -> float:
    """Seconds of script for a pan of so many frames; the least of some rounds."""
    chance = random.Random(1)
    api = PageApi(clusters=[cluster("prod")])
    api.events = [
        page_data.task(
            chance.uniform(60, page_data.DAY - 60),
            chance.choice(apps),
            chance.choices(["info", "notice", "warning", "error"], [70, 20, 7, 3])[0],
            1,
        )
        for _ in range(count)
    ]
    with serving(api) as url:
        page.clock.set_fixed_time(NOW)
        page.goto(f"{url}#token={TOKEN}")
        page.wait_for_url("**#/now*")
        page.evaluate("location.hash = '#/timeline?cluster=prod'")
        page.locator(".edge").first.wait_for(state="attached", timeout=120_000)  # all is loaded
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        least = min(_round(page, session) for _ in range(_ROUNDS))
        page.close()
        return least


def _round(page: Page, session: CDPSession) -> float:
    """Drag to one side and back, a frame for each move."""
    box: Any = page.locator(".marks canvas").bounding_box()
    x, y = box["x"] + box["width"] * 0.6, box["y"] + 100
    page.mouse.move(x, y)
    page.mouse.down()
    before = _script_seconds(session)
    for n in range(_FRAMES):
        page.mouse.move(x + (n if n < _FRAMES / 2 else _FRAMES - n) * 2, y)
        page.evaluate("new Promise(requestAnimationFrame)")
    spent = _script_seconds(session) - before
    page.mouse.up()
    return spent


def _script_seconds(session: CDPSession) -> float:
    told = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in told if each["name"] == "ScriptDuration"))
