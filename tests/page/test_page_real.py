"""The page on the real read API: what it shows of what Marathon told."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Visit, visiting
from tests.support.page_world import Event, World, world

FAILED, BOTH, WELL = "d-failed", "d-both", "d-well"


def web(tag: str, **more: object) -> Event:
    return {"id": "/prod/web", "container": {"docker": {"image": f"shop/web:{tag}"}}, **more}


@pytest.fixture(scope="module")
def told(aws: str) -> Iterator[World]:
    with world("page") as made:
        made.deploy(WELL, 9000, 60, web("1", instances=2), web("1", instances=6), "success")
        made.deploy(BOTH, 8000, 60, web("1"), web("2"), "failed", "success")
        old = web("2", env={"PASSWORD": "old secret"}, cmd="serve")
        new = web("3", env={"PASSWORD": "new secret"}, cmd="serve --fast")
        made.deploy(FAILED, 7000, 60, old, new, "failed")
        made.task(6950, "/prod/web", "TASK_FAILED", "Container exited with status 137")
        for n, app in enumerate(("/prod/mailer", "/prod/pay/gateway", "/prod/pay/ledger")):
            made.task(3000 + n, app)
        yield made


@pytest.fixture
def visit(chromium: Browser, told: World) -> Iterator[Visit]:
    with visiting(chromium, told.url) as made:
        made.open(token=told.token)
        yield made


def test_values_that_changed_are_shown_before_and_after(visit: Visit) -> None:
    visit.go(f"#/timeline?cluster=prod&deployment={FAILED}")
    shown = visit.page.locator(".panel")
    image = shown.locator(".change li", has_text="container.docker.image")
    expect(image.locator("del")).to_have_text("shop/web:2")
    expect(image.locator("ins")).to_have_text("shop/web:3")
    command = shown.locator(".change li", has_text="cmd")
    expect(command.locator("ins mark")).to_have_text(" --fast")
    password = shown.locator(".change li", has_text="env.PASSWORD")
    expect(password).to_contain_text("never shown")
    expect(shown).not_to_contain_text("old secret")
    expect(shown.locator(".headline")).to_contain_text("failed")
    expect(shown).to_contain_text("192.0.2.50")


def test_deployments_are_a_list_by_app_and_by_outcome(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="Deployments", exact=True).click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("/prod/web2 → 3, cmd, env192.0.2.50failed1 min")
    expect(rows.nth(1)).to_contain_text("cancelled")
    expect(rows.nth(2)).to_contain_text("instances 2 → 6")
    rows.nth(2).get_by_role("link").first.click()
    expect(page.locator(".panel")).to_contain_text("restart /prod/web from 2 to 6")
    page.go_back()
    page.get_by_label("Outcome").select_option("cancelled")
    expect(rows).to_have_count(1)
    page.get_by_label("Outcome").select_option("")
    page.get_by_label("App").fill("/other/*")
    page.clock.run_for(600)
    expect(page.get_by_text("No deployment matches.")).to_be_visible()
    page.get_by_label("App").fill("")
    page.clock.run_for(600)
    rows.nth(1).get_by_role("link").click()
    expect(page.locator(".panel .headline")).to_contain_text("cancelled")


def test_now_tells_what_the_last_day_brought(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_role("heading", name="1 thing to look at")).to_be_visible()
    expect(page.get_by_role("list", name="What to look at in prod")).to_contain_text(
        "The last deployment failed · 2 → 3, cmd, env · by 192.0.2.50"
    )
    day = page.get_by_role("region", name="The last 24 hours of prod")
    expect(day).to_contain_text("3 deployments: 1 failed, 1 cancelled, 1 succeeded")
    expect(page.get_by_text("All is well")).to_have_count(0)


def test_an_app_is_found_by_a_part_of_its_path(visit: Visit) -> None:
    page = visit.page
    visit.go("#/timeline?cluster=prod")
    rows = page.locator(".feed li")
    expect(page.get_by_role("link", name="mailer", exact=True)).to_be_visible()
    page.get_by_label("App", exact=True).fill("PAY")
    suggested = page.locator("#apps option")
    expect(suggested).to_have_count(3)  # all below /prod/pay, and the two apps there
    page.clock.run_for(600)
    expect(rows).to_have_count(2)
    expect(page.locator(".labels .app")).to_have_count(2)
    assert "find=PAY" in page.url
    page.get_by_label("App", exact=True).fill("/prod/mailer")
    page.clock.run_for(600)
    expect(rows).to_have_count(1)
    assert "app=/prod/mailer" in page.url


def test_an_unknown_cluster_is_told_and_nothing_of_another_is_drawn(visit: Visit) -> None:
    page = visit.page
    visit.go("#/timeline?cluster=nope")
    expect(page.get_by_role("heading", name="There is no such cluster")).to_be_visible()
    expect(page.locator(".labels li, .feed li")).to_have_count(0)
    page.get_by_role("link", name="prod", exact=True).click()
    expect(page.locator(".feed li").first).to_be_visible()


def test_an_events_body_is_shown(visit: Visit) -> None:
    visit.go("#/timeline?cluster=prod&severity=error")
    visit.page.get_by_role("link", name="Container exited with status 137").first.click()
    expect(visit.page.locator(".panel")).to_contain_text('taskStatus: "TASK_FAILED"')


def test_only_lanes_with_problems_and_all_groups_folded(visit: Visit) -> None:
    page = visit.page
    visit.go("#/timeline?cluster=prod")
    lanes = page.locator(".labels .app")
    expect(lanes).to_have_count(4)
    page.get_by_role("button", name="only with problems").click()
    expect(lanes).to_have_count(1)
    page.get_by_role("button", name="only with problems").click()
    page.get_by_role("button", name="fold all").click()
    expect(lanes).to_have_count(0)
    page.get_by_role("button", name="/prod/pay", exact=True).click()
    expect(lanes).to_have_count(2)


def test_late_events_and_events_dated_ahead_do_not_hide_the_rest(
    chromium: Browser, aws: str
) -> None:
    with world("page-live") as made, visiting(chromium, made.url) as visit:
        page = visit.page
        made.task(60, "/prod/first")
        visit.open("#/timeline?cluster=prod&last=hour", token=made.token)
        expect(page.get_by_role("link", name="Task of /prod/first")).to_be_visible()
        made.task(-86_400, "/prod/ahead", late=-86_400)
        made.stage.store.note_day("prod", "2026-11-25")
        page.clock.run_for(6000)
        expect(page.get_by_role("link", name="Task of /prod/ahead")).to_be_visible()
        made.task(-8, "/prod/next")
        page.clock.run_for(6000)
        expect(page.get_by_role("link", name="Task of /prod/next")).to_be_visible()
        made.task(1200, "/prod/late")
        for _ in range(12):  # once in a minute it looks further back
            with page.expect_response("**/events?*"):
                page.clock.run_for(5000)
        expect(page.get_by_role("link", name="Task of /prod/late")).to_be_visible()
