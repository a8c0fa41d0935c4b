"""Every event type in every shape that a version gave it, understood as it should be.

The events are files in ``tests/events``, named by type, version and what is special about them.
"""

from typing import Any

import pytest

from chalicelib.marathon.models import MODELS
from chalicelib.marathon.reading import read
from tests.support.project import EVENTS

# What is of an app's or of a deployment's subject has the app or the deployment, too.
EXPECTED: dict[str, dict[str, Any]] = {
    "add_health_check_event-0.5.0": {
        "severity": "info",
        "subject": "marathon",
        "title": "Health check HTTP /alive on port index 0 added",
    },
    "add_health_check_event-0.7.0": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Health check HTTP /alive on port index 0 of /shop/cart added",
    },
    "add_health_check_event-0.7.4": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Health check COMMAND of /shop/cart added",
    },
    "add_health_check_event-1.11.0": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Health check TCP on port 9000 of /shop/cart added",
    },
    "add_health_check_event-1.4.0": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Health check MESOS_HTTP /alive on port http of /shop/cart added",
    },
    "api_post_event-0.1.0": {
        "severity": "notice",
        "subject": "app:/shop",
        "title": "Definition of /shop submitted by 192.0.2.50: 2 instances, 0.5 CPUs, 256 MB",
    },
    "api_post_event-0.9.2-delete": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "title": "Definition of /shop/cart submitted by 192.0.2.50: 1 instance, 1 CPU, 128 MB",
    },
    "api_post_event-1.1.1": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "title": "Definition of /shop/cart submitted by 192.0.2.50: 12 instances, 1.5 CPUs, 1024 MB",
    },
    "api_post_event-1.11.0": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "title": "Definition of /shop/cart submitted by 192.0.2.50: 3 instances, 1.5 CPUs, 1024 MB",
    },
    "app_terminated_event-0.7.4": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "title": "App /shop/cart was deleted",
    },
    "app_terminated_event-1.4.0-pod": {
        "severity": "notice",
        "subject": "app:/shop/crew",
        "title": "App /shop/crew was deleted",
    },
    "deployment_failed-0.9.2": {
        "severity": "error",
        "subject": "deployment:0dd00009-2222-4333-8444-555566667777",
        "title": "Deployment 0dd00009-2222-4333-8444-555566667777 failed",
    },
    "deployment_failed-1.11.0-conflict": {
        "severity": "error",
        "subject": "deployment:0dd0000c-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment of /shop/cart failed: App is locked by one or more deployments. Override with the option '?force=true'.",
    },
    "deployment_failed-1.4.13-pod": {
        "severity": "error",
        "subject": "deployment:0dd0000a-2222-4333-8444-555566667777",
        "apps": ["/shop/crew"],
        "title": "Deployment of /shop/crew failed",
    },
    "deployment_failed-1.6.352-cancelled": {
        "severity": "warning",
        "subject": "deployment:0dd0000b-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment of /shop/cart was cancelled: The upgrade has been cancelled",
    },
    "deployment_info-0.7.0-restart": {
        "severity": "info",
        "subject": "deployment:0dd0000d-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 began: restart /shop/cart",
    },
    "deployment_info-0.7.0-scale": {
        "severity": "info",
        "subject": "deployment:0dd00001-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 began: scale /shop/cart from 2 to 4 instances",
    },
    "deployment_info-0.7.6-start": {
        "severity": "info",
        "subject": "deployment:0dd00002-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 2 began: start /shop/cart",
    },
    "deployment_info-1.1.2-restart": {
        "severity": "info",
        "subject": "deployment:0dd00003-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 began: restart /shop/cart",
    },
    "deployment_info-1.4.13-artifacts": {
        "severity": "info",
        "subject": "deployment:0dd0000f-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 2 began: fetch the artifacts of /shop/cart",
    },
    "deployment_info-1.4.13-pod": {
        "severity": "info",
        "subject": "deployment:0dd00005-2222-4333-8444-555566667777",
        "apps": ["/shop/crew"],
        "title": "Deployment step 1 of 1 began: scale pod /shop/crew from 1 to 3 instances",
    },
    "deployment_info-1.8.180-light": {
        "severity": "info",
        "subject": "deployment:0dd00006-2222-4333-8444-555566667777",
        "apps": ["/shop/app-0", "/shop/app-1", "/shop/app-2", "/shop/app-3", "/shop/crew"],
        "title": "Deployment step 1 of 2 began: stop /shop/app-0, stop /shop/app-1 and 2 more",
    },
    "deployment_step_failure-0.7.0": {
        "severity": "warning",
        "subject": "deployment:0dd0000e-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 failed: scale /shop/cart from 2 to 4 instances",
    },
    "deployment_step_failure-0.8.1": {
        "severity": "warning",
        "subject": "deployment:0dd00002-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 failed: stop /shop/cart",
    },
    "deployment_step_failure-1.11.0": {
        "severity": "warning",
        "subject": "deployment:0dd00006-2222-4333-8444-555566667777",
        "apps": ["/shop/app-0", "/shop/app-1", "/shop/app-2", "/shop/app-3", "/shop/crew"],
        "title": "Deployment step 2 of 2 failed: start pod /shop/crew",
    },
    "deployment_step_success-0.15.4-scale": {
        "severity": "info",
        "subject": "deployment:0dd00002-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 2 of 2 succeeded: scale /shop/cart to 3 instances",
    },
    "deployment_step_success-0.7.5-start": {
        "severity": "info",
        "subject": "deployment:0dd0000e-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 succeeded: change /shop/cart",
    },
    "deployment_step_success-1.3.14-scale": {
        "severity": "info",
        "subject": "deployment:0dd00004-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 1 of 1 succeeded: scale /shop/cart from 5 to 2 instances",
    },
    "deployment_step_success-1.4.0-pod": {
        "severity": "info",
        "subject": "deployment:0dd00010-2222-4333-8444-555566667777",
        "apps": ["/shop/crew"],
        "title": "Deployment step 1 of 1 succeeded: restart pod /shop/crew",
    },
    "deployment_step_success-1.6.322-light": {
        "severity": "info",
        "subject": "deployment:0dd0000f-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment step 2 of 2 succeeded: restart /shop/cart",
    },
    "deployment_success-0.10.0": {
        "severity": "notice",
        "subject": "deployment:0dd00002-2222-4333-8444-555566667777",
        "apps": ["/shop/cart"],
        "title": "Deployment of /shop/cart succeeded",
    },
    "deployment_success-0.7.0": {
        "severity": "notice",
        "subject": "deployment:0dd00007-2222-4333-8444-555566667777",
        "title": "Deployment 0dd00007-2222-4333-8444-555566667777 succeeded",
    },
    "deployment_success-1.11.0-empty": {
        "severity": "notice",
        "subject": "deployment:0dd00008-2222-4333-8444-555566667777",
        "title": "Deployment 0dd00008-2222-4333-8444-555566667777 succeeded: nothing to change",
    },
    "event_stream_attached-0.9.0": {
        "severity": "info",
        "subject": "marathon",
        "title": "Event stream opened by 192.0.2.77",
    },
    "event_stream_detached-1.11.0": {
        "severity": "info",
        "subject": "marathon",
        "title": "Event stream closed by 192.0.2.77",
    },
    "failed_health_check_event-0.6.1": {
        "severity": "warning",
        "subject": "app:/shop",
        "task": "shop.c0ffee00-1dea-11e3-9abc-5ca1ab1e0001",
        "title": "Health check HTTP /alive on port index 0 of /shop failed",
    },
    "failed_health_check_event-1.3.14": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "title": "Health check HTTP /alive on port index 0 of /shop/cart failed",
    },
    "failed_health_check_event-1.4.13": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Health check HTTP /alive on port http of /shop/cart failed",
    },
    "failed_health_check_event-1.5.0": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Health check HTTP /alive on port index 0 of /shop/cart failed",
    },
    "framework_message_event-0.5.0": {
        "severity": "info",
        "subject": "app:/shop",
        "title": "Message from the executor of /shop",
    },
    "framework_message_event-0.7.6": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Message of 4 bytes from the executor of /shop/cart",
    },
    "framework_message_event-1.11.0": {
        "severity": "info",
        "subject": "app:/shop/crew",
        "title": "Message of 4 bytes from the executor of /shop/crew",
    },
    "framework_message_event-1.4.0": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "Message of 4 bytes from the executor of /shop/cart",
    },
    "group_change_failed-0.7.0": {
        "severity": "warning",
        "subject": "group:/shop",
        "title": "Change in group /shop rejected: Application is locked by a running deployment",
    },
    "group_change_success-0.7.0": {
        "severity": "info",
        "subject": "group:/shop",
        "title": "Change in group /shop accepted",
    },
    "group_change_success-1.11.0-root": {
        "severity": "info",
        "subject": "group:/",
        "title": "Change in group / accepted",
    },
    "health_status_changed_event-0.5.0-dead": {
        "severity": "warning",
        "subject": "app:/shop",
        "task": "shop_1-1399800000000",
        "title": "Task of /shop no longer passes its health check",
    },
    "health_status_changed_event-0.7.0-dead": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "title": "Task of /shop/cart no longer passes its health check",
    },
    "health_status_changed_event-1.11.0-alive": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "title": "Instance of /shop/cart passes its health check",
    },
    "health_status_changed_event-1.3.14-alive": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "title": "Task of /shop/cart passes its health check",
    },
    "health_status_changed_event-1.4.0-dead": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Instance of /shop/cart no longer passes its health check",
    },
    "instance_changed_event-1.11.0-failed": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "Failed",
        "title": "Instance of /shop/cart failed on mesos-3",
    },
    "instance_changed_event-1.4.0-created": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "Created",
        "title": "Instance of /shop/cart was created on mesos-3",
    },
    "instance_changed_event-1.7.236-unreachable": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "UnreachableInactive",
        "title": "Instance of /shop/cart has been unreachable for too long on mesos-3",
    },
    "instance_changed_event-1.8.180-scheduled": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "status": "Scheduled",
        "title": "Instance of /shop/cart is scheduled",
    },
    "instance_health_changed_event-1.11.0-unknown": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Instance of /shop/cart has no known health",
    },
    "instance_health_changed_event-1.4.0-healthy": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Instance of /shop/cart is healthy",
    },
    "instance_health_changed_event-1.5.8-unhealthy": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e6-9abc-5ca1ab1e0001",
        "title": "Instance of /shop/cart is unhealthy",
    },
    "pod_created_event-1.4.0": {
        "severity": "notice",
        "subject": "marathon",
        "title": "A pod was created by 192.0.2.50 (Marathon does not say which)",
    },
    "pod_deleted_event-1.11.0": {
        "severity": "notice",
        "subject": "pod:/shop/crew",
        "title": "Pod /shop/crew was deleted by 192.0.2.50",
    },
    "pod_updated_event-1.4.0": {
        "severity": "notice",
        "subject": "pod:/shop/crew",
        "title": "Pod /shop/crew was changed by 192.0.2.50",
    },
    "relay_gap-1.0.0": {
        "severity": "warning",
        "subject": "marathon",
        "title": "Relay relay-1 was not listening for 52 seconds: Marathon's leader changed; "
        "1 change meanwhile",
    },
    "relay_waiting-1.1.0-delayed": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "title": "1 instance of /shop/cart waits since 02:10: Marathon waits 14 minutes before it tries again",
    },
    "relay_waiting-1.1.0-launched": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "/shop/cart no longer waits for offers",
    },
    "relay_waiting-1.1.0-pod": {
        "severity": "warning",
        "subject": "pod:/shop/crew",
        "title": "2 instances of /shop/crew wait for offers since 21 Mar 02:10: Mesos offers Marathon nothing",
    },
    "relay_waiting-1.1.0-reasons": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "title": "3 instances of /shop/cart wait for offers since 02:10: 14 of 15 agents have too little memory",
    },
    "remove_health_check_event-0.5.0": {
        "severity": "info",
        "subject": "app:/shop",
        "title": "A health check of /shop removed",
    },
    "remove_health_check_event-1.11.0": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "title": "A health check of /shop/cart removed",
    },
    "scheduler_disconnected_event-0.7.6": {
        "severity": "warning",
        "subject": "marathon",
        "title": "Marathon lost its connection to the Mesos master",
    },
    "scheduler_disconnected_event-1.11.0": {
        "severity": "warning",
        "subject": "marathon",
        "title": "Marathon lost its connection to the Mesos master",
    },
    "scheduler_registered_event-0.7.6": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Marathon registered with the Mesos master master-1.example.org as framework 20140811-0001",
    },
    "scheduler_reregistered_event-0.7.6": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Marathon is connected again to the Mesos master master-2.example.org",
    },
    "status_update_event-0.1.0-running": {
        "severity": "info",
        "subject": "app:/shop",
        "task": "shop_0-1388534400123",
        "host": "mesos-3",
        "status": "TASK_RUNNING",
        "title": "Task of /shop is running on mesos-3",
    },
    "status_update_event-0.13.1-failed": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_FAILED",
        "title": "Task of /shop/cart failed on mesos-3",
    },
    "status_update_event-0.14.0-failed": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_FAILED",
        "title": "Task of /shop/cart failed on mesos-3: Command exited with status 2",
    },
    "status_update_event-0.4.1-failed": {
        "severity": "error",
        "subject": "app:/my_shop",
        "task": "my_shop_4-1388534400999",
        "host": "mesos-4",
        "status": "TASK_FAILED",
        "title": "Task of /my_shop failed on mesos-4",
    },
    "status_update_event-0.5.0-lost": {
        "severity": "error",
        "subject": "app:/shop",
        "task": "shop_1-1399800000000",
        "host": "mesos-3",
        "status": "TASK_LOST",
        "title": "Task of /shop was lost on mesos-3",
    },
    "status_update_event-0.6.1-finished": {
        "severity": "warning",
        "subject": "app:/shop",
        "task": "shop.c0ffee00-1dea-11e3-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_FINISHED",
        "title": "Task of /shop finished on mesos-3",
    },
    "status_update_event-0.7.0-running": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_RUNNING",
        "title": "Task of /shop/cart is running on mesos-3",
    },
    "status_update_event-0.7.6-error": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_ERROR",
        "title": "Task of /shop/cart could not be started on mesos-3: Task uses more resources cpus(*):8 than available",
    },
    "status_update_event-1.1.7-killing": {
        "severity": "info",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_KILLING",
        "title": "Task of /shop/cart is being killed on mesos-3",
    },
    "status_update_event-1.11.0-failed": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001._app.1",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "host": "mesos-9.example.org",
        "status": "TASK_FAILED",
        "title": "Task of /shop/cart failed on mesos-9.example.org: Container exited with status 137",
    },
    "status_update_event-1.11.0-pod": {
        "severity": "warning",
        "subject": "app:/shop/crew",
        "task": "shop_crew.instance-c0ffee00-1dea-11e9-9abc-5ca1ab1e0001.worker.2",
        "instance": "shop_crew.instance-c0ffee00-1dea-11e9-9abc-5ca1ab1e0001",
        "host": "mesos-9.example.org",
        "status": "TASK_GONE_BY_OPERATOR",
        "title": "Task of /shop/crew was declared gone by an operator on mesos-9.example.org",
    },
    "status_update_event-1.3.14-lost": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_LOST",
        "title": "Task of /shop/cart was lost on mesos-3: Reconciliation: Task is unknown to the agent",
    },
    "status_update_event-1.4.0-app": {
        "severity": "notice",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e4-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_KILLED",
        "title": "Task of /shop/cart was killed on mesos-3: Command terminated with signal Terminated",
    },
    "status_update_event-1.4.2-pod": {
        "severity": "info",
        "subject": "app:/shop/crew",
        "task": "shop_crew.instance-c0ffee00-1dea-11e7-9abc-5ca1ab1e0001.side.car",
        "instance": "shop_crew.instance-c0ffee00-1dea-11e7-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "status": "TASK_STARTING",
        "title": "Task of /shop/crew is starting on mesos-3",
    },
    "status_update_event-1.4.7-volume": {
        "severity": "error",
        "subject": "app:/shop/db",
        "task": "shop_db.c0ffee00-1dea-11e6-9abc-5ca1ab1e0001.3",
        "host": "mesos-3",
        "status": "TASK_DROPPED",
        "title": "Task of /shop/db was dropped before it started on mesos-3",
    },
    "status_update_event-1.8.180-unreachable": {
        "severity": "warning",
        "subject": "app:/shop/cart",
        "task": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001._app.1",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "status": "TASK_UNREACHABLE",
        "title": "Task of /shop/cart is unreachable",
    },
    "subscribe_event-0.5.0": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Event subscription for listener.example.org added by 192.0.2.50",
    },
    "subscribe_event-1.4.13": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Event subscription for listener.example.org added by 192.0.2.50",
    },
    "unhealthy_instance_kill_event-1.11.0": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001._app.4",
        "instance": "shop_cart.instance-c0ffee00-1dea-11e8-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "title": "Unhealthy instance of /shop/cart on mesos-3 is killed: 502 Bad Gateway",
    },
    "unhealthy_instance_kill_event-1.4.0": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "instance": "shop_cart.marathon-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "title": "Unhealthy instance of /shop/cart on mesos-3 is killed: Connection refused: mesos-3/192.0.2.3:31001",
    },
    "unhealthy_task_kill_event-1.1.0": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "title": "Unhealthy task of /shop/cart on mesos-3 is killed: Connection refused: mesos-3/192.0.2.3:31001",
    },
    "unhealthy_task_kill_event-1.3.14-unknown": {
        "severity": "error",
        "subject": "app:/shop/cart",
        "task": "shop_cart.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "host": "mesos-3",
        "title": "Unhealthy task of /shop/cart on mesos-3 is killed",
    },
    "unknown_instance_terminated_event-1.4.0": {
        "severity": "notice",
        "subject": "app:/shop/old",
        "instance": "shop_old.marathon-c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "status": "Unreachable",
        "title": "An instance of /shop/old that Marathon does not know ended: Unreachable",
    },
    "unknown_task_terminated_event-1.3.1": {
        "severity": "notice",
        "subject": "app:/shop/old",
        "task": "shop_old.c0ffee00-1dea-11e5-9abc-5ca1ab1e0001",
        "status": "Killed",
        "title": "A task of /shop/old that Marathon does not know ended: Killed",
    },
    "unsubscribe_event-0.5.0": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Event subscription for listener.example.org removed by 192.0.2.50",
    },
    "unsubscribe_event-1.4.13": {
        "severity": "notice",
        "subject": "marathon",
        "title": "Event subscription for listener.example.org removed by 192.0.2.50",
    },
}


def understood(stem: str) -> dict[str, Any]:
    reading = read((EVENTS / f"{stem}.json").read_bytes())
    assert (reading.cause, reading.misfits) == (None, ())
    about = reading.about
    found = {
        "severity": reading.severity,
        "subject": about.subject,
        "app": about.app,
        "apps": list(about.apps),
        "deployment": about.deployment,
        "task": about.task,
        "instance": about.instance,
        "host": about.host,
        "status": about.status,
        "title": reading.title,
    }
    return {name: value for name, value in found.items() if value}


def expected(stem: str) -> dict[str, Any]:
    row = EXPECTED[stem]
    kind, _, name = row["subject"].partition(":")
    return row | ({kind: name} if kind in ("app", "deployment") else {})


@pytest.mark.parametrize("stem", sorted(path.stem for path in EVENTS.glob("*.json")))
def test_is_understood(stem: str) -> None:
    assert understood(stem) == expected(stem)


def test_no_type_is_left_out() -> None:
    assert {stem.partition("-")[0] for stem in EXPECTED} == set(MODELS)
    assert len(MODELS.keys() - {"relay_gap", "relay_waiting"}) == 31
