"""Debian's chromium, by Playwright. Where it is missing, it is installed if we are root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_ARGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_INSTALL_SECONDS = 300


@contextmanager
def browser() -> Iterator[Browser]:
    """A chromium without a window. Skips the test where there is none; in CI the test fails."""
    program = shutil.which("chromium") or _install()
    if program is None:
        missing = "no chromium here: install Debian's package chromium to run the page's tests"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=_ARGS)
        yield made
        made.close()


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
