"""The real read API with the page, and what a Marathon told it before ``NOW``."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ops.deploying import page as built
from ops.stage import access
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.marathon.reading import read
from chalicelib.records.record import Record, identify, record_of
from chalicelib.services.clusters import Cluster
from local import cloud, functions
from tests.support.page_api import NOW
from tests.support.records import keep

Event = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A stage with one cluster, ``prod``; ``url``: of its page; ``token``: a reader's."""

    stage: Stage
    url: str
    token: str

    def tell(self, ago: float, event: Event, late: float = 0) -> Record:
        """Marathon tells an event of so many seconds before NOW; it comes ``late`` by others."""
        time = NOW - timedelta(seconds=ago)
        body = json.dumps({"timestamp": times.iso(time), **event}).encode()
        received = time + timedelta(seconds=late)
        reading = read(body)
        id_ = identify(body, reading.timestamp or received)
        record = record_of(id_, "prod", received, reading, body)
        keep(self.stage.store, record)
        return record

    def task(
        self, ago: float, app: str, state: str = "TASK_RUNNING", message: str = "", late: float = 0
    ) -> Record:
        """A task's new state."""
        about = {"appId": app, "taskId": f"t.{ago}", "host": "node-7"}
        status = {"taskStatus": state, "message": message, "eventType": "status_update_event"}
        return self.tell(ago, {**about, **status}, late)

    def deploy(
        self, id_: str, ago: float, seconds: float, before: Event, after: Event, *ends: str
    ) -> None:
        """A deployment that changes one app, its request, and its ends, one after the other."""
        version = times.iso(NOW - timedelta(seconds=ago))
        post = {"clientIp": "192.0.2.50", "uri": "/v2/apps", "eventType": "api_post_event"}
        self.tell(ago + 0.1, {**post, "appDefinition": {**after, "version": version}})
        steps = [{"actions": [{"action": "RestartApplication", "app": after["id"]}]}]
        sides = {"original": _root(before), "target": _root(after)}
        plan = {"id": id_, "version": version, "steps": steps, **sides}
        self.tell(ago, {"eventType": "deployment_info", "plan": plan, "currentStep": steps[0]})
        for n, end in enumerate(ends):
            about = {"eventType": f"deployment_{end}", "id": id_, "plan": plan}
            self.tell(ago - seconds - n / 1000, about)


@contextlib.contextmanager
def world(name: str) -> Iterator[World]:
    """A stage of that name with its API. An AWS must run."""
    built.ensure()
    stage = cloud.make_stage(name)
    stage.clusters.claim(Cluster("prod", "http://m", "f"))
    with functions.serving(functions.load(stage)) as port:
        token = access.grant(stage, "test", "", None)[0]
        yield World(stage, f"http://127.0.0.1:{port}/", token)


def _root(app: Event) -> Event:
    group = app["id"].rpartition("/")[0]
    return {"id": "/", "groups": [{"id": group, "apps": [app]}]}
