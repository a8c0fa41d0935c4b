"""An event in one sentence that a person can read.

It contains only what is safe to show: no command, environment, message content or callback URL.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from chalicelib.marathon import ids, models, waiting
from chalicelib.marathon.masking import mask_text
from chalicelib.marathon.plans import actions, instances, kind, step_number, target
from chalicelib.marathon.severity import cancelled
from chalicelib.marathon.subjects import About, known
from chalicelib.text import shortened
from chalicelib.times import duration, usable_timestamp

TITLE_CHARACTERS = 140

_TASK_STATES = {
    "TASK_STAGING": "is staging",
    "TASK_STARTING": "is starting",
    "TASK_RUNNING": "is running",
    "TASK_KILLING": "is being killed",
    "TASK_KILLED": "was killed",
    "TASK_FINISHED": "finished",
    "TASK_FAILED": "failed",
    "TASK_ERROR": "could not be started",
    "TASK_LOST": "was lost",
    "TASK_UNREACHABLE": "is unreachable",
    "TASK_GONE": "is gone",
    "TASK_GONE_BY_OPERATOR": "was declared gone by an operator",
    "TASK_DROPPED": "was dropped before it started",
    "TASK_UNKNOWN": "is unknown to Mesos",
}

_CONDITIONS = {
    "Created": "was created",
    "Reserved": "has its resources reserved",
    "Scheduled": "is scheduled",
    "Provisioned": "is provisioned",
    "Staging": "is staging",
    "Starting": "is starting",
    "Running": "is running",
    "Killing": "is being killed",
    "Killed": "was killed",
    "Finished": "finished",
    "Failed": "failed",
    "Error": "could not be started",
    "Unreachable": "is unreachable",
    "UnreachableInactive": "has been unreachable for too long",
    "Gone": "is gone",
    "Dropped": "was dropped before it started",
    "Unknown": "is unknown to Mesos",
}

ACTIONS = {
    "StartApplication": "start",
    "ScaleApplication": "scale",
    "RestartApplication": "restart",
    "StopApplication": "stop",
    "KillAllOldTasksOf": "kill the old tasks of",
    "ResolveArtifacts": "fetch the artifacts of",
    "StartPod": "start pod",
    "ScalePod": "scale pod",
    "RestartPod": "restart pod",
    "StopPod": "stop pod",
}
"""What a plan's actions do, in a word."""

_GAPS = {
    "leader_changed": "Marathon's leader changed",
    "connection_lost": "the connection was lost",
    "relay_stopped": "it was stopped",
    "cut_off": "Marathon cut it off",
    "spool_full": "its spool was full",
}

_NAMES_SHOWN = 2


def title(event: models.Event, about: About) -> str:
    """The event in one line of plain text of at most 140 characters."""
    say = _SENTENCES.get(event.eventType or "", _unknown_type)
    return shortened(mask_text(say(event, about)), TITLE_CHARACTERS)


def _definition(event: models.ApiPostEvent, about: About) -> str:
    app = event.appDefinition or {}
    size = ", ".join(
        _counted(app[key], unit)
        for key, unit in (("instances", "instance"), ("cpus", "CPU"), ("mem", "MB"))
        if isinstance(app.get(key), int | float)
    )
    what = f"Definition of {about.app or 'an app'} submitted{_by(event.clientIp)}"
    return f"{what}: {size}" if size else what


def _task_status(event: models.StatusUpdateEvent, about: About) -> str:
    state = _TASK_STATES.get(about.status or "", f"is in state {about.status or 'unknown'}")
    return f"Task{_of(about)} {state}{_on(about)}{_because(event.message)}"


def _instance(event: models.InstanceChangedEvent, about: About) -> str:
    condition = about.status or "unknown"
    return f"Instance{_of(about)} {_CONDITIONS.get(condition, f'is {condition}')}{_on(about)}"


def _instance_health(event: models.InstanceHealthChangedEvent, about: About) -> str:
    health = {True: "is healthy", False: "is unhealthy", None: "has no known health"}
    return f"Instance{_of(about)} {health[event.healthy]}"


def _health_status(event: models.HealthStatusChangedEvent, about: About) -> str:
    alive = {True: "passes", False: "no longer passes", None: "has no known result of"}
    what = "Instance" if about.instance else "Task"
    return f"{what}{_of(about)} {alive[event.alive]} its health check"


def _failed_check(event: models.FailedHealthCheckEvent, about: About) -> str:
    return f"Health check{_check(event.healthCheck)}{_of(about)} failed"


def _added_check(event: models.AddHealthCheckEvent, about: About) -> str:
    return f"Health check{_check(event.healthCheck)}{_of(about)} added"


def _removed_check(event: models.RemoveHealthCheckEvent, about: About) -> str:
    return f"A health check{_of(about)} removed"


def _unhealthy(what: str, event: models.UnhealthyTaskKillEvent, about: About) -> str:
    return f"Unhealthy {what}{_of(about)}{_on(about)} is killed{_because(event.reason)}"


def _unknown(what: str, event: models.Event, about: About) -> str:
    return f"{what}{_of(about)} that Marathon does not know ended{_because(about.status)}"


def _terminated(event: models.AppTerminatedEvent, about: About) -> str:
    return f"App {about.app} was deleted" if about.app else "An app was deleted"


def _executor(event: models.FrameworkMessageEvent, about: About) -> str:
    size = f" of {len(event.message)} bytes" if isinstance(event.message, list) else ""
    return f"Message{size} from the executor{_of(about)}"


def _subscription(what: str, event: models.SubscribeEvent, about: About) -> str:
    return f"Event subscription{_host(event.callbackUrl)} {what}{_by(event.clientIp)}"


def _pod_created(event: models.PodCreatedEvent, about: About) -> str:
    return f"A pod was created{_by(event.clientIp)} (Marathon does not say which)"


def _pod_event(what: str, event: models.PodEvent, about: About) -> str:
    return f"{_pod(about)} was {what}{_by(event.clientIp)}"


def _group_changed(event: models.GroupChangeSuccess, about: About) -> str:
    return f"Change{_in_group(event)} accepted"


def _group_failed(event: models.GroupChangeFailed, about: About) -> str:
    return f"Change{_in_group(event)} rejected{_because(event.reason)}"


def _deployment_step(what: str, event: models.DeploymentStepEvent, about: About) -> str:
    return f"Deployment {_step(event)} {what}{_doing(event)}"


def _deployed(event: models.DeploymentSuccess, about: About) -> str:
    nothing = event.plan is not None and not event.plan.steps
    return f"Deployment{_deployment(about)} succeeded{': nothing to change' if nothing else ''}"


def _not_deployed(event: models.DeploymentFailed, about: About) -> str:
    end = "was cancelled" if cancelled(event) else "failed"
    return f"Deployment{_deployment(about)} {end}{_because(event.reason)}"


def _registered(event: models.SchedulerRegisteredEvent, about: About) -> str:
    framework = f" as framework {event.frameworkId}" if event.frameworkId else ""
    return f"Marathon registered with {_master(event.master)}{framework}"


def _reregistered(event: models.SchedulerReregisteredEvent, about: About) -> str:
    return f"Marathon is connected again to {_master(event.master)}"


def _disconnected(event: models.SchedulerDisconnectedEvent, about: About) -> str:
    return "Marathon lost its connection to the Mesos master"


def _stream(what: str, event: models.EventStreamAttached, about: About) -> str:
    return f"Event stream {what}{_by(event.remoteAddress)}"


def _gap(event: models.RelayGap, about: About) -> str:
    name = f"Relay {event.relay}" if known(event.relay) else "A relay"
    cause = _GAPS.get(event.cause or "", event.cause or "")
    what = f"{name} was not listening{_for_how_long(event)}{_because(cause)}"
    return f"{what}; {_counted(len(event.changed), 'change')} meanwhile" if event.changed else what


def _for_how_long(event: models.RelayGap) -> str:
    begin, end = (usable_timestamp(each) for each in (event.from_, event.to))
    if not (begin and end):
        return ""
    seconds = (end - begin).total_seconds()
    return f" for {duration(seconds)}" if seconds >= 1 else " for less than a second"


def _waiting(event: models.RelayWaiting, about: About) -> str:
    return waiting.title(event, about.subject.partition(":")[2], TITLE_CHARACTERS)


def _unknown_type(event: models.Event, about: About) -> str:
    return f"Event of unknown type {event.eventType}{f' about {about.app}' if about.app else ''}"


def _of(about: About) -> str:
    return f" of {about.app}" if about.app else ""


def _on(about: About) -> str:
    return f" on {about.host}" if about.host else ""


def _by(address: str | None) -> str:
    return f" by {address}" if known(address) else ""


def _because(reason: str | None) -> str:
    return f": {mask_text(reason)}" if reason and known(reason) else ""


def _pod(about: About) -> str:
    pod = about.subject.removeprefix("pod:")
    return f"Pod {pod}" if pod != about.subject else "A pod"


def _in_group(event: models.GroupChangeSuccess) -> str:
    return f" in group {ids.path(event.groupId)}" if event.groupId else ""


def _master(master: str | None) -> str:
    return f"the Mesos master {master}" if known(master) else "a Mesos master"


def _host(url: str | None) -> str:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        host = None
    return f" for {host}" if host else ""


def _check(check: dict[str, Any] | None) -> str:
    """Which check: its protocol and path, and the port by which two on one path differ."""
    check = check or {}
    words = [check.get(key) for key in ("protocol", "path")]
    named = "".join(f" {word}" for word in words if isinstance(word, str) and word)
    port = check.get("port", check.get("portIndex"))
    if isinstance(port, bool) or not isinstance(port, int | str) or port == "":
        return named
    by_index = "port" not in check and isinstance(port, int)
    return f"{named} on port {'index ' if by_index else ''}{port}"


def _deployment(about: About) -> str:
    if about.apps:
        return f" of {_names(list(about.apps))}"
    return f" {about.deployment}" if about.deployment else ""


def _names(names: list[str], total: int = 0) -> str:
    """``a, b and 7 more``. ``total``: how many there are, if only the first ones are given."""
    total = max(total, len(names))
    if total > _NAMES_SHOWN + 1:
        names = [*names[:_NAMES_SHOWN], f"{total - _NAMES_SHOWN} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _step(event: models.DeploymentStepEvent) -> str:
    number = step_number(event)
    steps = event.plan.steps if event.plan and event.plan.steps else []
    return f"step {number} of {len(steps)}" if number else "step"


def _doing(event: models.DeploymentStepEvent) -> str:
    todo = actions(event.currentStep) if event.currentStep else []
    # Each one is looked up in the plan's groups. Of a thousand, look up only those that will be
    # shown.
    words = [_action(action, event.plan) for action in todo[: _NAMES_SHOWN + 1]]
    return f": {_names(words, len(todo))}" if words else ""


def _action(action: models.Action, plan: models.Plan | None) -> str:
    name = target(action) or "?"
    verb = ACTIONS.get(kind(action), kind(action))
    return f"{verb} {name}{_instances(action, plan)}"


def _instances(action: models.Action, plan: models.Plan | None) -> str:
    """From how many to how many instances, if the event says it (a light plan does not)."""
    before, after = instances(action, plan)
    if before is not None and after is not None and before != after:
        return f" from {before} to {_counted(after, 'instance')}"
    scaled = kind(action).startswith("Scale") or action.scaleTo is not None
    return f" to {_counted(after, 'instance')}" if after is not None and scaled else ""


def _counted(value: float, unit: str) -> str:
    number = str(value) if isinstance(value, int) else f"{value:.10g}"
    return f"{number} {unit}" if number == "1" or unit == "MB" else f"{number} {unit}s"


_SENTENCES: dict[str, Callable[[Any, About], str]] = {
    "api_post_event": _definition,
    "status_update_event": _task_status,
    "framework_message_event": _executor,
    "subscribe_event": partial(_subscription, "added"),
    "unsubscribe_event": partial(_subscription, "removed"),
    "add_health_check_event": _added_check,
    "remove_health_check_event": _removed_check,
    "failed_health_check_event": _failed_check,
    "health_status_changed_event": _health_status,
    "unhealthy_task_kill_event": partial(_unhealthy, "task"),
    "unhealthy_instance_kill_event": partial(_unhealthy, "instance"),
    "unknown_task_terminated_event": partial(_unknown, "A task"),
    "unknown_instance_terminated_event": partial(_unknown, "An instance"),
    "instance_changed_event": _instance,
    "instance_health_changed_event": _instance_health,
    "app_terminated_event": _terminated,
    "pod_created_event": _pod_created,
    "pod_updated_event": partial(_pod_event, "changed"),
    "pod_deleted_event": partial(_pod_event, "deleted"),
    "group_change_success": _group_changed,
    "group_change_failed": _group_failed,
    "deployment_info": partial(_deployment_step, "began"),
    "deployment_step_success": partial(_deployment_step, "succeeded"),
    "deployment_step_failure": partial(_deployment_step, "failed"),
    "deployment_success": _deployed,
    "deployment_failed": _not_deployed,
    "scheduler_registered_event": _registered,
    "scheduler_reregistered_event": _reregistered,
    "scheduler_disconnected_event": _disconnected,
    "event_stream_attached": partial(_stream, "opened"),
    "event_stream_detached": partial(_stream, "closed"),
    "relay_gap": _gap,
    "relay_waiting": _waiting,
}
