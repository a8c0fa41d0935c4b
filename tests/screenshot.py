"""Take the README's picture of the page: a night of a cluster, told by the local system; and draw
what arrives at a chat and at a pager.
"""

import random
from collections.abc import Iterator
from datetime import timedelta

from ops import ROOT, cli
from ops.cli import Failure, out
from ops.deploying import page
from ops.stage import access

from playwright.sync_api import sync_playwright

from chalicelib import times
from chalicelib.services.clusters import Cluster
from local import cloud
from local.scenario import Event
from local.system import System, system
from tests import arrivals
from tests.support.browser import ARGS, find
from tests.support.night import record_at
from tests.support.page_data import APPS
from tests.support.records import keep

PICTURE = ROOT / "docs" / "page.png"
_MOST_BYTES = 200_000
_HOURS = 9
_DEPLOYMENTS = 26
_STATES = ["TASK_RUNNING", "TASK_KILLED", "TASK_FINISHED", "TASK_FAILED"]
_OUTCOMES = ["deployment_success"] * 6 + ["deployment_failed"]


def main() -> int:
    """Run the command."""
    program = find()
    if program is None:
        raise Failure("There is no chromium here: install Debian's package chromium.")
    page.ensure()
    with cloud.running(), system(cloud.make_stage("dev")) as made:
        made.stage.clusters.claim(Cluster("prod", "http://marathon", "f"))
        for event in _night():
            _store(made, event)
        token = access.grant(made.stage, "screenshot", "", None)[0]
        _take(program, f"{made.api}/", token)
    for picture in (PICTURE, arrivals.draw(program)):
        if picture.stat().st_size > _MOST_BYTES:
            raise Failure(f"{picture} has {picture.stat().st_size:,} bytes: too many for a README.")
        out(str(picture))
    return 0


def _take(program: str, url: str, token: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGS)
        shown = browser.new_page(viewport={"width": 1280, "height": 660}, color_scheme="light")
        shown.goto(f"{url}#token={token}")
        shown.get_by_role("link", name="Timeline").click()
        shown.get_by_role("button", name="last day").wait_for()
        end = times.now()
        begin = end - timedelta(hours=_HOURS)
        address = f"#/timeline?cluster=prod&from={times.iso(begin)}&to={times.iso(end)}"
        shown.evaluate("address => { location.hash = address }", address)
        shown.locator(".feed li").first.wait_for()
        shown.get_by_text(
            "relay was not listening", exact=True
        ).wait_for()  # the last that is loaded
        shown.locator("footer").get_by_text("not loaded").wait_for(state="detached")
        shown.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
        shown.screenshot(path=str(PICTURE))
        browser.close()


def _store(made: System, event: Event) -> None:
    stored = record_at(event, times.from_iso(event["timestamp"]))
    keep(made.stage.store, stored)


def _night() -> Iterator[Event]:
    """What happened in the last hours, the same each time."""
    chance = random.Random(4)
    for _ in range(260):
        app, host = chance.choice(APPS), f"node-{chance.randint(1, 9)}.example.net"
        state = chance.choices(_STATES, [80, 12, 6, 2])[0]
        yield _task(_ago(chance.uniform(60, _HOURS * 3600)), app, host, state)
    for n in range(_DEPLOYMENTS):
        apps = chance.sample(APPS[:3], 2) if n % 5 == 0 else [chance.choice(APPS)]
        begin = (n + 1) * _HOURS * 3600 / _DEPLOYMENTS  # one after the other: Marathon locks apps
        yield from _deployment(n, begin, chance.uniform(200, 1200), apps, chance.choice(_OUTCOMES))
    for n in range(9):
        yield _task(_ago(5000 - n * 90), "/prod/web", "node-7.example.net", "TASK_FAILED")
    gap = {"from": _ago(16_000), "to": _ago(14_800), "relay": "relay-1", "cause": "leader_changed"}
    yield {"eventType": "relay_gap", "timestamp": gap["to"], **gap}


def _ago(seconds: float) -> str:
    return times.iso(times.now() - timedelta(seconds=seconds))


def _task(time: str, app: str, host: str, state: str) -> Event:
    message = "Container exited with status 137" if state == "TASK_FAILED" else ""
    return {
        "eventType": "status_update_event",
        "timestamp": time,
        "appId": app,
        "taskId": f"{app.strip('/').replace('/', '_')}.{abs(hash((time, app))):x}",
        "taskStatus": state,
        "message": message,
        "host": host,
    }


def _deployment(n: int, ago: float, seconds: float, apps: list[str], end: str) -> Iterator[Event]:
    step = {"actions": [{"action": "RestartApplication", "app": app} for app in apps]}
    plan = {"id": f"0dd{n:05}-2222-4333-8444-555566667777", "steps": [step]}
    begin, done = _ago(ago), _ago(max(60, ago - seconds))
    about = {"plan": plan, "currentStep": step}
    yield {"eventType": "deployment_info", "timestamp": begin, **about}
    if end == "deployment_success":
        yield {"eventType": "deployment_step_success", "timestamp": done, **about}
    yield {"eventType": end, "id": plan["id"], "timestamp": done, "plan": plan}


if __name__ == "__main__":
    cli.run(main)
