"""The gate under attack: what a flood of wrong tokens costs, and what it can't do."""

from typing import Any

from ops.stage.clients import client
from ops.stage.resources import Stage

import pytest

from chalicelib import gate
from chalicelib.gate import Gate, Refused
from chalicelib.services import tokens


@pytest.fixture
def lookups() -> list[str]:
    """The table's look-ups so far."""
    seen: list[str] = []

    def note(model: Any, **kwargs: Any) -> None:
        seen.append(model.name)

    client("dynamodb").meta.events.register("before-call.dynamodb.GetItem", note)
    return seen


@pytest.fixture
def publishers(stage: Stage) -> Gate:
    return Gate(stage.tokens.find, "publisher")


def enter(gate: Gate, token: str | None) -> str:
    return gate.admit(token).cluster


def test_a_right_token_is_looked_up_once_a_minute(
    stage: Stage, publishers: Gate, lookups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tokens.mint()
    stage.tokens.add(token, "publisher", "prod", "test")
    assert [enter(publishers, token) for _ in range(5)] == ["prod"] * 5
    assert len(lookups) == 1
    monkeypatch.setattr(gate, "ACCEPTED_SECONDS", -1)
    other = Gate(stage.tokens.find, "publisher")
    for _ in range(3):
        enter(other, token)
    assert len(lookups) == 4


def test_a_wrong_token_is_looked_up_once_and_then_refused_from_memory(
    stage: Stage, publishers: Gate, lookups: list[str]
) -> None:
    wrong = tokens.mint()
    for _ in range(50):
        with pytest.raises(Refused):
            enter(publishers, wrong)
    assert len(lookups) == 1


@pytest.mark.parametrize(
    "token", [None, "", "x", "A" * 42, "A" * 44, "A" * 42 + "é", "A" * 42 + "\n"]
)
def test_a_malformed_token_costs_no_look_up(
    publishers: Gate, lookups: list[str], token: str | None
) -> None:
    with pytest.raises(Refused):
        enter(publishers, token)
    assert lookups == []


def test_a_flood_does_not_fill_the_memory(
    publishers: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "REMEMBERED", 20)
    for _ in range(60):
        with pytest.raises(Refused):
            enter(publishers, tokens.mint())
    assert publishers.remembered == 20


def test_a_refusal_is_soon_forgotten_so_that_a_new_token_works(
    stage: Stage, publishers: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "REFUSED_SECONDS", -1)
    token = tokens.mint()
    with pytest.raises(Refused):
        enter(publishers, token)
    stage.tokens.add(token, "publisher", "prod", "test")
    assert enter(publishers, token) == "prod"


def test_the_two_roles_do_not_open_each_others_doors(stage: Stage) -> None:
    publisher, reader = tokens.mint(), tokens.mint()
    stage.tokens.add(publisher, "publisher", "prod", "test")
    stage.tokens.add(reader, "reader", "", "test")
    with pytest.raises(Refused):
        enter(Gate(stage.tokens.find, "publisher"), reader)
    with pytest.raises(Refused):
        enter(Gate(stage.tokens.find, "reader"), publisher)


def test_no_token_is_in_the_table(stage: Stage) -> None:
    token = tokens.mint()
    stage.tokens.add(token, "publisher", "prod", "test")
    found = client("dynamodb").scan(TableName=stage.table_name)["Items"]
    assert tokens.hash_of(token) in str(found)
    assert token not in str(found)
