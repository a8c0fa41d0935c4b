"""The page in a browser: what it shows, how one moves in it, and what it says when it can't."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from chalicelib import times
from tests.support import page_data
from tests.support.browser import PHONE, Visit, opened
from tests.support.page_api import NOW, OTHER, TOKEN, PageApi, cluster, summary
from tests.support.relay import eventually


@pytest.fixture
def api() -> PageApi:
    return page_data.day(120)


@pytest.fixture
def visit(chromium: Browser, api: PageApi) -> Iterator[Visit]:
    with opened(chromium, api) as made:
        yield made


def parameter(page: Page, name: str) -> str | None:
    """A part of the state in the address."""
    found = re.search(rf"[?&]{name}=([^&]*)", page.url)
    return found[1] if found else None


def panel_of(page: Page, name: str) -> Any:
    return page.get_by_role("region", name=name, exact=True)


def marks(page: Page) -> Any:
    return page.get_by_role("listbox")


def point(page: Page, x: float, y: float) -> None:
    """Move the pointer there, until what is drawn anew is there, too."""

    def points() -> bool:
        page.mouse.move(x - 1, y)
        page.mouse.move(x, y)
        return page.locator(".tip").count() > 0

    eventually(points, "the words beside the pointer")


def test_the_token_leaves_the_address_at_once_and_is_kept_for_the_session(
    visit: Visit, api: PageApi
) -> None:
    page = visit.page
    visit.open()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
    assert TOKEN not in page.url
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    page.goto(visit.url)
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
    assert not [asked for asked in api.asked if TOKEN in asked]
    page.get_by_role("button", name="Sign out").click()
    page.reload()
    expect(page.get_by_label("Reader token")).to_be_visible()


def test_without_a_token_it_says_where_tokens_come_from(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.url)
    expect(page.get_by_text("scripts/grant.py --label you")).to_be_visible()
    field = page.get_by_label("Reader token")
    expect(field).to_have_attribute("type", "password")
    field.fill("too short")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("43 letters")
    field.fill(TOKEN)
    field.press("Enter")
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
    assert TOKEN not in page.url


def test_now_tells_what_is_wrong_and_what_is_under_way(visit: Visit) -> None:
    page = visit.page
    visit.open()
    incidents = page.get_by_role("list", name="Open incidents of prod")
    expect(incidents.get_by_role("listitem")).to_have_count(2)
    expect(incidents).to_contain_text("Container exited with status 137 · 40 times")
    expect(incidents).to_contain_text("after a deployment by 192.0.2.50")
    expect(incidents.get_by_role("img", name="error")).to_be_visible()
    running = page.get_by_role("list", name="Running deployments of prod")
    expect(running).to_contain_text("step 2 of 5")
    expect(page.get_by_text("last event")).to_have_count(2)
    expect(page.get_by_text("1.2.3")).to_be_visible()
    running.get_by_role("link").click()
    expect(panel_of(page, "Deployment")).to_contain_text("running")
    page.go_back()
    incidents.get_by_role("link", name="/prod/web").click()
    assert parameter(page, "app") == "/prod/web"


def test_all_well_looks_calm_and_changes_by_itself(visit: Visit, api: PageApi) -> None:
    page = visit.page
    api.clusters, api.deployments = [cluster("prod")], []
    visit.open()
    expect(page.get_by_role("heading", name="All is well")).to_be_visible()
    api.clusters = page_data.day(1).clusters
    page.clock.run_for(10_000)
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()


def test_the_feed_is_live(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    api.events.append(summary(-2, "Task of /prod/new is running on node-2", app="/prod/new"))
    page.clock.run_for(6000)
    expect(page.get_by_role("link", name="Task of /prod/new is running")).to_be_visible()
    expect(page.get_by_role("link", name="new", exact=True)).to_be_visible()


def test_the_feed_loads_on_both_ways(chromium: Browser) -> None:
    api = PageApi(largest_page=50)
    api.events = [summary(n * 60, f"Event number {n}.") for n in range(1, 700)]
    end, begin = (times.iso(NOW).replace("12:", f"{hour}:") for hour in ("06", "05"))
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open(f"#/timeline?cluster=prod&from={begin}&to={end}")
        feed = page.get_by_role("region", name="Events, newest first")
        first = page.get_by_role("link", name="Event number 360.")
        expect(first).to_be_visible()
        expect(page.get_by_text("fixed range")).to_be_visible()
        expect(page.get_by_role("link", name="Event number 359.")).to_have_count(0)
        page.wait_for_function(
            """() => {
                const feed = document.querySelector(".feed .scroll");
                feed.scrollTo(0, feed.scrollHeight);
                return feed.textContent.includes("Event number 650.");
            }"""
        )
        feed.evaluate("scroll => scroll.scrollTo(0, 0)")
        page.get_by_role("button", name="Newer events").click()
        expect(page.get_by_role("link", name="Event number 350.")).to_be_attached()
        expect(first).to_be_attached()


def test_filters_ask_the_api_and_are_in_the_address(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    page.get_by_label("App", exact=True).fill("/staging/*")
    page.clock.run_for(600)
    page.get_by_label("Severity").select_option("warning")
    page.get_by_label("Title has").fill("HEALTH")
    page.clock.run_for(600)
    with page.expect_request("**/events?*type=status_update_event*"):
        page.get_by_label("Type").fill("status_update_event")
        page.clock.run_for(600)
    rows = page.get_by_role("region", name="Events, newest first").get_by_role("listitem")
    expect(rows.first).to_contain_text("health check")
    expect(rows.filter(has_text="/prod/")).to_have_count(0)
    assert "app=/staging/*" in page.url
    assert "severity=warning" in page.url
    asked = [each for each in api.asked if each.startswith("/events?")][-1]
    assert "app=%2Fstaging%2F*&type=status_update_event&severity=warning&text=HEALTH" in asked
    page.get_by_role("button", name="Clear").click()
    expect(rows.filter(has_text="/prod/").first).to_be_attached()


def test_text_typed_as_soon_as_a_field_appears_stays(visit: Visit) -> None:
    page = visit.page
    visit.open()
    page.evaluate("""new MutationObserver((_, observer) => {
        const field = document.querySelector(".field-text input");
        if (!field) return;
        observer.disconnect();
        field.value = "HEALTH";
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }).observe(document, { childList: true, subtree: true })""")
    visit.go("#/timeline?cluster=prod")
    expect(page).to_have_url(re.compile("text=HEALTH"))
    expect(page.get_by_label("Title has")).to_have_value("HEALTH")


def test_a_filter_that_makes_no_sense_says_so(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod&app=nothing")
    expect(page.get_by_role("alert")).to_contain_text("a path begins with a slash")
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_lanes_with_incidents_stand_above_the_groups(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    labels = page.locator(".labels li")
    expect(labels.nth(1)).to_have_text("with open incidents")
    expect(labels.nth(2)).to_contain_text("/prod/web")
    expect(labels.nth(3)).to_contain_text("/prod/search")
    expect(labels.nth(2).get_by_role("img", name="error")).to_be_visible()
    page.get_by_role("button", name="/prod", exact=True).click()
    expect(page.get_by_role("link", name="api", exact=True)).to_have_count(1)  # of /staging
    assert parameter(page, "folded") == "/prod"
    page.reload()
    expect(page.get_by_role("button", name="/prod", exact=True)).to_have_attribute(
        "aria-expanded", "false"
    )


def minutes(ago: float) -> str:
    return str(summary(ago * 60)["timestamp"])


def test_a_pointer_shows_titles_opens_marks_zooms_and_pans(chromium: Browser) -> None:
    api = PageApi()
    half = summary(30 * 60, "Half an hour ago.", severity="error")
    api.events = [half, *(summary(600 + n, f"Close {n}.") for n in range(5))]
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open(f"#/timeline?cluster=prod&from={minutes(60)}&to={minutes(0)}")
        lane = page.locator(".labels li", has_text="web")
        canvas, row = marks(page).bounding_box(), lane.bounding_box()
        expect(lane).to_be_visible()
        pane = page.locator(".pane").bounding_box()
        assert canvas
        assert row
        assert pane
        begin, end = pane["x"] + 208, pane["x"] + pane["width"] - 30
        y = row["y"] + 14

        point(page, (begin + end) / 2, y)
        expect(page.locator(".tip")).to_contain_text("error: Half an hour ago.")
        page.mouse.click((begin + end) / 2, y)
        expect(panel_of(page, "Event")).to_contain_text("Half an hour ago")
        assert parameter(page, "event") == half["id"]
        page.keyboard.press("Escape")
        expect(page.locator(".panel")).to_have_count(0)

        x = begin + (end - begin) * 5 / 6
        point(page, x, y)
        expect(page.locator(".tip")).to_contain_text("5 events of /prod/web: all info")
        page.mouse.click(x, y)
        expect(page).to_have_url(re.compile("at=2026-11-24T11:50:00"))
        expect(page.locator(".feed li").first).to_have_text(re.compile("Close 0"))
        page.go_back()
        expect(page).not_to_have_url(re.compile("at="))

        page.mouse.move((begin + end) / 2, y)
        before = page.url
        page.mouse.wheel(0, -200)
        page.clock.run_for(500)
        assert page.url == before  # the wheel alone scrolls
        page.keyboard.down("Control")
        page.mouse.wheel(0, -200)
        page.keyboard.up("Control")
        page.clock.run_for(500)
        expect(page).to_have_url(re.compile("from=2026-11-24T11:(0[1-9]|1)"))
        zoomed = page.url
        page.mouse.down()
        page.mouse.move((begin + end) / 2 + 200, y, steps=4)
        page.mouse.up()
        expect(page).not_to_have_url(zoomed)
        panned = page.url
        page.mouse.wheel(300, 0)
        page.clock.run_for(500)
        expect(page).not_to_have_url(panned)


def test_a_pinch_zooms(chromium: Browser, api: PageApi) -> None:
    with opened(chromium, api, PHONE) as visit:
        page = visit.page
        visit.open("#/timeline?cluster=prod&last=hour")
        expect(marks(page)).to_be_visible()
        pane = page.locator(".pane").bounding_box()
        assert pane
        session = page.context.new_cdp_session(page)
        y = pane["y"] + 60

        def touch(kind: str, *xs: float) -> None:
            points = [{"x": x, "y": y, "id": n} for n, x in enumerate(xs)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", 150, 200)
        touch("touchMove", 120, 230)
        touch("touchMove", 60, 290)
        touch("touchEnd")
        page.clock.run_for(500)
        expect(page).to_have_url(re.compile("from="))


def test_keys_alone_go_through_the_marks(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    expect(page.get_by_role("link", name="/prod/search", exact=True)).to_be_visible()
    page.clock.run_for(100)
    marks(page).focus()
    page.keyboard.press("ArrowRight")
    option = marks(page).get_by_role("option")
    expect(option).to_have_attribute("aria-selected", "true")
    seen = {option.text_content()}
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        seen.add(option.text_content())
    assert len(seen) >= 4
    expect(page.locator(".tip")).to_be_visible()
    before = page.url
    for key in ("+", "]", "-", "["):
        page.keyboard.press(key)
        expect(page).not_to_have_url(before)
        before = page.url


def test_keys_alone_open_and_close_an_event(chromium: Browser) -> None:
    api = PageApi(events=[summary(30, "The only one.")])
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open("#/timeline?cluster=prod&last=hour")
        expect(page.get_by_role("link", name="The only one.")).to_be_visible()
        page.clock.run_for(100)
        marks(page).focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        heading = page.get_by_role("heading", name="Event", exact=True)
        expect(heading).to_be_focused()
        page.keyboard.press("Escape")
        expect(heading).to_have_count(0)
        expect(marks(page)).to_be_focused()


def test_ranges_by_name_and_by_date(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    page.get_by_role("button", name="last week").click()
    assert parameter(page, "last") == "week"
    page.get_by_role("button", name="range …").click()
    page.get_by_label("From").fill("2026-11-24T09:00:00")
    page.get_by_label("To", exact=True).fill("2026-11-24T08:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_contain_text("must end after it begins")
    page.get_by_label("To", exact=True).fill("2026-11-24T10:00:00")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile("from=2026-11-24T08:00:00.000Z&to=2026-11-24T09:00:00"))
    expect(page.get_by_text("fixed range")).to_be_visible()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Later").click()
    expect(page).to_have_url(re.compile("from=2026-11-24T08:30:00.000Z&to=2026-11-24T09:00:00"))


def test_a_time_with_too_many_events_says_how_far_it_is_loaded(chromium: Browser) -> None:
    api = PageApi(largest_page=5)
    api.events = [summary(n * 60, f"Event {n}.") for n in range(1, 150)]
    with opened(chromium, api) as visit:
        visit.open("#/timeline?cluster=prod")
        notice = visit.page.get_by_text("Only the newest of this time are loaded")
        expect(notice).to_be_visible()
        visit.page.get_by_role("button", name="Load more").click()
        expect(notice).to_have_count(0)


def test_the_story_of_a_deployment(visit: Visit) -> None:
    page = visit.page
    visit.open(f"#/timeline?cluster=prod&deployment={page_data.FAILED}")
    panel = panel_of(page, "Deployment")
    for told in (
        "failed", "/prod/web", "192.0.2.50", "25 min", "The app was not healthy in time",
        "scale /prod/api from 2 to 6", "container.docker.image", "env.DB_PASSWORD",
        "Values of environments and secrets are never shown",
    ):  # fmt: skip
        expect(panel).to_contain_text(told)
    expect(panel.locator("del mark").first).to_have_text("17")
    expect(panel.locator("ins mark").first).to_have_text("18")
    expect(panel.locator(".gantt .bar")).to_have_count(2)
    expect(panel.locator("del", has_text='"path": "/alive"')).to_be_visible()
    panel.get_by_role("link", name="Task of /prod/web failed on node-7").click()
    expect(panel_of(page, "Event")).to_be_visible()
    page.go_back()
    expect(panel).to_be_visible()
    page.go_forward()
    expect(panel_of(page, "Event")).to_be_visible()


def test_a_running_deployment_goes_on(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open(f"#/now?cluster=prod&deployment={page_data.RUNNING}")
    panel = panel_of(page, "Deployment")
    expect(panel.locator(".headline")).to_contain_text("running")
    api.stories[page_data.RUNNING]["state"] = "succeeded"
    page.clock.run_for(6000)
    expect(panel.locator(".headline")).to_contain_text("succeeded")


def test_an_event_is_searched_folded_and_copied(chromium: Browser, api: PageApi) -> None:
    event = next(each for each in api.events if each["severity"] == "error" and "app" in each)
    body = {"deep": {"er": [{"est": "needle"}]}, "many": list(range(120)), "word": "ü\u202e"}
    api.bodies[event["id"]] = body
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open(f"#/timeline?cluster=prod&event={event['id']}")
        panel = panel_of(page, "Event")
        expect(panel).to_contain_text(event["title"])
        expect(panel.get_by_text("needle")).to_have_count(0)
        panel.get_by_label("Search in the body").fill("NEEDLE")
        expect(panel.get_by_text("1 match")).to_be_visible()
        expect(panel.locator(".hit")).to_contain_text("needle")
        panel.get_by_label("Search in the body").fill("")
        panel.get_by_role("button", name="many").click()
        expect(panel.get_by_text("70 more")).to_be_visible()
        panel.get_by_role("button", name="many").click()
        expect(panel.get_by_text("70 more")).to_have_count(0)

        panel.get_by_role("button", name="Copy as JSON").click()
        copied = "navigator.clipboard.readText()"
        assert page.evaluate(f"{copied}.then(JSON.parse)") == body
        page.clock.run_for(3000)
        panel.get_by_role("button", name="Copy as curl").click()
        line = page.evaluate(copied)
        assert line.endswith(f" '{visit.url}events/prod/{event['id']}'")
        assert '"Authorization: Bearer $TOKEN"' in line
        assert TOKEN not in line


def test_a_link_shows_a_colleague_the_same(chromium: Browser, api: PageApi) -> None:
    with opened(chromium, api) as visit:
        page = visit.page
        address = (
            "#/timeline?cluster=prod&app=/prod/*&severity=notice"
            f"&from={minutes(300)}&to={minutes(60)}&folded=/prod/media&zone=utc"
        )
        visit.open(address)
        expect(page.get_by_label("App", exact=True)).to_have_value("/prod/*")
        rows = page.locator(".feed li")
        expect(rows.nth(4)).to_be_visible()
        shown = rows.all_text_contents()[:5]
        seen = page.url
        page.evaluate("sessionStorage.clear(); localStorage.clear()")  # another browser
        page.goto("about:blank")
        page.goto(seen)
        page.get_by_label("Reader token").fill(TOKEN)
        page.get_by_role("button", name="Open").click()
        for n, text in enumerate(shown):
            expect(rows.nth(n)).to_have_text(text)
        assert page.url == seen


def test_times_are_in_the_readers_zone_and_in_utc_on_demand(chromium: Browser) -> None:
    with opened(chromium, PageApi(events=[summary(60, "A minute ago.")])) as visit:
        page = visit.page
        visit.open("#/timeline?cluster=prod")
        row = page.get_by_role("link", name="A minute ago.")
        expect(row).to_contain_text("12:59:00")  # in Berlin
        expect(page.get_by_label("Time zone")).to_have_text("CETUTC")
        page.get_by_label("Time zone").select_option("utc")
        expect(row).to_contain_text("11:59:00")
        assert parameter(page, "zone") == "utc"


HOSTILE = [
    "<img src=x onerror=alert(1)><script>alert(1)</script>",
    "javascript:alert(1)",
    "\u202egnp.exe \u2066hidden\u2069\u200b\u0000\u001b[2J",
    "W" * 500,
    "'; rm -rf ~; echo '$(id)`id`\\",
    "a\u0301" + "\u0301" * 300,
    "&lt;b&gt; {{7*7}} ${7*7} %00",
]


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["wide", "phone"])
def test_hostile_texts_are_shown_as_text(chromium: Browser, size: tuple[int, int]) -> None:
    api = PageApi()
    for n, text in enumerate(HOSTILE):
        more = {"app": f"/x/{text}", "host": text, "task": text, "status": text, "deployment": text}
        event = summary(60 + n, text[:140], severity="error", **more)
        api.events.append(event)
        api.bodies[event["id"]] = {text: text, "__proto__": {"x": text}, "constructor": 1}
    story = {
        "id": "d",
        "cluster": "prod",
        "state": "failed",
        "apps": HOSTILE,
        "reason": HOSTILE[0],
        "started_by": HOSTILE[2],
        "events": api.events,
        "failures": api.events,
        "steps": [
            {
                "number": 1,
                "state": "failed",
                "actions": [{"action": text, "app": text} for text in HOSTILE],
            }
        ],
        "changes": [
            {
                "app": text,
                "fields": [{"field": text, "change": "changed", "before": text, "after": text * 2}],
            }
            for text in HOSTILE
        ],
    }
    api.stories = {"d": story}
    incidents = [
        {"subject": f"app:{text}", "since": minutes(9), "severity": "error", "title": text}
        for text in HOSTILE
    ]
    api.clusters = [cluster("prod", incidents=incidents)]
    with opened(chromium, api, size) as visit:
        page = visit.page
        page.on("dialog", lambda _: visit.errors.append("something ran"))
        addresses = [
            "#/now",
            "#/timeline?cluster=prod&last=hour",
            "#/now?cluster=prod&deployment=d",
        ]
        for address in [*addresses, *(f"#/now?cluster=prod&event={e['id']}" for e in api.events)]:
            visit.open(address)
            if "event=" in address or "deployment=" in address:
                expect(page.locator(".panel .headline")).to_be_visible()
            else:
                expect(page.locator("bdi:visible", has_text="<img src=x").first).to_be_visible()
            # Nothing became an element, or wider than the window, or invisible.
            assert page.locator("body img, body script, body b").count() == 0
            wide = "document.documentElement.scrollWidth - innerWidth"
            assert page.evaluate(wide) <= 0, address
            text = page.locator("body").inner_text()
            assert not re.search("[\u202e\u2066\u200b\u0000\u001b]", text)
            links = "[...document.querySelectorAll('a')].map(a => a.getAttribute('href'))"
            assert all(link.startswith("#/") for link in page.evaluate(links))


def test_an_event_that_is_no_json_is_shown_as_text(chromium: Browser) -> None:
    event = summary(60, "No JSON.", cause="not_json")
    api = PageApi(events=[event], bodies={event["id"]: "<b>line\nline\u202e"})
    with opened(chromium, api) as visit:
        visit.open(f"#/now?cluster=prod&event={event['id']}")
        expect(visit.page.locator("pre.raw")).to_have_text("<b>line\nline\\u202e")
        expect(visit.page.get_by_text("not_json")).to_be_visible()


def test_nothing_registered_says_how_to_register(visit: Visit, api: PageApi) -> None:
    api.clusters, api.deployments = [], []
    visit.open()
    expect(visit.page.get_by_text("scripts/register.py --marathon URL")).to_be_visible()
    api.clusters = [cluster("prod")]
    visit.page.clock.run_for(10_000)
    expect(visit.page.get_by_role("heading", name="All is well")).to_be_visible()


def test_no_event_that_matches(visit: Visit) -> None:
    visit.open("#/timeline?cluster=prod&app=/nothing")
    expect(visit.page.get_by_text("No event matches.")).to_be_visible()


def test_loading_and_slow(visit: Visit, api: PageApi) -> None:
    page = visit.page
    api.hold.clear()
    visit.open()
    expect(page.get_by_text("Loading clusters")).to_be_visible()
    expect(page.get_by_text("This takes longer than usual")).to_have_count(0)
    page.clock.run_for(4000)
    expect(page.get_by_text("This takes longer than usual")).to_be_visible()
    api.hold.set()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()


def test_offline_says_so_keeps_what_it_has_and_goes_on(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    rows = page.locator(".feed li")
    expect(rows.first).to_be_visible()
    page.context.set_offline(True)
    page.clock.run_for(6000)
    expect(page.get_by_role("alert").first).to_contain_text("can’t be reached")
    expect(rows.first).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_an_api_that_is_busy_is_asked_again(visit: Visit, api: PageApi) -> None:
    page = visit.page
    api.status = 429
    visit.open()
    expect(page.get_by_role("alert")).to_contain_text("The API answered 429.")
    api.status = 0
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()


def test_a_token_that_the_api_does_not_know(visit: Visit) -> None:
    page = visit.page
    visit.open(token="x" * 43)
    expect(page.get_by_role("heading", name="This is not a token of this API")).to_be_visible()
    expect(page.get_by_label("Reader token")).to_be_focused()
    page.get_by_label("Reader token").fill(TOKEN)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()


def test_no_access_to_a_cluster(visit: Visit) -> None:
    visit.open("#/timeline?cluster=prod", token=OTHER)
    expect(visit.page.get_by_role("heading", name="No access to cluster prod")).to_be_visible()


@pytest.mark.parametrize("what", ["event=nothing", "event=..", "deployment=nothing"])
def test_an_event_that_does_not_exist(visit: Visit, what: str) -> None:
    visit.open(f"#/now?cluster=prod&{what}")
    expect(visit.page.get_by_role("heading", name="That is not there")).to_be_visible()


def test_another_cluster_is_chosen(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline")
    choice = page.get_by_label("Cluster")
    expect(choice).to_have_value("prod")  # the one with an incident
    choice.select_option("berlin")
    expect(page.get_by_text("No event matches.")).to_be_visible()
    assert parameter(page, "cluster") == "berlin"


def test_gaps_are_hatched_where_their_events_say(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    expect(page.get_by_text("relay was not listening", exact=True)).to_be_visible()
    (gap,) = (each["id"] for each in api.events if each["type"] == "relay_gap")
    assert sum(asked.endswith(gap) for asked in api.asked) == 1


def test_a_link_does_not_replace_another_readers_token_unasked(visit: Visit) -> None:
    page = visit.page
    visit.open()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
    page.goto(f"{visit.url}#token={OTHER}")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("another reader’s token")
    assert OTHER not in page.url
    kept = "sessionStorage.getItem('token')"
    assert page.evaluate(kept) == TOKEN
    page.get_by_role("button", name="Keep mine").click()
    expect(notice).to_have_count(0)
    page.goto(f"{visit.url}#token={OTHER}")
    page.get_by_role("button", name="Use the other").click()
    expect(notice).to_have_count(0)
    assert page.evaluate(kept) == OTHER


def test_a_new_tab_is_signed_in_and_signing_out_leaves_nothing_in_any(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod&app=/prod/web")
    expect(page.locator(".feed li").first).to_be_visible()
    other = page.context.new_page()
    other.clock.install(time=NOW)
    other.goto(visit.url)
    expect(other.get_by_role("heading", name="2 open incidents")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        expect(tab.get_by_label("Reader token")).to_be_focused()
        assert "/prod/web" not in tab.content()
        assert tab.evaluate("sessionStorage.length") == 0
    assert "prod/web" not in page.url
    page.go_back()
    expect(page.get_by_label("Reader token")).to_be_visible()


def test_an_expired_token_is_told_apart_from_a_wrong_one(visit: Visit, api: PageApi) -> None:
    page = visit.page
    visit.open()
    expect(page.get_by_role("heading", name="2 open incidents")).to_be_visible()
    api.tokens = []
    page.clock.run_for(11_000)
    expect(page.get_by_role("heading", name="Your token is no longer valid")).to_be_visible()


def test_the_range_closes_by_escape_by_a_click_elsewhere_and_by_going_away(visit: Visit) -> None:
    page = visit.page
    visit.open("#/timeline?cluster=prod")
    opener, box = page.get_by_role("button", name="range …"), page.locator(".exact")
    closing: list[Callable[[], object]] = [
        lambda: page.keyboard.press("Escape"),
        lambda: page.get_by_role("heading", name="Feed").click(),
        lambda: page.get_by_role("button", name="last hour").click(),
        lambda: visit.go("#/timeline?cluster=prod&last=week"),
    ]
    for close in closing:
        opener.click()
        expect(box).to_be_visible()
        close()
        expect(box).to_have_count(0)


def test_the_page_says_what_is_not_loaded(chromium: Browser) -> None:
    api = PageApi(events=[summary(n * 60, f"Event {n}.") for n in range(1, 150)])
    api.hold.clear()
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open("#/timeline?cluster=prod")
        api.hold.set()
        expect(page.get_by_text("149 events", exact=False)).to_be_visible()
        expect(page.locator(".feed header")).not_to_contain_text("so far")
        expect(page.locator("footer").get_by_text("not loaded")).to_have_count(0)
        api.largest_page = 5
        page.get_by_role("button", name="last week").click()
        api.status = 503
        page.clock.run_for(6000)
        expect(page.get_by_role("alert").first).to_contain_text("The API answered 503.")
        expect(page.get_by_text("live", exact=True)).to_have_count(0)


def test_an_incident_is_a_band_that_opens_its_time(chromium: Browser) -> None:
    resolved = {
        "subject": "app:/prod/web",
        "opened_at": minutes(40),
        "resolved_at": minutes(20),
        "severity": "error",
        "title": "Task of /prod/web failed",
        "apps": ["/prod/web"],
    }
    api = PageApi(events=[summary(60)], incidents=[resolved])
    with opened(chromium, api) as visit:
        page = visit.page
        visit.open(f"#/timeline?cluster=prod&from={minutes(60)}&to={minutes(0)}")
        expect(page.locator("footer")).to_contain_text("incident")
        expect(page.locator(".labels li", has_text="web")).to_be_visible()
        page.clock.run_for(100)
        pane = page.locator(".pane").bounding_box()
        row = page.locator(".labels li", has_text="web").bounding_box()
        assert pane
        assert row
        begin, end = pane["x"] + 208, pane["x"] + pane["width"] - 30
        point(page, (begin + end) / 2, row["y"] + 20)
        expect(page.locator(".tip")).to_contain_text("Incident of /prod/web")
        page.mouse.click((begin + end) / 2, row["y"] + 20)
        expect(page).to_have_url(re.compile(r"app=/prod/web&from=2026-11-24T11:16.*&to=.*T11:44"))


def test_one_lost_agent_is_one_incident(visit: Visit, api: PageApi) -> None:
    lost = [
        {
            "subject": f"app:/shop/app-{n}",
            "since": minutes(30),
            "severity": "warning",
            "title": f"Task of /shop/app-{n} is unreachable on node-3",
        }
        for n in range(12)
    ]
    api.clusters, api.deployments = [cluster("prod", incidents=lost)], []
    visit.open()
    page = visit.page
    expect(page.get_by_role("heading", name="1 open incident")).to_be_visible()
    incidents = page.get_by_role("list", name="Open incidents of prod")
    expect(incidents.get_by_role("listitem")).to_have_count(1)
    expect(incidents).to_contain_text("12 apps")
    expect(incidents).to_contain_text("is unreachable on node-3")
