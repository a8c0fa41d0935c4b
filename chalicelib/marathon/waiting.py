"""Why nothing launches, in words: from what the relay saw in Marathon's queue, and from what the
app or pod wants.

Marathon looks at each offer for one reason after the other. So each agent counts once, under the
first reason for which its newest offer did not fit.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from chalicelib.marathon import models
from chalicelib.marathon.models import Definition
from chalicelib.marathon.plans import wanted_instances
from chalicelib.text import plain
from chalicelib.times import duration, usable_timestamp

HELD_BACK_SECONDS = 60
"""Marathon's back-off is the reason only if it lasts so long; else the offers are."""

_SENTENCES = {
    "UnfulfilledRole": "{offer} nothing for its role{wanted}",
    "UnfulfilledConstraint": "{meet} no constraint{wanted}",
    "NoCorrespondingReservationFound": "{have} no reservation for it",
    "AgentMaintenance": "{be} in maintenance",
    "InsufficientCpus": "{have} too few CPUs{wanted}",
    "InsufficientMemory": "{have} too little memory{wanted}",
    "InsufficientDisk": "{have} too little disk{wanted}",
    "InsufficientGpus": "{have} too few GPUs{wanted}",
    "InsufficientPorts": "{have} too few free ports{wanted}",
    "DeclinedScarceResources": "{have} GPUs, which Marathon keeps for apps that want them",
}
_VERBS = {
    True: {"offer": "offers", "meet": "meets", "have": "has", "be": "is"},
    False: {"offer": "offer", "meet": "meet", "have": "have", "be": "are"},
}
_MOST_REASONS = 4
_MOST_NAMED = 3
_NAME_CHARACTERS = 40
_LARGEST = 10**9  # what is larger is no number of instances or agents
_SAME_DAY = timedelta(hours=20)
_MB_OF_GB = 1024


def why(event: models.RelayWaiting, definition: Definition | None = None, failures: int = 0) -> str:
    """Who waits since when, and why: ``3 of 5 instances wait since 02:10: 14 of 15 agents have too
    little memory (4 GB wanted); the last meets no constraint `hostname UNIQUE```.

    ``definition``: what the app or pod wants, as Marathon shows it. ``failures``: how many of its
    tasks failed lately, which a back-off is for.
    """
    if event.state == "launched":
        return "No instance waits any more"
    in_all = wanted_instances(definition) if definition else None
    causes = _causes(event, definition or {}, failures)
    return f"{_instances(event, in_all)}{_verb(event)}{_since(event)}: {'; '.join(causes)}"


def title(event: models.RelayWaiting, path: str, limit: int) -> str:
    """The same in one line, with the app and the main reason: ``3 instances of /x wait for offers
    since 02:10: 14 of 15 agents have too little memory``. A path that is too long for it loses its
    beginning.
    """
    if event.state == "launched":
        return f"{path or 'An app'} no longer waits for offers"
    begin = f"{_instances(event)}{' of ' if path else ''}"
    for_offers = "" if _held_back(event) else " for offers"
    end = f"{_verb(event)}{for_offers}{_since(event)}: {_causes(event, {}, 0)[0]}"
    room = max(_NAME_CHARACTERS, limit - len(begin) - len(end))
    return begin + (path if len(path) <= room else f"…{path[1 - room :]}") + end


def _instances(event: models.RelayWaiting, in_all: int | None = None) -> str:
    count = _number(event.count)
    if not count:
        return "Instances"
    if in_all is not None and in_all > count:
        return f"{count} of {in_all} instances"
    return f"{count} instance{'' if count == 1 else 's'}"


def _verb(event: models.RelayWaiting) -> str:
    return " waits" if _number(event.count) == 1 else " wait"


def _since(event: models.RelayWaiting) -> str:
    since, now = usable_timestamp(event.since), usable_timestamp(event.timestamp)
    if since is None:
        return ""
    today = now is None or abs(now - since) < _SAME_DAY
    return f" since {since:%H:%M}" if today else f" since {since.day} {since:%b %H:%M}"


def _causes(event: models.RelayWaiting, definition: Definition, failures: int) -> list[str]:
    """At least one reason, the main one first."""
    if seconds := _held_back(event):
        after = f", after {failures} failure{'' if failures == 1 else 's'}" if failures else ""
        return [f"Marathon waits {duration(seconds)} before it tries again{after}"]
    offers = event.offers
    if offers is None:
        return ["Marathon does not say why (it does since 1.4)"]
    found = list(_declined(offers))
    if found:
        return list(_by_agents(found, definition))
    if _number(offers.processed):
        return ["Marathon declined none of the newest offers, so they should launch soon"]
    role = _named(_roles(definition), " or ")
    guess = f"other frameworks hold everything, or its role{role} gets no share"
    return ["Mesos offers Marathon nothing", guess]


def _held_back(event: models.RelayWaiting) -> float:
    """For how many seconds Marathon holds it back; 0 if that is too short to be the reason."""
    held = event.delaySeconds or 0
    return held if HELD_BACK_SECONDS <= held < _LARGEST else 0


def _declined(offers: models.Offers) -> Iterator[tuple[str, int, int]]:
    """Reason, agents declined for it, and agents looked at for it."""
    for each in offers.declined or ():
        declined, processed = _number(each.declined), _number(each.processed)
        if each.reason and declined:
            yield each.reason, declined, max(declined, processed)


def _by_agents(found: list[tuple[str, int, int]], definition: Definition) -> Iterator[str]:
    agents = max(processed for _, _, processed in found)
    left = agents
    found = sorted(found, key=lambda each: -each[1])[:_MOST_REASONS]
    for reason, declined, _ in found:
        if reason == "UnfulfilledRole" and declined == agents:
            yield f"no agent offers anything for its role{_wanted(reason, definition)}"
        else:
            yield f"{_who(declined, left, agents)} {_reason(reason, declined, definition)}"
        left -= declined


def _who(number: int, left: int, agents: int) -> str:
    """``14 of 15 agents``, then ``the last``. ``left``: those that no reason named yet."""
    if left == agents:
        if number < agents:
            return f"{number} of {agents} agents"
        return f"all {agents} agents" if agents > 1 else "the only agent"
    if number == left:
        return "the last" if number == 1 else f"the other {number}"
    return str(number)


def _reason(reason: str, agents: int, definition: Definition) -> str:
    sentence = _SENTENCES.get(reason)
    if sentence is None:
        return f"{_VERBS[agents == 1]['be']} declined for {plain(reason, _NAME_CHARACTERS)}"
    return sentence.format(wanted=_wanted(reason, definition), **_VERBS[agents == 1])


def _wanted(reason: str, definition: Definition) -> str:
    """What the app wants of that kind, as the end of the sentence; empty if it is not known."""
    match reason:
        case "UnfulfilledRole":
            return _named(_roles(definition), " or ")
        case "UnfulfilledConstraint":
            return _named(_constraints(definition), " or ")
        case "InsufficientCpus":
            return _amount(_resource(definition, "cpus"))
        case "InsufficientGpus":
            return _amount(_resource(definition, "gpus"))
        case "InsufficientMemory":
            return _megabytes(_resource(definition, "mem"))
        case "InsufficientDisk":
            return _megabytes(_resource(definition, "disk"))
        case "InsufficientPorts":
            ports = [str(each) for each in _ports(definition)]
            return f" ({', '.join(ports[:_MOST_NAMED])} wanted)" if ports else ""
    return ""


def _named(names: Sequence[str], between: str) -> str:
    return f" {between.join(names[:_MOST_NAMED])}" if names else ""


def _amount(value: float) -> str:
    return f" ({value:.10g} wanted)" if value else ""


def _megabytes(value: float) -> str:
    if value < _MB_OF_GB:
        return f" ({value:.4g} MB wanted)" if value else ""
    return f" ({value / _MB_OF_GB:.3g} GB wanted)"


def _resource(definition: Definition, name: str) -> float:
    """Of an app, or of all containers of a pod together."""
    of_containers = (_dict(each.get("resources")) for each in _dicts(definition, "containers"))
    return sum(_amount_of(each.get(name)) for each in (definition, *of_containers))


def _roles(definition: Definition) -> list[str]:
    placement = _dict(_dict(definition.get("scheduling")).get("placement"))
    for holder in (definition, placement):
        accepted = holder.get("acceptedResourceRoles")
        if isinstance(accepted, list) and accepted:
            return [_quoted(each) for each in accepted if isinstance(each, str)]
    role = definition.get("role")
    return [_quoted(role)] if isinstance(role, str) and role else []


def _constraints(definition: Definition) -> list[str]:
    """An app's are lists of words, a pod's are objects."""
    placement = _dict(_dict(definition.get("scheduling")).get("placement"))
    of_pod = [
        [each.get(name) for name in ("fieldName", "operator", "value")]
        for each in _dicts(placement, "constraints")
    ]
    of_app = definition.get("constraints")
    found = [each for each in of_app if isinstance(each, list)] if isinstance(of_app, list) else []
    words = ([word for word in each if isinstance(word, str)] for each in (*found, *of_pod))
    return [_quoted(" ".join(each)) for each in words if each]


def _ports(definition: Definition) -> Iterator[int]:
    """The ports of the host that it insists on."""
    container = _dict(definition.get("container"))
    mappings = [*_dicts(container, "portMappings")]
    mappings += _dicts(_dict(container.get("docker")), "portMappings")
    for each in _dicts(definition, "containers"):
        mappings += _dicts(each, "endpoints")
    ports = [each.get("hostPort") for each in mappings]
    if definition.get("requirePorts") is True:
        ports += [each.get("port") for each in _dicts(definition, "portDefinitions")]
        named = definition.get("ports")
        ports += named if isinstance(named, list) and not ports else []
    yield from (port for port in ports if isinstance(port, int) and 0 < port < 65_536)


def _quoted(text: str) -> str:
    return f"`{plain(text.replace('`', ' '), _NAME_CHARACTERS)}`"


def _number(value: int | None) -> int:
    return value if value is not None and 0 < value < _LARGEST else 0


def _amount_of(value: Any) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return value if usable and 0 < value < _LARGEST else 0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = holder.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
