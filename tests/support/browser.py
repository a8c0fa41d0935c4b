"""Debian's chromium, by Playwright. Where it is missing, it is installed if we are root."""

import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ops.deploying import page as built

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.support.page_api import NOW, TOKEN, PageApi, serving, site

ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_INSTALL_SECONDS = 300
_MILLISECONDS = 10_000
WIDE = (1280, 800)
PHONE = (375, 740)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A chromium without a window."""
    program = find()
    assert program is not None  # or the tests that ask for it would have been skipped
    expect.set_options(timeout=_MILLISECONDS)
    with site(), sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=ARGS)
        yield made
        made.close()


def find() -> str | None:
    """The program, installed if need be and possible."""
    return shutil.which("chromium") or _install()


@dataclass
class Visit:
    """A page in a browser. ``errors``: what the browser complained of; ``strangers``: requests to
    other origins.
    """

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note what should not be."""
        heard: dict[Any, Callable[[Any], None]] = {
            "console": self._said,
            "pageerror": self._failed,
            "request": self._asked,
        }
        for name, note in heard.items():
            self.page.on(name, note)
        try:
            yield
        finally:
            for name, note in heard.items():
                self.page.remove_listener(name, note)

    def open(self, address: str = "#/now", token: str = TOKEN) -> None:
        """Come by a link with a token, and go to that address."""
        self.page.goto(f"{self.url}#token={token}")
        self.page.wait_for_url("**#/now*")
        self.go(address)

    def go(self, address: str) -> None:
        """Go to an address of the page, as by a link."""
        self.page.evaluate("address => { location.hash = address }", address)

    def _said(self, told: ConsoleMessage) -> None:
        # The browser notes each answer that is no success. It is the page that must deal with it.
        if told.type in ("error", "warning") and "Failed to load resource" not in told.text:
            self.errors.append(told.text)

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _asked(self, request: Request) -> None:
        own = self.url.split("/", 3)[:3]
        if request.url.split("/", 3)[:3] != own and not request.url.startswith("data:"):
            self.strangers.append(request.url)


@contextlib.contextmanager
def visiting(made: Browser, url: str, size: tuple[int, int] = WIDE) -> Iterator[Visit]:
    """A visit of an address, with the clock at the events' own time. Fails if the browser
    complained or asked elsewhere.
    """
    page = _window(made, size)
    visit = Visit(page, url)
    with visit.watched():
        page.clock.install(time=NOW)
        try:
            yield visit
        finally:
            _leave(visit)
    assert visit.errors == []
    assert visit.strangers == []


@functools.cache
def _window(made: Browser, size: tuple[int, int]) -> Page:
    """A window of a size: opening one takes as long as most visits."""
    context = made.new_context(
        viewport={"width": size[0], "height": size[1]},
        has_touch=size == PHONE,
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(_MILLISECONDS)
    return context.new_page()


def _leave(visit: Visit) -> None:
    """Leave nothing for the next visit, which may be of the same address."""
    page = visit.page
    page.mouse.move(0, 0)
    page.context.set_offline(False)
    page.emulate_media(color_scheme="light")
    for other in page.context.pages:
        if other is not page:
            other.close()
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    # Nothing runs there, and the browser needs no new process, as it would for about:blank.
    page.goto(f"{visit.url}page/nothing")


@contextlib.contextmanager
def opened(made: Browser, api: PageApi, size: tuple[int, int] = WIDE) -> Iterator[Visit]:
    """A visit of the page with that API."""
    built.ensure()
    with (
        serving(api) as url,
        visiting(made, url, size) as visit,
    ):
        yield visit
    assert api.wrong == []


def _install() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    for command in ("update", "install --yes --no-install-recommends chromium fonts-dejavu-core"):
        subprocess.run(
            ["apt-get", "--quiet", *command.split()],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=_INSTALL_SECONDS,
            capture_output=True,
            check=False,
        )
    return shutil.which("chromium")
