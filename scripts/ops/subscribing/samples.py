"""A sample that passes a filter policy: an event as Marathon would send it, read and published by
the code that real ones take, or an alert. It is marked as a test.
"""

import dataclasses
import itertools
import json
import uuid
from collections.abc import Iterator
from typing import Any

from ops.cli import Failure
from ops.subscribing.filters import STATES, Policy, UnreadableRule, candidates, matches
from ops.subscribing.targets import TopicName

from chalicelib import times
from chalicelib.marathon.models import MODELS
from chalicelib.marathon.reading import read
from chalicelib.marathon.severity import BY_CONDITION, BY_HEALTH, BY_TASK_STATE, BY_WAITING
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records.incident import State
from chalicelib.records.notification import Notification, as_sms, message, notification, with_texts
from chalicelib.records.record import identify, record_of
from chalicelib.text import plain

_APP = "/test/sample"
_CLUSTER = "test"
_HOST = "node-1.example.net"
_TITLE_CHARACTERS = 140
_SHOWN = 300
# The conditions in which an instance has ended, or may have.
_ENDS = [condition for condition, severity in BY_CONDITION.items() if severity != "info"]
# Alerts tell of warnings and errors only.
_ALERT_SEVERITIES = ("error", "warning")
# Of each attribute so many values are tried: a filter with more than these has simpler ones too.
_TRIED = 5


def sample(policy: Policy, topic: TopicName, clusters: list[str]) -> Notification:
    """A message that passes the policy. ``clusters``: those that the stage knows. Raises Failure if
    none can, and if the policy can't be read here.
    """
    named = [*candidates(policy, "cluster"), *clusters, _CLUSTER]
    made = _events(policy, named) if topic == "events" else _alerts(policy, named)
    try:
        found = next((each for each in made if matches(policy, values(each))), None)
    except UnreadableRule as rule:
        raise Failure(
            f"Its filter has a rule that can't be read here: {rule}. So no sample can be made for "
            "it; publish one by hand (aws sns publish)."
        ) from None
    if found is None:
        what = "event of Marathon 0.1 to 1.11" if topic == "events" else "alert"
        raise Failure(
            f"No {what} passes its filter, {plain(json.dumps(policy), _SHOWN)}, so it will hear "
            "nothing. Subscribe again with other filters."
        )
    return found


def pair(alert: Notification) -> tuple[Notification, Notification]:
    """The alert that opens an incident, and that which resolves it, as that one but for this."""
    named = alert.attributes
    opened, resolved = (
        _alert(named["cluster"], named["subject"], named["severity"], state)
        for state in ("opened", "resolved")
    )
    return opened, resolved


def values(made: Notification) -> dict[str, list[str]]:
    """The values of a message's attributes, as filter policies see them."""
    found = {name: [value] for name, value in made.attributes.items()}
    return found | ({"apps": json.loads(made.apps)} if made.apps else {})


def _events(policy: Policy, clusters: list[str]) -> Iterator[Notification]:
    now = times.now()
    apps = [*candidates(policy, "apps"), *candidates(policy, "app")]
    apps += [each.partition(":")[2] for each in candidates(policy, "subject")]
    paths = [each for each in apps if each.startswith("/")]
    deployment = next(iter(candidates(policy, "deployment")), str(uuid.uuid4()))
    for cluster, app in itertools.product(_some(clusters), _some([*paths, _APP])):
        for body in _bodies(app, deployment):
            text = json.dumps(body | {"timestamp": times.iso(now)}).encode()
            reading = read(text)
            record = record_of(identify(text, now), cluster, now, reading, text)
            title = plain(f"Test: {record.title}", _TITLE_CHARACTERS)
            marked = dataclasses.replace(record, title=title)
            yield notification(marked, mark="test", run=times.compact(now))


def _alerts(policy: Policy, clusters: list[str]) -> Iterator[Notification]:
    of_apps = [f"app:{app}" for app in (*candidates(policy, "apps"), _APP)]
    subjects = [*_some([*candidates(policy, "subject"), *of_apps]), MARATHON]
    for cluster, subject in itertools.product(_some(clusters), subjects):
        for severity, state in itertools.product(_ALERT_SEVERITIES, STATES):
            yield _alert(cluster, subject, severity, state)


def _alert(cluster: str, subject: str, severity: str, state: State) -> Notification:
    kind, _, app = subject.partition(":")
    text = (
        "This is a test, sent with scripts/subscribe.py. Nothing is wrong.\n\n"
        f"A real alert would say here what happened to {app or kind} in cluster {cluster}."
    )
    title = f"Test: [{cluster}] {severity} of {app or kind}: {state}"
    attributes = {"cluster": cluster, "severity": severity, "subject": subject, "state": state}
    made = message(title, text, attributes, [app] if kind in ("app", "pod") else [])
    return with_texts(made, text, as_sms(title))


def _some(found: list[str]) -> list[str]:
    return list(dict.fromkeys(found))[:_TRIED]


def _bodies(app: str, deployment: str) -> Iterator[dict[str, Any]]:
    """An event of each type, and of each outcome that has a severity of its own."""
    for type_ in MODELS:
        for fields in _fields(type_, app, deployment):
            yield {"eventType": type_, **fields}


def _fields(type_: str, app: str, deployment: str) -> Iterator[dict[str, Any]]:
    of_instance: dict[str, Any] = {
        "runSpecId": app,
        "instanceId": "sample.instance-1",
        "host": _HOST,
    }
    of_task: dict[str, Any] = {"appId": app, "taskId": "sample.1", "host": _HOST}
    actions = [{"action": "RestartApplication", "app": app}]
    plan = {"id": deployment, "steps": [{"actions": actions}]}
    match type_:
        case "api_post_event":
            yield {"appDefinition": {"id": app}, "clientIp": "192.0.2.1", "uri": f"/v2/apps{app}"}
        case "status_update_event":
            yield from (of_task | {"taskStatus": state} for state in BY_TASK_STATE)
        case "instance_changed_event":
            yield from (of_instance | {"condition": condition} for condition in BY_CONDITION)
        case "health_status_changed_event":
            yield from ({"appId": app, "alive": alive} for alive in (True, False))
        case "instance_health_changed_event":
            yield from (of_instance | {"healthy": healthy} for healthy in BY_HEALTH)
        case "unknown_task_terminated_event":
            yield from (of_task | {"runSpecId": app, "status": end} for end in _ENDS)
        case "unknown_instance_terminated_event":
            yield from (of_instance | {"condition": end} for end in _ENDS)
        case "framework_message_event":
            yield of_task | {"executorId": "sample.1", "message": "", "slaveId": "1"}
        case "unhealthy_instance_kill_event":
            yield of_task | {"instanceId": "sample.instance-1"}
        case "group_change_success" | "group_change_failed":
            yield {"groupId": app}
        case "deployment_success":
            yield {"id": deployment, "plan": plan}
        case "deployment_failed":
            yield {"id": deployment, "plan": plan}
            yield {"id": deployment, "plan": plan, "reason": "The deployment was cancelled."}
        case "deployment_info" | "deployment_step_success" | "deployment_step_failure":
            yield {"plan": plan, "currentStep": {"actions": actions}}
        case "pod_created_event" | "pod_updated_event" | "pod_deleted_event":
            yield {"uri": f"/v2/pods{app}", "clientIp": "192.0.2.1"}
        case "subscribe_event" | "unsubscribe_event":
            yield {"callbackUrl": "https://listener.example.net/", "clientIp": "192.0.2.1"}
        case "scheduler_registered_event" | "scheduler_reregistered_event":
            yield {"frameworkId": "sample", "master": "master-1.example.net"}
        case "scheduler_disconnected_event":
            yield {}
        case "event_stream_attached" | "event_stream_detached":
            yield {"remoteAddress": "192.0.2.1"}
        case "relay_gap":
            moment = times.iso(times.now())
            yield {"relay": "sample", "from": moment, "to": moment, "cause": "connection_lost"}
        case "relay_waiting":
            of_relay = {"relay": "sample", "appId": app, "count": 1}
            yield from (of_relay | {"state": state} for state in BY_WAITING)
        case _:
            yield of_task
