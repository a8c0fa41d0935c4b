"""Filters in words and SNS's filter policies: each says what the other says."""

import argparse
import itertools
import json
import shlex
from typing import Any

from ops.cli import Failure, Parser
from ops.subscribing import filters, samples
from ops.subscribing.filters import STATES, Filters, filters_of, policy_of
from ops.subscribing.targets import TOPICS, TopicName

import hypothesis
import pytest
import subscribe
from hypothesis import given
from hypothesis import strategies as st
from moto.sns.utils import FilterPolicyMatcher

from chalicelib.marathon.models import MODELS
from chalicelib.marathon.severity import (
    BY_CONDITION,
    BY_TASK_STATE,
    SEVERITIES,
    Severity,
)
from chalicelib.records.notification import Notification, notification
from chalicelib.records.record import Record
from tests.support.records import record_from

APPS = ["/a", "/a/b", "/a/b/c", "/ab", "/b", "/"]
PREFIXES = ["/*", "/a/*", "/a/b/*"]
CLUSTERS = ["east", "west"]

words = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters='"\\'), min_size=1)
paths = st.lists(st.from_regex(r"[a-z0-9.-]{1,5}", fullmatch=True), min_size=1, max_size=3).map(
    lambda parts: "/" + "/".join(parts)
)
apps = st.one_of(paths, paths.map(lambda each: f"{each}/*"), st.just("/*"))


def some(values: st.SearchStrategy[str], most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=most, unique=True).map(tuple)


def wanted(topic: TopicName) -> st.SearchStrategy[Filters]:
    """Filters that fit a topic, within SNS's limit of combinations."""
    only = {
        "events": {"type": some(words), "status": some(words)},
        "alerts": {"state": some(st.sampled_from(STATES))},
    }[topic]
    severity: st.SearchStrategy[Severity] = st.sampled_from(SEVERITIES)
    return st.builds(Filters, cluster=some(words), app=some(apps), severity=severity, **only)


def said(options: str) -> Filters:
    """What a command line with these options says."""
    parser: argparse.ArgumentParser = Parser()
    subscribe.add_filters(parser)
    return filters.in_options(parser.parse_args(shlex.split(options)))


@given(st.data(), st.sampled_from(TOPICS))
@hypothesis.settings(max_examples=60)
def test_words_become_a_policy_that_reads_as_the_same_words(
    data: st.DataObject, topic: TopicName
) -> None:
    asked = data.draw(wanted(topic))
    filters.check(asked, topic)
    policy = json.loads(json.dumps(policy_of(asked)))
    assert len(policy) <= 5
    assert filters_of(policy, topic) == asked
    assert said(asked.options) == asked


rules = st.one_of(
    words,
    apps,
    st.sampled_from([*SEVERITIES, *STATES, ""]),
    st.builds(lambda value: {"prefix": value}, st.one_of(words, st.sampled_from(["/", "/a/"]))),
    st.sampled_from([{"exists": True}, {"anything-but": ["a"]}, {"numeric": ["=", 1]}, 1, None]),
)
keys = st.sampled_from(["cluster", "apps", "type", "severity", "status", "state", "app", "$or"])
policies = st.dictionaries(keys, st.lists(rules, min_size=1, max_size=4), max_size=4)


def comparable(policy: dict[str, Any]) -> dict[str, list[str]]:
    return {key: sorted(set(map(json.dumps, values))) for key, values in policy.items()}


@given(policies, st.sampled_from(TOPICS))
@hypothesis.settings(max_examples=80)
def test_a_policy_that_reads_as_words_is_what_these_words_become(
    policy: dict[str, Any], topic: TopicName
) -> None:
    read = filters_of(policy, topic)
    if read is not None:
        assert comparable(policy_of(read)) == comparable(policy)
        assert said(read.options) == read


@pytest.mark.parametrize(
    ("policy", "options"),
    [
        ({}, ""),
        ({"severity": ["error"]}, "--severity error"),
        ({"severity": ["error", "warning"]}, "--severity warning"),
        ({"apps": [{"prefix": "/prod/"}, "/web"]}, "--app '/prod/*' --app /web"),
        ({"cluster": ["east"], "type": ["x y"]}, "--cluster east --type 'x y'"),
    ],
)
def test_policies_that_people_wrote_by_hand_are_read(policy: dict[str, Any], options: str) -> None:
    read = filters_of(policy, "events")
    assert read is not None
    assert read.options == options


@pytest.mark.parametrize(
    "policy",
    [
        {"severity": ["info"]},
        {"severity": ["error", "info"]},
        {"severity": []},
        {"severity": [1]},
        {"severity": "error"},
        {"severity": {"a": ["b"]}},
        {"apps": [{"prefix": "/prod"}]},
        {"apps": ["/prod/*"]},
        {"apps": ["prod"]},
        {"apps": ["/prod/"]},
        {"app": ["/prod"]},
        {"type": [{"prefix": "deployment_"}]},
        {"type": ['a"b']},
        {"status": [{"exists": False}]},
        {"state": ["opened"]},  # the events have none
        {"$or": [{"type": ["a"]}, {"cluster": ["b"]}]},
    ],
)
def test_policies_without_words_are_shown_as_json(policy: dict[str, Any]) -> None:
    assert filters_of(policy, "events") is None


# What passes


def passes(asked: Filters, record: Record) -> bool:
    """What the options mean, said once more, of a record's summary."""
    summary = record.summary()
    paths = summary.get("apps") or [summary[name] for name in ("app",) if name in summary]
    if record.subject.startswith("pod:"):
        paths = [record.subject[4:]]

    def below(asked_app: str) -> bool:
        if asked_app.endswith("/*"):
            return any(each.startswith(asked_app[:-1]) for each in paths)
        return asked_app in paths

    return (
        (not asked.cluster or summary["cluster"] in asked.cluster)
        and (not asked.app or any(map(below, asked.app)))
        and (not asked.type or summary["type"] in asked.type)
        and SEVERITIES.index(summary["severity"]) >= SEVERITIES.index(asked.severity)
        and (not asked.status or summary.get("status") in asked.status)
    )


def bodies(app: str) -> list[dict[str, Any]]:
    """Events of all types, one app or several of them, and what is none."""
    actions = [{"action": "ScaleApplication", "app": each} for each in (app, "/b")]
    plan = {"id": "d", "steps": [{"actions": actions}]}
    return [
        *(
            {"eventType": "status_update_event", "appId": app, "taskStatus": each}
            for each in STATUS
        ),
        *({"eventType": each, "appId": app, "runSpecId": app, "plan": plan} for each in MODELS),
        {"eventType": "pod_updated_event", "uri": f"/v2/pods{app}"},
        {"eventType": "deployment_success", "id": "d", "plan": plan},
        {},
    ]


STATUS = ["TASK_LOST", "TASK_FAILED", "TASK_RUNNING"]
records = st.builds(
    lambda app, n, cluster: record_from(json.dumps(bodies(app)[n]).encode(), cluster),
    st.sampled_from(APPS),
    st.integers(0, len(bodies("/a")) - 1),
    st.sampled_from(CLUSTERS),
)
narrow = st.builds(
    Filters,
    cluster=some(st.sampled_from(CLUSTERS)),
    app=some(st.sampled_from([*APPS, *PREFIXES])),
    type=some(st.sampled_from([*MODELS]), 3),
    severity=st.sampled_from(SEVERITIES),
    status=some(st.sampled_from(STATUS)),
)


def by_moto(policy: dict[str, Any], message: Notification) -> bool:
    """What moto's SNS says of a message. It knows no prefixes in arrays."""
    said = {name: {"Type": "String", "Value": value} for name, value in message.attributes.items()}
    if message.apps:
        said["apps"] = {"Type": "String.Array", "Value": json.loads(message.apps)}
    return FilterPolicyMatcher(policy, None).matches(said, "")


@given(narrow, st.lists(records, min_size=1, max_size=8))
@hypothesis.settings(max_examples=80)
def test_a_policy_lets_pass_what_the_options_mean(asked: Filters, some: list[Record]) -> None:
    policy = policy_of(asked)
    for record in some:
        message = notification(record)
        meant = passes(asked, record)
        assert filters.matches(policy, samples.values(message)) is meant
        if not any(app.endswith("*") for app in asked.app):
            assert by_moto(policy, message) is meant


@pytest.mark.parametrize(
    ("rule", "found", "passes"),
    [
        ({"exists": True}, ["a"], True),
        ({"exists": False}, ["a"], False),
        ({"exists": False}, None, True),
        ({"suffix": "b"}, ["ab"], True),
        ({"suffix": "b"}, None, False),
        ({"equals-ignore-case": "AB"}, ["ab"], True),
        ({"anything-but": ["a"]}, ["a"], False),
        ({"anything-but": "a"}, ["b"], True),
        ({"anything-but": {"prefix": "a"}}, ["ab"], False),
        ({"anything-but": ["a"]}, None, False),
        ({"numeric": [">", 0]}, ["1"], False),
        (None, ["a"], False),
    ],
)
def test_rules_of_others_are_understood(rule: Any, found: list[str] | None, passes: bool) -> None:
    message = {} if found is None else {"key": found}
    assert filters.matches({"key": [rule]}, message) is passes
    assert filters.matches({"$or": [{"key": [rule]}, {"x": ["y"]}]}, message) is passes


# Samples


@given(wanted("alerts"))
@hypothesis.settings(max_examples=30)
def test_every_filter_on_alerts_has_a_sample_that_passes(asked: Filters) -> None:
    made = samples.sample(policy_of(asked), "alerts", [])
    assert filters.matches(policy_of(asked), samples.values(made))
    assert made.subject.startswith("Test: ")
    assert len(made.subject) < 100


@given(st.sampled_from([*MODELS]), some(words), some(apps))
@hypothesis.settings(max_examples=60)
def test_every_type_has_a_sample_in_the_form_of_a_notification(
    type_: str, clusters: tuple[str, ...], paths: tuple[str, ...]
) -> None:
    about = ("scheduler_", "event_stream_", "subscribe", "unsubscribe", "relay_", "group_")
    paths = () if type_.startswith((*about, "pod_created", "framework_")) else paths
    asked = Filters(cluster=clusters, app=paths, type=(type_,))
    made = samples.sample(policy_of(asked), "events", ["east"])
    message = json.loads(made.message)
    assert message["test"] is True
    assert message["title"].startswith("Test: ")
    assert message["type"] == message["event"]["eventType"] == type_
    assert "cause" not in message
    assert made.attributes["cluster"] == (clusters or ("east",))[0]


def test_every_severity_and_every_status_has_a_sample() -> None:
    states = {**BY_TASK_STATE, **BY_CONDITION, None: "error"}
    for (status, worst), severity in itertools.product(states.items(), SEVERITIES):
        asked = Filters(severity=severity, status=(status,) if status else ())
        if SEVERITIES.index(worst) >= SEVERITIES.index(severity):
            made = samples.sample(policy_of(asked), "events", [])
            assert made.attributes.get("status", status) == status or status is None
        else:
            with pytest.raises(Failure, match="No event of Marathon"):
                samples.sample(policy_of(asked), "events", [])


@pytest.mark.parametrize(
    ("policy", "topic", "why"),
    [
        ({"type": ["deployment_failed"], "status": ["TASK_LOST"]}, "events", "No event of"),
        ({"type": ["no_such_event"]}, "events", "No event of"),
        ({"colour": ["red"]}, "events", "No event of"),
        ({"apps": [{"exists": False}], "app": [{"exists": True}]}, "events", "No event of"),
        ({"severity": ["notice"]}, "alerts", "No alert passes"),
        ({"type": ["deployment_failed"]}, "alerts", "No alert passes"),
        ({"cluster": [{"wildcard": "e*"}]}, "events", "can't be read here"),
    ],
)
def test_where_no_sample_can_pass_it_says_why(
    policy: dict[str, Any], topic: TopicName, why: str
) -> None:
    with pytest.raises(Failure, match=why):
        samples.sample(policy, topic, ["east"])


@pytest.mark.parametrize(
    "policy",
    [
        {"deployment": ["d-1"]},
        {"subject": ["group:/prod"]},
        {"subject": ["marathon"]},
        {"app": [{"suffix": "/web"}]},
        {"type": [{"anything-but": {"prefix": "deployment_"}}], "status": [{"exists": False}]},
        {"$or": [{"type": ["relay_gap"]}, {"severity": ["nonsense"]}]},
    ],
)
def test_policies_beyond_words_have_samples_too(policy: dict[str, Any]) -> None:
    made = samples.sample(policy, "events", ["east"])
    assert filters.matches(policy, samples.values(made))


@pytest.mark.parametrize(
    "policy", [{"subject": ["marathon"]}, {"subject": ["group:/a"]}, {"apps": [{"exists": False}]}]
)
def test_alerts_that_are_of_no_app_have_samples(policy: dict[str, Any]) -> None:
    made = samples.sample(policy, "alerts", ["east"])
    assert filters.matches(policy, samples.values(made))
    assert made.apps == ""


@pytest.mark.parametrize(
    ("asked", "topic", "why"),
    [
        (Filters(type=("x",)), "alerts", "--type does not fit the alerts topic"),
        (Filters(status=("x",)), "alerts", "--topic events"),
        (Filters(state=("resolved",)), "events", "--topic alerts"),
        (Filters(app=("/a/*/b",)), "events", "'/prod/\\*'"),
        (Filters(app=("/a/",)), "events", "give a path"),
        (Filters(status=('a"b',)), "events", "quotes"),
        (
            Filters(app=tuple(f"/a{n}" for n in range(40)), cluster=("a", "b"), severity="warning"),
            "events",
            "at most 150 .* are 160: 2 of cluster × 40 of apps × 2 of severity",
        ),
    ],
)
def test_filters_that_sns_cant_have_are_refused_with_the_reason(
    asked: Filters, topic: TopicName, why: str
) -> None:
    with pytest.raises(Failure, match=why):
        filters.check(asked, topic)
