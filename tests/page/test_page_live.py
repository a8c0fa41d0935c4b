"""The page on the local system: the real API, and events that the table's stream brought."""

from ops.deploying import page as built
from ops.stage import access

from playwright.sync_api import Browser, expect

from chalicelib import times
from chalicelib.records import items
from chalicelib.services.clusters import Cluster
from local.scenario import CREATED, FAILED, SCALED, Event, again
from local.system import System
from tests.support.browser import visiting
from tests.support.records import record

SCALING = SCALED[1]["plan"]["id"]
RANGE = "from=2016-04-24T09:27:00.000Z&to=2016-04-24T09:31:00.000Z"


def store(system: System, *events: Event) -> None:
    for event in events:
        made = record(**event)
        system.stage.store.put(made)
        system.stage.store.note_day(made.cluster, items.day_of(made.id))
        system.stage.store.note_deployment(made, None)


def test_the_page_shows_what_marathon_sent(chromium: Browser, running: System) -> None:
    built.ensure()
    running.stage.clusters.claim(Cluster("prod", "http://m", "f"))
    store(running, *CREATED, *SCALED, *FAILED)
    token = access.grant(running.stage, "test", "", None)[0]
    with visiting(chromium, f"{running.api}/", stopped=False) as visit:
        page = visit.page
        visit.open(token=token)
        expect(page.get_by_role("link", name="prod", exact=True)).to_be_visible()
        visit.go(f"#/timeline?cluster=prod&{RANGE}")
        failed = page.get_by_role("link", name="Container exited with status 137")
        expect(failed).to_be_visible()
        expect(page.get_by_role("link", name="my-app", exact=True)).to_be_visible()
        failed.click()
        expect(page.locator(".panel")).to_contain_text('taskStatus: "TASK_FAILED"')
        visit.go(f"#/timeline?cluster=prod&{RANGE}&deployment={SCALING}")
        expect(page.locator(".panel .headline")).to_contain_text("succeeded")
        expect(page.locator(".panel")).to_contain_text("scale /my-app from 2 to 4")
        visit.go(f"#/timeline?cluster=prod&app=/my-app&severity=error&{RANGE}")
        expect(page.locator(".feed li")).to_have_count(1)

        visit.go("#/timeline?cluster=prod&last=hour")
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        store(running, *again(FAILED, times.from_iso(FAILED[0]["timestamp"]), times.now()))
        page.evaluate("dispatchEvent(new Event('online'))")  # now, not in some seconds
        expect(
            page.get_by_role("link", name="Container exited with status 137").first
        ).to_be_visible()
        expect(page.get_by_role("link", name="my-app", exact=True)).to_be_visible()
