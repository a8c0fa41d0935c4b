"""axe-core finds nothing to complain of, in light, in dark and on a phone."""

from ops.deploying import page as built

import pytest
from playwright.sync_api import Browser, expect

from tests.support import page_data
from tests.support.browser import PHONE, WIDE, opened
from tests.support.page_api import PageApi

_AXE = built.SOURCES / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """rules => axe.run({resultTypes: ["violations"], ...rules}).then(found =>
    found.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"""
_COLOURS = {"runOnly": ["color-contrast"]}


@pytest.fixture(scope="module")
def api() -> PageApi:
    return page_data.day(60)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(chromium: Browser, api: PageApi, size: tuple[int, int]) -> None:
    event = api.events[0]["id"]
    views = {
        "#/now": ".cluster",
        "#/timeline?cluster=prod": ".feed li",
        f"#/timeline?cluster=prod&event={event}": ".json",
        f"#/timeline?cluster=prod&deployment={page_data.FAILED}": ".change",
    }
    if size == WIDE:
        views |= {
            "#/deployments?cluster=prod": "tbody tr",
            "#/timeline?cluster=nope": "[role=alert]",
            "#/timeline?cluster=prod&app=/nothing": ".end",
            "#/now?cluster=prod&event=nothing": ".panel [role=alert]",
        }
    with opened(chromium, api, size) as visit:
        page = visit.page
        page.goto(visit.url)
        expect(page.get_by_label("Reader token")).to_be_visible()
        page.evaluate(_AXE.read_text())
        assert page.evaluate(_RUN, {}) == []
        for address, there in views.items():
            page.emulate_media(color_scheme="light")
            visit.open(address)
            expect(page.locator(there).first).to_be_visible()
            assert page.evaluate(_RUN, {}) == [], address
            page.emulate_media(color_scheme="dark")
            assert page.evaluate(_RUN, _COLOURS) == [], f"{address} in dark"
