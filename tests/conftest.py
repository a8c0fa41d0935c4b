"""What the tests share: an AWS on this machine, and stages in it from the real templates."""

import gc
import os
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from ops import ROOT
from ops.cli import Failure
from ops.deploying import page
from ops.stage import clients
from ops.stage.resources import Stage

import hypothesis
import pytest
import werkzeug.serving
from werkzeug.serving import ThreadedWSGIServer

from chalicelib import ingest
from chalicelib.services import aws as services
from local import cloud
from local.system import System, system
from tests.support import browser, haste, proxy, strict_aws
from tests.support.alone import api_alone
from tests.support.proxy import Proxy


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """An AWS of this test process; its address."""
    with cloud.running() as endpoint:
        yield endpoint


@pytest.fixture
def stage(aws: str) -> Stage:
    """A stage of the test's own, in an AWS that it shares."""
    return cloud.make_stage(f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table gets more time than Marathon would give it: this machine may be slow, and a test
    that is not about time should see an event stored, not spilled.
    """
    monkeypatch.setattr(ingest, "TOKEN_SECONDS", 10.0)
    monkeypatch.setattr(ingest, "RECORD_SECONDS", 10.0)


@pytest.fixture
def patient(unhurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """So does the SDK give it, for clients that are made from now on, as ``between`` makes them."""
    config = services._config(connect=5, read=10, attempts=1)  # noqa: SLF001
    monkeypatch.setattr(services, "_URGENT_TABLE", config)


@pytest.fixture
def running(stage: Stage, unhurried: None) -> Iterator[System]:
    """The whole system on a stage of the test's own."""
    with system(stage) as made:
        yield made


@pytest.fixture
def served(stage: Stage, unhurried: None) -> Iterator[System]:
    """The API of a stage of the test's own. Nothing reads its stream."""
    with api_alone(stage) as made:
        yield made


@pytest.fixture
def between(aws: str) -> Iterator[Proxy]:
    """A proxy between the functions and AWS. Ask for it before what makes the functions."""
    for service in ("cloudformation", "dynamodb", "dynamodbstreams", "sns", "sqs"):
        clients.client(service)  # those of the tests themselves go straight to AWS
    with proxy.running(aws) as (made, address):
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", address)
            services.forget()
            yield made
        services.forget()


@pytest.fixture
def between_scripts(between: Proxy) -> Iterator[Proxy]:
    """The same between the scripts and AWS, too."""
    clients.forget()
    yield between
    clients.forget()


# moto's modules are a million objects, which the collector would look through again and again.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 50, 100)


class Untraced(ThreadedWSGIServer):
    """moto's threads run no code of ours: measuring its coverage would only slow them."""

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        sys.settrace(None)
        super().process_request_thread(request, client_address)


werkzeug.serving.ThreadedWSGIServer = Untraced  # type: ignore[misc]

strict_aws.install()
haste.install()

# This machine may be slow now and then; that is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


# Why there is no page, or no browser, to test; the workers inherit it. Empty where all is there.
NO_PAGE, NO_BROWSER = "TESTS_NO_PAGE", "TESTS_NO_BROWSER"


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for what runs beside them."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Get what the page's tests need, once for all workers."""
    if hasattr(config, "workerinput") or not _concerns_the_page(config):
        return
    os.environ[NO_PAGE] = os.environ[NO_BROWSER] = ""
    try:
        page.ensure()
    except Failure as failure:
        os.environ[NO_PAGE] = str(failure).splitlines()[0].rstrip(":") + "."
    if browser.find() is None:
        os.environ[NO_BROWSER] = "There is no chromium: install Debian's package of that name."
    if os.environ.get("CI") and (missing := _missing()):
        pytest.exit(missing, returncode=1)


def _concerns_the_page(config: pytest.Config) -> bool:
    asked = [(ROOT / each.partition("::")[0]).resolve() for each in config.args]
    tests = ROOT / "tests" / "page"
    return any(each == tests or each in tests.parents or tests in each.parents for each in asked)


def _missing() -> str:
    return os.environ.get(NO_PAGE) or os.environ.get(NO_BROWSER) or ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what can't be tested here."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if reason := _missing() if "chromium" in names else "":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def built_page() -> None:
    """The page is built. Skips the test where it can't be."""
    if reason := os.environ.get(NO_PAGE):
        pytest.skip(reason)


def pytest_sessionfinish() -> None:
    """pytest looks for what nobody closed in five collections; one is enough for what is old."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was left out; and what the fault suite counted, of whichever workers it ran on."""
    if missing := _missing():
        terminalreporter.write_line(f"Not tested: the page in a browser. {missing}")
    ran = [
        (report, dict(report.user_properties)["fault"])
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and "fault" in dict(report.user_properties)
    ]
    if ran:
        survived = sum(report.passed for report, _ in ran)
        sent, lost, twice, in_all = (sum(counted[n] for _, counted in ran) for n in range(4))
        terminalreporter.write_line(
            f"faults survived: {survived} of {len(ran)}, events lost: {lost}, notified twice: "
            f"{twice} ({sent} events; {in_all - twice} doubles in the cases that the design lists)"
        )
