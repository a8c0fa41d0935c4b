"""Apps and deployments, as the events left them."""

from typing import Any

_FAILURES = frozenset(
    f"TASK_{end}" for end in ("FAILED", "LOST", "ERROR", "GONE", "DROPPED", "UNREACHABLE")
)
_OF_FAILURE = ("appId", "host", "message", "slaveId", "taskId", "timestamp", "version")

Value = dict[str, Any]


class State:
    """``apps`` by their id, ``versions`` of each, and the ``deployments`` that run, by their id."""

    def __init__(self) -> None:
        self.apps: dict[str, Value] = {}
        self.versions: dict[str, list[str]] = {}
        self.failures: dict[str, Value] = {}
        self.deployments: dict[str, Value] = {}

    def note(self, event: Value) -> None:
        """What an event changes."""
        match event.get("eventType"):
            case "api_post_event":
                self._defined(event.get("appDefinition") or {})
            case "app_terminated_event":
                for kept in (self.apps, self.versions, self.failures):
                    kept.pop(event.get("appId", ""), None)
            case "status_update_event" if event.get("taskStatus") in _FAILURES:
                failure = {name: event[name] for name in _OF_FAILURE if name in event}
                self.failures[event["appId"]] = failure | {"state": event["taskStatus"]}
            case "deployment_info" if isinstance(event.get("plan"), dict):
                plan = event["plan"]
                self.deployments[plan["id"]] = _deployment(plan, event.get("currentStep"))
            case "deployment_success" | "deployment_failed":
                self.deployments.pop(event.get("id", ""), None)

    def shown_apps(self, embed: set[str]) -> list[Value]:
        """What ``GET /v2/apps`` lists; ``embed``: names, with or without a prefix."""
        names = {name.rpartition(".")[2] for name in embed}
        shown = []
        for id_, app in self.apps.items():
            failure = self.failures.get(id_)
            with_failure = failure and names & {"lastTaskFailure", "failures"}
            shown.append(app | {"lastTaskFailure": failure} if with_failure else app)
        return shown

    def _defined(self, app: Value) -> None:
        self.apps[app["id"]] = app
        version = app.get("version")
        known = self.versions.setdefault(app["id"], [])
        if version and version not in known:
            known.append(version)


def _deployment(plan: Value, current: Any) -> Value:
    steps = plan.get("steps", [])
    actions = [action for step in steps for action in step.get("actions", [])]
    return {
        "id": plan["id"],
        "version": plan.get("version"),
        "affectedApps": sorted({action["app"] for action in actions if "app" in action}),
        "steps": steps,
        "currentActions": (current or {}).get("actions", []),
        "currentStep": steps.index(current) + 1 if current in steps else 0,
        "totalSteps": len(steps),
    }
