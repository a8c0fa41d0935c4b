"""A deployment that waits, since no agent has what its app wants; and then goes on."""

import uuid
from datetime import timedelta
from typing import Any

from chalicelib import times
from local.marathon import Queued, SimulatedMarathon

APP = "/shop/reports"
_INSTANCES = 3
_DECLINED = {"UnfulfilledConstraint": 1, "InsufficientMemory": 14}
_SINCE = timedelta(minutes=4)  # what waits for three minutes is reported


class WaitingDeployment:
    """``begin`` it, and ``end`` it when it has waited for long enough."""

    def __init__(self, marathon: SimulatedMarathon) -> None:
        self._marathon = marathon
        steps = [{"actions": [{"action": "ScaleApplication", "app": APP}]}]
        version = times.iso(times.now())
        self._plan = {"id": str(uuid.uuid4()), "steps": steps, "version": version}

    def begin(self) -> None:
        """The deployment's step begins; its instances are in the queue."""
        self._publish("deployment_info", plan=self._plan, currentStep=self._plan["steps"][0])
        wanted = {"id": APP, "instances": 5, "mem": 4096, "constraints": [["hostname", "UNIQUE"]]}
        since = times.now() - _SINCE
        waiting = Queued(wanted, _INSTANCES, since, agents=15, declined=_DECLINED)
        self._marathon.queue = [waiting]

    def end(self) -> None:
        """An agent is there for them."""
        self._marathon.queue = []
        step = self._plan["steps"][0]
        self._publish("deployment_step_success", plan=self._plan, currentStep=step)
        self._publish("deployment_success", id=self._plan["id"], plan=self._plan)

    def _publish(self, type_: str, **fields: Any) -> None:
        event = {**fields, "eventType": type_, "timestamp": times.iso(times.now())}
        self._marathon.publish(event)
