"""The 31 event types that Marathon 0.1.0 – 1.11 sent, named and spelled as Marathon does, and two
of our relay's.

Read from Marathon's source at its release tags (``event/Events.scala`` up to 1.1.7,
``core/event/Events.scala`` from 1.3.0, ``api/v2/json/Formats.scala`` for the JSON).

Every field may be absent, since versions differ; ``always`` names those that every version sends.
``null``, ``""``, ``"n/a"`` and ``"unknown"`` all mean unknown. Fields that we don't know are kept.
Times are ISO 8601 in UTC; a path is an app's, pod's or group's, such as ``/prod/web`` (before 0.7.0
a bare app name).
"""

import functools
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field

_LENIENT_LATE = ConfigDict(extra="allow", strict=True, defer_build=True)

_T = TypeVar("_T")


class _FirstMisfitAlone(FailFast):
    """For a hostile list of millions, pydantic would report each element that does not fit."""

    __hash__ = object.__hash__  # a part of a union must have one


_Many = Annotated[list[_T], _FirstMisfitAlone()]

Definition = dict[str, Any]
"""An app or pod as Marathon's REST API shows it."""


class Event(BaseModel):
    """What every event has.

    ``eventType``: the type's name. ``timestamp`` (0.5.0+): the leader's clock when the event was
    made, with exceptions that the types below name.
    """

    model_config = _LENIENT_LATE
    always: ClassVar[tuple[str, ...]] = ()

    eventType: str | None = None
    timestamp: str | None = None


class ApiPostEvent(Event):
    """``api_post_event`` (0.1.0 – …): an app was accepted by ``POST /v2/apps``, or ``PUT`` or
    ``PATCH`` on ``/v2/apps/{id}``; up to 0.9.2 by ``DELETE`` too (then only the id is real).

    ``clientIp``: the caller's address. ``uri``: the request's path. ``appDefinition``: the app as
    the REST API of that version shows it, ``env`` and all.
    """

    always: ClassVar[tuple[str, ...]] = ("appDefinition",)

    clientIp: str | None = None
    uri: str | None = None
    appDefinition: dict[str, Any] | None = None


class StatusUpdateEvent(Event):
    """``status_update_event`` (0.1.0 – …): a task changed its state.

    ``taskStatus``: a ``TASK_…`` name; up to 0.4.1 Mesos' number. ``appId``: path, from 1.4 also a
    pod's; ``appID`` up to 0.4.1. ``host``, ``ports``: where it runs. ``slaveId`` (0.5.0+): the
    Mesos agent. ``version`` (0.7.0+): the app version of the task. ``message`` (0.7.4+): Mesos'
    words. ``ipAddresses`` (0.14.0+): ``[{"ipAddress", "protocol"}]``. ``timestamp`` from 0.11: when
    Marathon took the update in hand.
    """

    always: ClassVar[tuple[str, ...]] = ("taskId", "taskStatus")

    taskId: str | None = None
    taskStatus: str | int | None = None
    appId: str | None = None
    appID: str | None = None
    host: str | None = None
    ports: _Many[int] | None = None
    slaveId: str | None = None
    version: str | None = None
    message: str | None = None
    ipAddresses: _Many[dict[str, Any]] | None = None


class FrameworkMessageEvent(Event):
    """``framework_message_event`` (0.5.0 – …): a custom executor sent a message through Mesos.

    ``executorId``; ``slaveId``: the Mesos agent. ``message``: signed bytes (-128 … 127) since
    0.7.6, whatever the documentation shows; before, the form is not known.
    """

    always: ClassVar[tuple[str, ...]] = ("executorId",)

    executorId: str | None = None
    slaveId: str | None = None
    message: _Many[int] | str | None = None


class SubscribeEvent(Event):
    """``subscribe_event`` (0.5.0 – 1.4.13): ``POST /v2/eventSubscriptions`` succeeded, also for a
    URL that was subscribed already.

    ``clientIp``: the caller's address. ``callbackUrl``: the whole URL, with any token in it.
    """

    always: ClassVar[tuple[str, ...]] = ("callbackUrl",)

    clientIp: str | None = None
    callbackUrl: str | None = None


class UnsubscribeEvent(SubscribeEvent):
    """``unsubscribe_event`` (0.5.0 – 1.4.13): ``DELETE /v2/eventSubscriptions`` succeeded, also
    for a URL that was never subscribed. Fields as in ``subscribe_event``.
    """


class AppHealthEvent(Event):
    """What the health events of 0.5.0 – … share: ``appId``, the path."""

    always: ClassVar[tuple[str, ...]] = ("appId",)

    appId: str | None = None


class AddHealthCheckEvent(AppHealthEvent):
    """``add_health_check_event`` (0.5.0 – …): Marathon began to watch a health check of an app
    version; comes again after a leader change.

    ``appId`` is absent in 0.5 and 0.6. ``version`` (0.7.4+): the app version. ``healthCheck``:
    see ``failed_health_check_event``.
    """

    always: ClassVar[tuple[str, ...]] = ()

    version: str | None = None
    healthCheck: dict[str, Any] | None = None


class RemoveHealthCheckEvent(AppHealthEvent):
    """``remove_health_check_event`` (0.5.0 – …): Marathon stopped watching a health check. The
    event does not say which one.
    """


class FailedHealthCheckEvent(AppHealthEvent):
    """``failed_health_check_event`` (0.5.0 – …): a check failed outside its grace period.

    ``taskId`` (up to 1.3.14): the task; from 1.5.0 it holds an *instance* id, which 1.4.0 – 1.4.13
    send as ``instanceId``. ``healthCheck``: ``protocol``, ``path``, ``portIndex`` (number, from 1.4
    also a port's name), ``port`` (0.14+), ``command``, ``gracePeriodSeconds``, ``intervalSeconds``,
    ``timeoutSeconds`` (seconds), ``maxConsecutiveFailures``, ``ignoreHttp1xx`` (0.8.2+),
    ``delaySeconds`` (1.4+), ``ipProtocol`` (1.5+).
    """

    taskId: str | None = None
    instanceId: str | None = None
    healthCheck: dict[str, Any] | None = None


class HealthStatusChangedEvent(AppHealthEvent):
    """``health_status_changed_event`` (0.5.0 – …): a check turned from alive to not alive or back.

    ``alive``; ``version`` (0.7.0+): the app version; ``taskId`` (up to 1.3.14) or ``instanceId``
    (1.4.0+).
    """

    always: ClassVar[tuple[str, ...]] = ("appId", "alive")

    alive: bool | None = None
    version: str | None = None
    taskId: str | None = None
    instanceId: str | None = None


class UnhealthyTaskKillEvent(AppHealthEvent):
    """``unhealthy_task_kill_event`` (1.1.0 – 1.3.14): a task is killed after too many failed
    checks; may repeat until it is gone. ``timestamp`` is that of the last failed check.

    ``taskId``, ``version`` (of the app), ``reason`` (may be ``"unknown"``), ``host``, ``slaveId``.
    """

    always: ClassVar[tuple[str, ...]] = ("appId", "taskId")

    taskId: str | None = None
    version: str | None = None
    reason: str | None = None
    host: str | None = None
    slaveId: str | None = None


class UnhealthyInstanceKillEvent(UnhealthyTaskKillEvent):
    """``unhealthy_instance_kill_event`` (1.4.0 – …): its successor, with ``instanceId``; of apps
    only, never of pods.
    """

    always: ClassVar[tuple[str, ...]] = ("appId", "instanceId")

    instanceId: str | None = None


class UnknownTaskTerminatedEvent(Event):
    """``unknown_task_terminated_event`` (1.3.1 – 1.3.14): Mesos reported the end of a task that
    Marathon does not know.

    ``taskId``; ``runSpecId``: path; ``status``: a word such as ``Killed``.
    """

    always: ClassVar[tuple[str, ...]] = ("taskId",)

    taskId: str | None = None
    runSpecId: str | None = None
    status: str | None = None


class UnknownInstanceTerminatedEvent(Event):
    """``unknown_instance_terminated_event`` (1.4.0 – …): its successor, also for an unknown
    *unreachable* task.

    ``instanceId``; ``runSpecId``: path; ``condition``: see ``instance_changed_event``.
    """

    always: ClassVar[tuple[str, ...]] = ("instanceId",)

    instanceId: str | None = None
    runSpecId: str | None = None
    condition: str | None = None


class InstanceChangedEvent(Event):
    """``instance_changed_event`` (1.4.0 – …): the condition of an instance changed (1.8.180+: or
    its goal, which the event does not show).

    ``instanceId``; ``condition``: ``Created`` and ``Reserved`` (1.4 – 1.7), ``Scheduled`` and
    ``Provisioned`` (1.8.180+), ``Staging``, ``Running`` …; ``runSpecId``: path, perhaps a pod's;
    ``agentId``, ``host``: null where not placed; ``runSpecVersion``.
    """

    always: ClassVar[tuple[str, ...]] = ("instanceId", "condition", "runSpecId")

    instanceId: str | None = None
    condition: str | None = None
    runSpecId: str | None = None
    agentId: str | None = None
    host: str | None = None
    runSpecVersion: str | None = None


class InstanceHealthChangedEvent(Event):
    """``instance_health_changed_event`` (1.4.0 – …): the overall health of an instance changed.

    ``instanceId``; ``runSpecId``: path; ``runSpecVersion``; ``healthy``: true, false, or null for
    not known.
    """

    always: ClassVar[tuple[str, ...]] = ("instanceId", "runSpecId", "healthy")

    instanceId: str | None = None
    runSpecId: str | None = None
    runSpecVersion: str | None = None
    healthy: bool | None = None


class AppTerminatedEvent(Event):
    """``app_terminated_event`` (0.7.4 – …): an app, from 1.4 also a pod, is deleted. 0.7.4 – 0.8.1
    send it when the kills are requested, later versions after the tasks ended.

    ``appId``: path.
    """

    always: ClassVar[tuple[str, ...]] = ("appId",)

    appId: str | None = None


class PodEvent(Event):
    """What the pod events (1.4.0 – …) share.

    ``clientIp``: the caller's address. ``uri``: the request's path, the only place that names the
    pod.
    """

    always: ClassVar[tuple[str, ...]] = ("uri",)

    clientIp: str | None = None
    uri: str | None = None


class PodCreatedEvent(PodEvent):
    """``pod_created_event``: ``POST /v2/pods`` was accepted. ``uri`` is ``/v2/pods``, so nothing
    in the event names the pod.
    """


class PodUpdatedEvent(PodEvent):
    """``pod_updated_event``: ``PUT /v2/pods/{id}`` was accepted."""


class PodDeletedEvent(PodEvent):
    """``pod_deleted_event``: ``DELETE /v2/pods/{id}`` was accepted."""


class GroupChangeSuccess(Event):
    """``group_change_success`` (0.7.0 – …): a change to apps, pods or groups was *accepted*; the
    event does not say how it ended.

    ``groupId``: path of the group, or of the parent of the app or pod that changes. ``version``:
    equals the deployment's ``plan.version``.
    """

    always: ClassVar[tuple[str, ...]] = ("groupId",)

    groupId: str | None = None
    version: str | None = None


class GroupChangeFailed(GroupChangeSuccess):
    """``group_change_failed`` (0.7.0 – …): such a change was rejected; ``reason`` says why."""

    reason: str | None = None


class Action(BaseModel):
    """One action of a deployment's step.

    ``action``: such as ``StartApplication`` (``type`` in 0.7.6 – 1.1.1 and 0.15.4 – 0.15.7; absent
    in 0.7.0 – 0.7.5). ``app``: path; in 0.7.0 – 0.7.5 the whole definition, with ``scaleTo``, or
    ``scaleOldTo`` and ``scaleNewTo``, beside it. ``pod`` (1.4.0+): path, instead of ``app``.
    """

    model_config = _LENIENT_LATE

    action: str | None = None
    type: str | None = None
    app: str | dict[str, Any] | None = None
    pod: str | None = None
    scaleTo: int | None = None
    scaleNewTo: int | None = None


class Step(Action):
    """One step of a plan: ``actions``, which run in parallel. The documentation's older form, a
    step that is itself one action, is read too.
    """

    actions: _Many[Action] | None = None


class Plan(BaseModel):
    """A deployment's plan.

    ``id``: the deployment's. ``steps``, in order. ``version``: a time. ``original``, ``target``: in
    heavy plans (always before 1.5.9, never from 1.8.180) the whole root group before and after;
    they stay plain data.
    """

    model_config = _LENIENT_LATE

    id: str | None = None
    steps: _Many[Step] | None = None
    version: str | None = None
    original: dict[str, Any] | None = None
    target: dict[str, Any] | None = None

    @functools.cached_property
    def before(self) -> dict[str, Definition]:
        """The apps and pods in ``original``, by their paths."""
        return dict(_definitions(self.original))

    @functools.cached_property
    def after(self) -> dict[str, Definition]:
        """The apps and pods in ``target``, by their paths."""
        return dict(_definitions(self.target))


def _definitions(root: dict[str, Any] | None) -> Iterator[tuple[str, Definition]]:
    groups = _objects([root])
    while groups:
        group = groups.pop()
        for each in (*_objects(group.get("apps")), *_objects(group.get("pods"))):
            if isinstance(path := each.get("id"), str):
                yield path, each
        groups += _objects(group.get("groups"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class DeploymentStepEvent(Event):
    """What the events of a deployment's steps share: ``plan``, and ``currentStep``, which equals
    one of ``plan.steps``.

    Light plans of 1.5.9 – 1.7.236 carry the moment of serialising as ``timestamp``.
    """

    always: ClassVar[tuple[str, ...]] = ("plan", "currentStep")

    plan: Plan | None = None
    currentStep: Step | None = None


class DeploymentInfo(DeploymentStepEvent):
    """``deployment_info`` (0.7.0 – …): a step begins."""


class DeploymentStepSuccess(DeploymentStepEvent):
    """``deployment_step_success`` (0.7.0 – …): a step ended well."""


class DeploymentStepFailure(DeploymentStepEvent):
    """``deployment_step_failure`` (0.7.0 – …): a step ended badly; up to 1.3.14 also when the
    deployment is cancelled.
    """


class DeploymentSuccess(Event):
    """``deployment_success`` (0.7.0 – …): a deployment ended well.

    ``id``: the deployment's. ``plan`` (0.10.0+).
    """

    always: ClassVar[tuple[str, ...]] = ("id",)

    id: str | None = None
    plan: Plan | None = None


class DeploymentFailed(DeploymentSuccess):
    """``deployment_failed`` (0.7.0 – …): a deployment ended otherwise, nearly always because it was
    cancelled or superseded. ``reason`` (1.6.352+) may be absent.
    """

    reason: str | None = None


class SchedulerRegisteredEvent(Event):
    """``scheduler_registered_event`` (0.7.6 – …): the leader registered with Mesos.

    ``frameworkId``; ``master``: the Mesos master's host name.
    """

    frameworkId: str | None = None
    master: str | None = None


class SchedulerReregisteredEvent(Event):
    """``scheduler_reregistered_event`` (0.7.6 – …): the leader is connected again. ``master``."""

    master: str | None = None


class SchedulerDisconnectedEvent(Event):
    """``scheduler_disconnected_event`` (0.7.6 – …): the leader lost the Mesos master."""


class EventStreamAttached(Event):
    """``event_stream_attached`` (0.9.0 – …): a client of ``/v2/events`` connected.

    ``remoteAddress``: its address, without a port.
    """

    remoteAddress: str | None = None


class EventStreamDetached(EventStreamAttached):
    """``event_stream_detached`` (0.9.0 – …): a client of ``/v2/events`` disconnected."""


class RelayGap(Event):
    """``relay_gap``: an event that our relay makes, not Marathon. The relay reads Marathon's event
    stream. The event reports a time in which the relay was not listening, so events may have been
    missed.

    ``relay``: its name. ``from``, ``to``: times. ``cause``: ``leader_changed``,
    ``connection_lost``, ``relay_stopped``, ``cut_off`` or ``spool_full``. ``changed``: what
    happened in that time, as Marathon reports it.
    """

    always: ClassVar[tuple[str, ...]] = ("relay", "from", "to", "cause")

    relay: str | None = None
    from_: str | None = Field(None, alias="from")
    to: str | None = None
    cause: str | None = None
    changed: _Many[dict[str, Any]] | None = None


class Declined(BaseModel):
    """How many offers were declined for one ``reason``, of those that passed the reasons before it.

    ``reason``: Marathon's word, such as ``InsufficientMemory``. ``processed``, ``declined``: of
    each agent its newest offer counts, so these are numbers of agents.
    """

    model_config = _LENIENT_LATE

    reason: str | None = None
    declined: int | None = None
    processed: int | None = None


class Offers(BaseModel):
    """What became of Mesos' offers. ``processed``: how many came since the launch began.
    ``declined``: a list in Marathon's order, in which an agent counts once, under its first reason.
    """

    model_config = _LENIENT_LATE

    processed: int | None = None
    declined: _Many[Declined] | None = None


class RelayWaiting(Event):
    """``relay_waiting``: an event that our relay makes, not Marathon. It asks Marathon's queue for
    what waits to be launched. The event says that instances of an app or pod have waited for some
    minutes, or that none waits any more.

    ``relay``: its name. ``appId`` or ``podId``: path. ``state``: ``waiting`` or ``launched``.
    ``count``: how many instances wait. ``since``: the time from which they wait. ``delaySeconds``:
    for how long Marathon holds them back after failures. ``offers`` (1.4.0+): why Mesos' offers
    did not fit.
    """

    always: ClassVar[tuple[str, ...]] = ("relay", "state")

    relay: str | None = None
    appId: str | None = None
    podId: str | None = None
    state: str | None = None
    count: int | None = None
    since: str | None = None
    delaySeconds: int | float | None = None
    offers: Offers | None = None


class UnknownEvent(Event):
    """An event of a type that no Marathon up to 1.11 sends. ``appId``, ``runSpecId``: paths. Every
    known task, instance and health event names its app by one of them.
    """

    appId: str | None = None
    runSpecId: str | None = None


MODELS: dict[str, type[Event]] = {
    "api_post_event": ApiPostEvent,
    "status_update_event": StatusUpdateEvent,
    "framework_message_event": FrameworkMessageEvent,
    "subscribe_event": SubscribeEvent,
    "unsubscribe_event": UnsubscribeEvent,
    "add_health_check_event": AddHealthCheckEvent,
    "remove_health_check_event": RemoveHealthCheckEvent,
    "failed_health_check_event": FailedHealthCheckEvent,
    "health_status_changed_event": HealthStatusChangedEvent,
    "unhealthy_task_kill_event": UnhealthyTaskKillEvent,
    "unhealthy_instance_kill_event": UnhealthyInstanceKillEvent,
    "unknown_task_terminated_event": UnknownTaskTerminatedEvent,
    "unknown_instance_terminated_event": UnknownInstanceTerminatedEvent,
    "instance_changed_event": InstanceChangedEvent,
    "instance_health_changed_event": InstanceHealthChangedEvent,
    "app_terminated_event": AppTerminatedEvent,
    "pod_created_event": PodCreatedEvent,
    "pod_updated_event": PodUpdatedEvent,
    "pod_deleted_event": PodDeletedEvent,
    "group_change_success": GroupChangeSuccess,
    "group_change_failed": GroupChangeFailed,
    "deployment_info": DeploymentInfo,
    "deployment_step_success": DeploymentStepSuccess,
    "deployment_step_failure": DeploymentStepFailure,
    "deployment_success": DeploymentSuccess,
    "deployment_failed": DeploymentFailed,
    "scheduler_registered_event": SchedulerRegisteredEvent,
    "scheduler_reregistered_event": SchedulerReregisteredEvent,
    "scheduler_disconnected_event": SchedulerDisconnectedEvent,
    "event_stream_attached": EventStreamAttached,
    "event_stream_detached": EventStreamDetached,
    "relay_gap": RelayGap,
    "relay_waiting": RelayWaiting,
}
