"""What an event is about: its subject, and the ids by which people look for it.

If the body does not say, nothing is guessed, and the subject is ``marathon``. ``appId`` and
``runSpecId`` may name a pod (1.4+), but the body does not show this. So such an event is stored
under ``app:``, like the other events of its run spec.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.marathon import ids, models
from chalicelib.marathon.plans import targets, touched

MARATHON = "marathon"

# What Mesos' numbers mean in 0.1.0 – 0.4.1.
TASK_STATES = (
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_FINISHED",
    "TASK_FAILED",
    "TASK_KILLED",
    "TASK_LOST",
    "TASK_STAGING",
)

_UNKNOWN = ("", "n/a", "unknown")


@dataclass(frozen=True, slots=True)
class About:
    """``status`` is a task's state as ``TASK_…``, or an instance's condition. ``pointers``: the
    apps and pods in whose history a deployment's event belongs too: those that its current step
    changes, or at its end all of its plan.
    """

    subject: str = MARATHON
    app: str | None = None
    apps: tuple[str, ...] = ()
    deployment: str | None = None
    task: str | None = None
    instance: str | None = None
    host: str | None = None
    status: str | None = None
    pointers: tuple[str, ...] = ()


def about(event: models.Event) -> About:
    """What the event is about. Every type that is not in the table is about ``marathon``."""
    rule = _RULES.get(type(event))
    return rule(event) if rule else About()


def known(value: str | None) -> str | None:
    """The value, or None for Marathon's ways of saying that it does not know."""
    return None if value is None or value in _UNKNOWN else value


def _of_app(
    name: str | None,
    task: str | None = None,
    instance: str | None = None,
    host: str | None = None,
    status: str | None = None,
) -> About:
    name = known(name)
    app = ids.path(name) if name else None
    subject = f"app:{app}" if app else MARATHON
    return About(subject, app=app, task=task, instance=instance, host=host, status=status)


def _definition(event: models.ApiPostEvent) -> About:
    id_ = (event.appDefinition or {}).get("id")
    return _of_app(id_ if isinstance(id_, str) else None)


def _task_status(event: models.StatusUpdateEvent) -> About:
    task = known(event.taskId)
    status = event.taskStatus
    if isinstance(status, int):
        in_range = 0 <= status < len(TASK_STATES)
        status = TASK_STATES[status] if in_range else f"TASK_STATE_{status}"
    return _of_app(
        known(event.appId) or known(event.appID) or (ids.app_of_task(task) if task else None),
        task=task,
        instance=ids.instance_of_task(task) if task else None,
        host=known(event.host),
        status=known(status),
    )


def _task_health(event: models.FailedHealthCheckEvent | models.HealthStatusChangedEvent) -> About:
    task, instance = known(event.taskId), known(event.instanceId)
    # From 1.5.0 failed_health_check_event.taskId holds an instance id.
    if task and ids.is_instance(task):
        task, instance = None, task
    return _of_app(event.appId or _app_of(task, instance), task=task, instance=instance)


def _unhealthy_kill(event: models.UnhealthyTaskKillEvent) -> About:
    task = known(event.taskId)
    instance = ids.instance_of_task(task) if task else None
    if isinstance(event, models.UnhealthyInstanceKillEvent):
        instance = known(event.instanceId) or instance
    return _of_app(
        event.appId or _app_of(task, instance),
        task=task,
        instance=instance,
        host=known(event.host),
    )


def _unknown_task(event: models.UnknownTaskTerminatedEvent) -> About:
    task = known(event.taskId)
    return _of_app(
        event.runSpecId or _app_of(task, None),
        task=task,
        instance=ids.instance_of_task(task) if task else None,
        status=known(event.status),
    )


def _unknown_instance(event: models.UnknownInstanceTerminatedEvent) -> About:
    instance = known(event.instanceId)
    return _of_app(
        event.runSpecId or _app_of(None, instance),
        instance=instance,
        status=known(event.condition),
    )


def _instance(event: models.InstanceChangedEvent) -> About:
    instance = known(event.instanceId)
    return _of_app(
        event.runSpecId or _app_of(None, instance),
        instance=instance,
        host=known(event.host),
        status=event.condition or None,
    )


def _instance_health(event: models.InstanceHealthChangedEvent) -> About:
    instance = known(event.instanceId)
    return _of_app(event.runSpecId or _app_of(None, instance), instance=instance)


def _executor(event: models.FrameworkMessageEvent) -> About:
    executor = known(event.executorId)
    return _of_app(ids.app_of_executor(executor) if executor else None)


def _app(event: models.AppHealthEvent | models.AppTerminatedEvent) -> About:
    return _of_app(event.appId)


def _waiting(event: models.RelayWaiting) -> About:
    pod = known(event.podId)
    return About(subject=f"pod:{ids.path(pod)}") if pod else _of_app(event.appId)


def _unknown_type(event: models.UnknownEvent) -> About:
    return _of_app(event.appId or event.runSpecId)


def _pod(event: models.PodEvent) -> About:
    pod = ids.pod_of_uri(event.uri or "")
    return About(subject=f"pod:{pod}") if pod else About()


def _group(event: models.GroupChangeSuccess) -> About:
    return About(subject=f"group:{ids.path(event.groupId)}") if event.groupId else About()


def _step(event: models.DeploymentStepEvent) -> About:
    acting = targets([event.currentStep] if event.currentStep else ())
    return _of_deployment(None, event.plan, touched(event.plan), acting)


def _deployment(event: models.DeploymentSuccess) -> About:
    apps = touched(event.plan)
    return _of_deployment(event.id, event.plan, apps, apps)


def _of_deployment(
    id_: str | None, plan: models.Plan | None, apps: tuple[str, ...], pointers: tuple[str, ...]
) -> About:
    id_ = id_ or (plan.id if plan else None)
    subject = f"deployment:{id_}" if id_ else MARATHON
    return About(subject=subject, deployment=id_ or None, apps=apps, pointers=pointers)


def _app_of(task: str | None, instance: str | None) -> str | None:
    id_ = instance or task
    return ids.app_of_task(id_) if id_ else None


_RULES: dict[type[models.Event], Callable[[Any], About]] = {
    models.ApiPostEvent: _definition,
    models.StatusUpdateEvent: _task_status,
    models.FrameworkMessageEvent: _executor,
    models.AddHealthCheckEvent: _app,
    models.RemoveHealthCheckEvent: _app,
    models.FailedHealthCheckEvent: _task_health,
    models.HealthStatusChangedEvent: _task_health,
    models.UnhealthyTaskKillEvent: _unhealthy_kill,
    models.UnhealthyInstanceKillEvent: _unhealthy_kill,
    models.UnknownTaskTerminatedEvent: _unknown_task,
    models.UnknownInstanceTerminatedEvent: _unknown_instance,
    models.InstanceChangedEvent: _instance,
    models.InstanceHealthChangedEvent: _instance_health,
    models.AppTerminatedEvent: _app,
    models.PodUpdatedEvent: _pod,
    models.PodDeletedEvent: _pod,
    models.GroupChangeSuccess: _group,
    models.GroupChangeFailed: _group,
    models.DeploymentInfo: _step,
    models.DeploymentStepSuccess: _step,
    models.DeploymentStepFailure: _step,
    models.DeploymentSuccess: _deployment,
    models.DeploymentFailed: _deployment,
    models.RelayWaiting: _waiting,
    models.UnknownEvent: _unknown_type,
}
