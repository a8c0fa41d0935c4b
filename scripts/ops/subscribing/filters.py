"""Filters in words, and SNS's filter policies, which are JSON: from one to the other. Pure."""

import argparse
import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_args

from ops.cli import Failure
from ops.subscribing.targets import TopicName

from chalicelib.marathon.ids import path
from chalicelib.marathon.severity import SEVERITIES, Severity
from chalicelib.records.incident import State

STATES: tuple[State, ...] = get_args(State)

Policy = dict[str, Any]

# The options, and the message attributes that they are about.
_ATTRIBUTES = {
    "cluster": "cluster",
    "app": "apps",
    "type": "type",
    "status": "status",
    "state": "state",
}
_ONLY_OF: dict[TopicName, tuple[str, ...]] = {"events": ("type", "status"), "alerts": ("state",)}

# SNS: at most so many combinations of values. It also allows five keys, and no topic has more.
_COMBINATIONS = 150

# A path, or what begins so and goes on in any way.
_PATHS = re.compile(r"(/[^/*]+)+|(/[^/*]+)*/\*")
_ALL_OF = "/*"


class UnreadableRule(Exception):
    """A rule of a filter policy that this code does not know."""


@dataclass(frozen=True)
class Filters:
    """What a subscriber gets: all options must fit, of each option any of its values; no value
    means that all pass. ``app``: paths, or all below a path: ``/prod/*``. ``severity``: this or
    worse.
    """

    cluster: tuple[str, ...] = ()
    app: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    severity: Severity = "info"
    status: tuple[str, ...] = ()
    state: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, list[str] | str]:
        """What narrows, by the names of the options."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value if isinstance(value, str) else list(value)
            for name, value in found.items()
            if value not in ((), "info")
        }

    @property
    def options(self) -> str:
        """The same as options of a command line; nothing where all pass."""
        return " ".join(
            f"--{name}{'=' if value.startswith('-') else ' '}{shlex.quote(value)}"
            for name, value in self.pairs
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each value with the name of its option."""
        return [
            (name, value)
            for name, values in self.words.items()
            for value in ([values] if isinstance(values, str) else values)
        ]


def in_options(args: argparse.Namespace) -> Filters:
    """What the options of a command say, each value once."""
    given = {name: getattr(args, name, ()) for name in _ATTRIBUTES}
    given["app"] = [path(app) for app in args.app]
    once = {name: tuple(dict.fromkeys(values)) for name, values in given.items()}
    return Filters(**once, severity=args.severity)


def check(filters: Filters, topic: TopicName) -> None:
    """Raises Failure for filters that no filter policy of this topic can express."""
    other: TopicName = "alerts" if topic == "events" else "events"
    if wrong := [name for name in _ONLY_OF[other] if getattr(filters, name)]:
        raise Failure(
            f"--{wrong[0]} does not fit the {topic} topic: its messages have no such attribute. "
            f"It works on the other topic: --topic {other}."
        )
    for name, value in filters.pairs:
        if not value.isprintable() or '"' in value or "\\" in value:
            raise Failure(
                f"--{name} {value!r}: SNS compares quotes, backslashes and control characters in a "
                "way of its own. Leave them out."
            )
    for app in filters.app:
        if not _PATHS.fullmatch(app):
            raise Failure(
                f"--app {app!r}: give a path such as /prod/web, or all below one: '/prod/*'."
            )
    policy = policy_of(filters)
    combinations = math.prod(map(len, policy.values()))
    if combinations > _COMBINATIONS:
        counts = " × ".join(f"{len(rules)} of {key}" for key, rules in policy.items())
        raise Failure(
            f"SNS takes at most {_COMBINATIONS} combinations of values in a filter, and these are "
            f"{combinations}: {counts}. Say less, for example one --app '/prod/*' instead of many "
            "paths."
        )


def policy_of(filters: Filters) -> Policy:
    """The filter policy on message attributes; empty where all pass."""
    policy: Policy = {
        attribute: [_rule(name, value) for value in getattr(filters, name)]
        for name, attribute in _ATTRIBUTES.items()
        if getattr(filters, name)
    }
    if filters.severity != "info":
        policy["severity"] = list(SEVERITIES[SEVERITIES.index(filters.severity) :])
    return policy


def filters_of(policy: Policy, topic: TopicName) -> Filters | None:
    """The filters that a policy, from whomever, expresses; None if no filters express the same."""
    try:
        values = {
            name: tuple(dict.fromkeys(map(_value, policy.get(attribute, []))))
            for name, attribute in _ATTRIBUTES.items()
        }
        least = min(policy.get("severity", SEVERITIES), key=SEVERITIES.index)
        read = Filters(**values, severity=least)
        check(read, topic)
        same = _comparable(policy_of(read)) == _comparable(policy)
    except (ValueError, TypeError, Failure):
        return None
    return read if same and set(read.state) <= set(STATES) else None


def matches(policy: Policy, message: Mapping[str, Sequence[str]]) -> bool:
    """Whether a message passes a policy on message attributes. ``message``: the values of each
    attribute, one or many. Raises UnreadableRule.
    """
    return all(_passes(key, rules, message) for key, rules in policy.items())


def candidates(policy: Policy, key: str) -> list[str]:
    """Values of an attribute that might pass its rules."""
    rules = policy.get(key, [])
    found = []
    for rule in rules if isinstance(rules, list) else []:
        match rule:
            case str():
                found.append(rule)
            case {"prefix": str(begin)}:
                found += [f"{begin}sample", begin]
            case {"suffix": str(end)}:
                found.append(f"/sample{end}")
            case {"equals-ignore-case": str(value)}:
                found.append(value)
    return found


def _rule(name: str, value: str) -> str | dict[str, str]:
    if name == "app" and value.endswith(_ALL_OF):
        return {"prefix": value[:-1]}
    return value


def _value(rule: Any) -> str:
    match rule:
        case str() if rule:
            return rule
        case {"prefix": str(begin)}:
            return f"{begin}*"
    raise ValueError(rule)


def _comparable(policy: Policy) -> dict[str, list[str]]:
    """The policy without what means nothing: the order of its parts, and repeats."""
    return {
        key: sorted({json.dumps(rule, sort_keys=True) for rule in rules})
        for key, rules in policy.items()
    }


def _passes(key: str, rules: Any, message: Mapping[str, Sequence[str]]) -> bool:
    if not isinstance(rules, list):
        raise UnreadableRule(json.dumps({key: rules}))
    if key == "$or":
        return any(matches(each, message) for each in rules)
    return any(_holds(rule, message.get(key)) for rule in rules)


def _holds(rule: Any, found: Sequence[str] | None) -> bool:
    match rule:
        case {"exists": bool(wanted)}:
            return (found is not None) == wanted
        case str():
            return rule in (found or ())
        case {"prefix": str(begin)}:
            return any(each.startswith(begin) for each in found or ())
        case {"suffix": str(end)}:
            return any(each.endswith(end) for each in found or ())
        case {"equals-ignore-case": str(value)}:
            return any(each.casefold() == value.casefold() for each in found or ())
        case {"anything-but": excluded}:
            excluded = excluded if isinstance(excluded, list) else [excluded]
            return found is not None and not any(_holds(each, found) for each in excluded)
        case None | bool() | int() | float() | {"numeric": list()}:
            return False  # no attribute of ours is a number
    raise UnreadableRule(json.dumps(rule))
