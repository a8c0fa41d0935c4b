"""A deployment's plan: what its steps change, and the definitions on its two sides.

Before 0.7.6 an action has no name, and its ``app`` is a whole definition. Light plans (1.5.9+) have
no sides.
"""

from collections.abc import Iterable, Mapping

from chalicelib.marathon import ids, models
from chalicelib.marathon.models import Definition

ENDS = ("deployment_success", "deployment_failed")
"""The types of the events that end a deployment."""

DEPLOYMENT_TYPES = (
    "deployment_info",
    "deployment_step_success",
    "deployment_step_failure",
    *ENDS,
)
"""The types of all events of a deployment."""


def touched(plan: models.Plan | None) -> tuple[str, ...]:
    """The paths of the apps and pods that the actions of a plan change, each once, in order."""
    return targets(plan.steps if plan and plan.steps else ())


def targets(steps: Iterable[models.Step]) -> tuple[str, ...]:
    """The same of some steps."""
    found = (target(action) for step in steps for action in actions(step))
    return tuple(dict.fromkeys(name for name in found if name))


def actions(step: models.Step) -> list[models.Action]:
    """The actions of a step. In the older form the step is itself the action."""
    if step.actions is None:
        return [step] if step.action or step.type else []
    return step.actions


def target(action: models.Action) -> str | None:
    """The path of the app or pod that an action changes."""
    app = action.app.get("id") if isinstance(action.app, dict) else action.app
    name = app or action.pod
    return ids.path(name) if isinstance(name, str) and name else None


def kind(action: models.Action) -> str:
    """What an action does, as Marathon names it. If it has no name (0.7.0 – 0.7.5), a word for it,
    found from the numbers by which it scales.
    """
    if name := action.action or action.type:
        return name
    if action.scaleNewTo is not None:
        return "restart"
    return "scale" if action.scaleTo is not None else "change"


def instances(action: models.Action, plan: models.Plan | None) -> tuple[int | None, int | None]:
    """From how many and to how many instances an action scales; None if the plan does not say."""
    named = action.action or action.type or ""
    if named and not named.startswith(("Scale", "Restart")):
        return None, None
    name = target(action) or ""
    after = action.scaleNewTo if action.scaleNewTo is not None else action.scaleTo
    if after is None:
        after = _count(plan.after if plan else {}, name)
    return _count(plan.before if plan else {}, name), after


def step_number(event: models.DeploymentStepEvent) -> int | None:
    """Which step of its plan an event is about, from 1; None if it does not say. If several steps
    are equal, the first.
    """
    steps = event.plan.steps if event.plan and event.plan.steps else []
    if event.currentStep is None or event.currentStep not in steps:
        return None
    return steps.index(event.currentStep) + 1


def _count(definitions: Mapping[str, Definition], path: str) -> int | None:
    found = definitions.get(path)
    return wanted_instances(found) if found is not None else None


def wanted_instances(definition: Definition) -> int | None:
    """``instances`` of an app, or of the ``scaling`` of a pod; None if it does not say."""
    scaling = definition.get("scaling", definition)
    count = scaling.get("instances") if isinstance(scaling, dict) else None
    return count if isinstance(count, int) else None
