"""How important an event is. The tables below are the whole policy: change them as you like.

A type has either one severity, or a table that gives it by one value in the event.
"""

from typing import Literal

from chalicelib.marathon import models
from chalicelib.marathon.subjects import About

Severity = Literal["info", "notice", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "error")
BAD: tuple[Severity, ...] = ("warning", "error")

KILLED = ("TASK_KILLED", "Killed")
"""The states of what was killed: no single event says whether somebody asked for it."""

BY_TYPE: dict[str, Severity] = {
    "api_post_event": "notice",
    "framework_message_event": "info",
    "subscribe_event": "notice",
    "unsubscribe_event": "notice",
    "add_health_check_event": "info",
    "remove_health_check_event": "info",
    "failed_health_check_event": "warning",
    "unhealthy_task_kill_event": "error",
    "unhealthy_instance_kill_event": "error",
    "unknown_task_terminated_event": "notice",
    "unknown_instance_terminated_event": "notice",
    "app_terminated_event": "notice",
    "pod_created_event": "notice",
    "pod_updated_event": "notice",
    "pod_deleted_event": "notice",
    "group_change_success": "info",
    "group_change_failed": "warning",
    "deployment_info": "info",
    "deployment_step_success": "info",
    "deployment_step_failure": "warning",
    "deployment_success": "notice",
    "deployment_failed": "error",
    "scheduler_registered_event": "notice",
    "scheduler_reregistered_event": "notice",
    "scheduler_disconnected_event": "warning",
    "event_stream_attached": "info",
    "event_stream_detached": "info",
    "relay_gap": "warning",
}

# status_update_event. Deployments and scale-downs kill tasks as a matter of course; the event never
# says why. An app is meant to run, so an end by itself is a warning also with status 0.
BY_TASK_STATE: dict[str | None, Severity] = {
    "TASK_STAGING": "info",
    "TASK_STARTING": "info",
    "TASK_RUNNING": "info",
    "TASK_KILLING": "info",
    "TASK_KILLED": "notice",
    "TASK_FINISHED": "warning",
    "TASK_UNREACHABLE": "warning",
    "TASK_GONE_BY_OPERATOR": "warning",
    "TASK_FAILED": "error",
    "TASK_ERROR": "error",
    "TASK_LOST": "error",
    "TASK_GONE": "error",
    "TASK_DROPPED": "error",
    "TASK_UNKNOWN": "error",
}

# instance_changed_event.
BY_CONDITION: dict[str | None, Severity] = {
    "Created": "info",
    "Reserved": "info",
    "Scheduled": "info",
    "Provisioned": "info",
    "Staging": "info",
    "Starting": "info",
    "Running": "info",
    "Killing": "info",
    "Killed": "notice",
    "Finished": "warning",
    "Unreachable": "warning",
    "UnreachableInactive": "warning",
    "Failed": "error",
    "Error": "error",
    "Gone": "error",
    "Dropped": "error",
    "Unknown": "error",
}

# health_status_changed_event and instance_health_changed_event; None is "not known".
BY_HEALTH: dict[bool | None, Severity] = {True: "notice", False: "warning", None: "info"}

# relay_waiting.
BY_WAITING: dict[str | None, Severity] = {"waiting": "warning", "launched": "info"}

CANCELLED: Severity = "warning"
UNKNOWN_STATE: Severity = "warning"
UNKNOWN_TYPE: Severity = "info"
NOT_UNDERSTOOD: Severity = "warning"


def severity(event: models.Event, about: About) -> Severity:
    """The severity of an event that has a type."""
    match event:
        case models.StatusUpdateEvent():
            return BY_TASK_STATE.get(about.status, UNKNOWN_STATE)
        case models.InstanceChangedEvent():
            return BY_CONDITION.get(about.status, UNKNOWN_STATE)
        case models.HealthStatusChangedEvent():
            return BY_HEALTH[event.alive]
        case models.InstanceHealthChangedEvent():
            return BY_HEALTH[event.healthy]
        case models.RelayWaiting():
            return BY_WAITING.get(event.state, UNKNOWN_STATE)
        case models.DeploymentFailed() if cancelled(event):
            return CANCELLED
    return BY_TYPE.get(event.eventType or "", UNKNOWN_TYPE)


def cancelled(event: models.DeploymentFailed) -> bool:
    """Whether a deployment says that it was cancelled (``reason``, 1.6.352+)."""
    reason = (event.reason or "").lower()
    return "cancelled" in reason or "canceled" in reason
