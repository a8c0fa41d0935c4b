"""Why nothing of an app or pod launches, asked of Marathon directly."""

from typing import Any

from ops.doctor.findings import Finding

from chalicelib import times
from chalicelib.marathon import ids
from chalicelib.marathon.models import RelayWaiting
from chalicelib.marathon.waiting import why
from marathon_relay import waiting
from marathon_relay.marathon import Marathon
from marathon_relay.waiting import Queued

_REMEDIES = {
    waiting.HELD_BACK: "Find out why its tasks fail. What is mended can be tried at once: DELETE "
    "/v2/queue{path}/delay ends the wait.",
    waiting.NO_OFFERS: "Look at the Mesos master: are there agents, does Marathon have its role, "
    "and what do other frameworks hold?",
    "UnfulfilledRole": "Look at acceptedResourceRoles, and at the roles of the agents' resources.",
    "UnfulfilledConstraint": "Loosen the constraint, or add agents that meet it.",
    "NoCorrespondingReservationFound": "Its reserved resources are elsewhere or gone: look at the "
    "agents that held its volumes.",
    "AgentMaintenance": "End the maintenance of some agents, or add others.",
    "InsufficientPorts": "Let Marathon choose the ports (requirePorts false, hostPort 0), or free "
    "them.",
}
_MORE_AGENTS = "Lower what it asks for, or add agents that have more."

_Element = dict[str, Any]


def check(marathon: Marathon, app: str) -> list[Finding]:
    """Whether instances of an app or pod wait, and why. Raises MarathonError."""
    path = ids.path(app)

    def keep(element: _Element) -> tuple[Queued, _Element] | None:
        queued = waiting.queued(element)
        if queued is None or queued.path != path:
            return None
        return queued, element["app" if queued.of == "appId" else "pod"]

    found = marathon.queue(keep)
    if found:
        return [_waiting(*each) for each in found]
    if marathon.knows(path):
        message = f"Nothing of {path} waits to be launched, says Marathon at {marathon.url}."
        return [Finding("ok", "app-launched", message)]
    message = f"Marathon at {marathon.url} knows no app and no pod {path}."
    return [Finding("error", "app-unknown", message, "Look at its path: it begins at the root.")]


def _waiting(queued: Queued, definition: _Element) -> Finding:
    since = times.iso(times.from_epoch(queued.since)) if queued.since is not None else None
    event = RelayWaiting.model_validate(
        {
            "state": "waiting",
            "count": queued.count,
            "since": since,
            "timestamp": times.iso(times.now()),
            "delaySeconds": queued.delay,
            "offers": queued.offers,
        }
    )
    remedy = _REMEDIES.get(queued.reason, _MORE_AGENTS if queued.reason else "")
    message = f"{queued.path}: {why(event, definition)}."
    return Finding("warning", "app-waiting", message, remedy.format(path=queued.path))
