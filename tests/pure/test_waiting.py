"""Why nothing launches, in words: a sentence for each reason, and what of it stands in a title."""

from typing import Any

import pytest

from chalicelib.marathon.models import RelayWaiting
from chalicelib.marathon.reading import event, parse, read
from chalicelib.marathon.waiting import why

APP: dict[str, Any] = {
    "id": "/shop/web",
    "instances": 5,
    "cpus": 2,
    "mem": 4096,
    "disk": 512,
    "gpus": 1,
    "constraints": [["hostname", "UNIQUE"]],
    "acceptedResourceRoles": ["slave_public"],
    "requirePorts": True,
    "portDefinitions": [{"port": 8080}, {"port": 8081}],
}
POD: dict[str, Any] = {
    "id": "/shop/web",
    "scaling": {"kind": "fixed", "instances": 4},
    "scheduling": {
        "placement": {
            "constraints": [{"fieldName": "rack", "operator": "CLUSTER", "value": "a"}],
            "acceptedResourceRoles": ["gpu"],
        }
    },
    "containers": [
        {"resources": {"cpus": 0.5, "mem": 512}, "endpoints": [{"name": "web", "hostPort": 0}]},
        {"resources": {"cpus": 1, "mem": 256}, "endpoints": [{"name": "db", "hostPort": 5432}]},
    ],
}


def waiting(*declined: tuple[str, int, int], **fields: Any) -> RelayWaiting:
    """The event of 3 instances that wait; each ``declined``: a reason, its agents, those before."""
    names = ("reason", "declined", "processed")
    offers = {
        "processed": 99,
        "declined": [dict(zip(names, each, strict=True)) for each in declined],
    }
    known = {
        "state": "waiting",
        "count": 3,
        "since": "2026-03-01T02:10:00.000Z",
        "timestamp": "2026-03-01T02:13:00.000Z",
        "delaySeconds": 0,
        "offers": offers,
    }
    return RelayWaiting.model_validate(known | fields)


def cause(*declined: tuple[str, int, int], **fields: Any) -> str:
    return why(waiting(*declined, **fields), APP).partition(": ")[2]


def test_it_says_who_waits_since_when_and_why_with_what_is_wanted() -> None:
    found = waiting(("UnfulfilledConstraint", 1, 15), ("InsufficientMemory", 14, 14))
    assert why(found, APP) == (
        "3 of 5 instances wait since 02:10: 14 of 15 agents have too little memory (4 GB wanted); "
        "the last meets no constraint `hostname UNIQUE`"
    )
    assert why(found) == (
        "3 instances wait since 02:10: 14 of 15 agents have too little memory; "
        "the last meets no constraint"
    )


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("UnfulfilledRole", "offer nothing for its role `slave_public`"),
        ("UnfulfilledConstraint", "meet no constraint `hostname UNIQUE`"),
        ("NoCorrespondingReservationFound", "have no reservation for it"),
        ("AgentMaintenance", "are in maintenance"),
        ("InsufficientCpus", "have too few CPUs (2 wanted)"),
        ("InsufficientMemory", "have too little memory (4 GB wanted)"),
        ("InsufficientDisk", "have too little disk (512 MB wanted)"),
        ("InsufficientGpus", "have too few GPUs (1 wanted)"),
        ("InsufficientPorts", "have too few free ports (8080, 8081 wanted)"),
        ("DeclinedScarceResources", "have GPUs, which Marathon keeps for apps that want them"),
        ("SomethingNew", "are declined for SomethingNew"),
    ],
)
def test_each_reason_has_a_sentence(reason: str, sentence: str) -> None:
    assert cause((reason, 2, 3)) == f"2 of 3 agents {sentence}"


def test_agents_are_counted_as_a_person_would() -> None:
    assert cause(("InsufficientCpus", 3, 3)) == "all 3 agents have too few CPUs (2 wanted)"
    assert cause(("InsufficientCpus", 1, 1)) == "the only agent has too few CPUs (2 wanted)"
    assert cause(("AgentMaintenance", 2, 6), ("InsufficientCpus", 4, 4)) == (
        "4 of 6 agents have too few CPUs (2 wanted); the other 2 are in maintenance"
    )
    assert cause(("AgentMaintenance", 1, 6), ("InsufficientCpus", 3, 5)) == (
        "3 of 6 agents have too few CPUs (2 wanted); 1 is in maintenance"
    )


def test_a_role_that_gets_nothing_is_said() -> None:
    assert (
        cause(("UnfulfilledRole", 4, 4)) == "no agent offers anything for its role `slave_public`"
    )


def test_no_offers_at_all_is_said() -> None:
    assert cause(offers={"processed": 0, "declined": []}) == (
        "Mesos offers Marathon nothing; other frameworks hold everything, or its role "
        "`slave_public` gets no share"
    )


def test_a_back_off_is_the_reason_while_it_lasts() -> None:
    held = waiting(("InsufficientCpus", 2, 3), delaySeconds=840)
    assert why(held, APP, failures=9).endswith(
        ": Marathon waits 14 minutes before it tries again, after 9 failures"
    )
    assert why(held).endswith(": Marathon waits 14 minutes before it tries again")
    assert "CPUs" in cause(("InsufficientCpus", 2, 3), delaySeconds=5)


def test_a_marathon_that_gives_no_reason_is_described_so() -> None:
    assert cause(offers=None) == "Marathon does not say why (it does since 1.4)"
    assert "soon" in cause(("InsufficientCpus", 0, 3))


def test_one_instance_an_earlier_day_and_the_end_are_said_plainly() -> None:
    one = waiting(("AgentMaintenance", 1, 1), count=1, timestamp="2026-03-02T12:00:00.000Z")
    assert why(one) == "1 instance waits since 1 Mar 02:10: the only agent is in maintenance"
    assert why(waiting(state="launched")) == "No instance waits any more"


def test_a_pod_wants_what_its_containers_want_together() -> None:
    reasons = (
        "UnfulfilledRole",
        "UnfulfilledConstraint",
        "InsufficientMemory",
        "InsufficientPorts",
    )
    found = [why(waiting((reason, 2, 3)), POD) for reason in reasons]
    assert all(each.startswith("3 of 4 instances wait") for each in found)
    wanted = ("role `gpu`", "constraint `rack CLUSTER a`", "(768 MB wanted)", "(5432 wanted)")
    assert all(end in each for end, each in zip(wanted, found, strict=True))


def test_a_long_path_loses_its_beginning_and_never_the_cause() -> None:
    body = waiting(("InsufficientMemory", 14, 15), appId="/group" * 50 + "/web")
    text = body.model_dump_json().replace('"eventType":null', '"eventType":"relay_waiting"')
    title = read(text.encode()).title
    assert len(title) <= 140
    assert title.startswith("3 instances of …")
    assert title.endswith(
        "/web wait for offers since 02:10: 14 of 15 agents have too little memory"
    )


@pytest.mark.parametrize(
    "fields",
    [
        '"count":-1,"delaySeconds":1e308,"since":"9999-12-31T23:59:59Z"',
        f'"count":{"9" * 5000},"delaySeconds":{"9" * 5000}',
        '"offers":{"processed":-1,"declined":[{"reason":"x\\n\\u202e","declined":5,"processed":2}]}',
        f'"offers":{{"declined":[{{"reason":"r","declined":{"9" * 400},"processed":1}}]}}',
        '"offers":[],"appId":7,"state":null',
        '"offers":{"declined":[1,null,{"declined":true}]}',
    ],
)
def test_hostile_events_still_get_a_title_and_a_reason(fields: str) -> None:
    body = f'{{"eventType":"relay_waiting","relay":"r","state":"waiting",{fields}}}'.encode()
    title = read(body).title
    assert title.isprintable()
    assert "could not be read" not in title
    made = event(body)
    assert isinstance(made, RelayWaiting)
    assert why(made, parse(b'{"cpus":"x","mem":-1,"constraints":[[1,null],7],"container":[]}'))
