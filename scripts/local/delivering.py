"""The function ``deliver`` on this machine, and stubs of a chat and of a pager."""

import contextlib
import io
import zipfile
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ops.deploying import roles
from ops.stage import queues
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.subscribing import subscriptions, targets
from ops.subscribing.filters import Filters

from chalicelib.services.targets import queue_name
from local import services
from local.background import regularly
from local.functions import hand_over

_EACH_SECONDS = 0.5


def make_deliver(stage: Stage) -> None:
    """The function as far as the scripts see it: they look whether it is there, and make mappings
    for it.
    """
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    client("lambda").create_function(
        FunctionName=f"marathon-events-{stage.name}-deliver",
        Runtime="python3.11",
        Role=roles.arns(stage.name)["deliver"],
        Handler="app.deliver",
        Code={"ZipFile": code.getvalue()},
    )


@contextlib.contextmanager
def heard(
    functions: ModuleType, stage: Stage, delivered: Callable[[str, str], None]
) -> Iterator[None]:
    """A chat and a pager that hear the alerts, beside whatever else is subscribed. ``delivered`` is
    called with each one's name, and what it got in a line.
    """
    make_deliver(stage)
    with services.serving() as there:
        there.on_taken = lambda name, body: delivered(*_line(name, body))
        for address in (services.SLACK, services.PAGERDUTY):
            subscriptions.subscribe(stage, targets.target(address, stage), "alerts", Filters())
        with regularly(lambda: _pump(functions, stage), _EACH_SECONDS):
            yield


def _pump(functions: ModuleType, stage: Stage) -> None:
    for url in queues.find_all(queue_name(stage.name, "")):
        found = client("sqs").receive_message(QueueUrl=url, AttributeNames=["All"])
        for message in found.get("Messages", []):
            hand_over(functions.deliver, url, [dict(message)])


def _line(name: str, body: Any) -> tuple[str, str]:
    match name, body:
        case "slack", {"attachments": [{"title": str(title)}]}:
            return "Slack", title
        case "pagerduty", {"event_action": "trigger", "payload": {"summary": str(summary)}}:
            return "PagerDuty", f"triggered: {summary}"
    return "PagerDuty", "resolved"
