"""What changed between two definitions, as readers may see it."""

import json
from typing import Any

import pytest

from chalicelib.marathon.reading import parse
from chalicelib.records.changes import changed_fields


def shown(before: Any, after: Any) -> list[dict[str, Any]]:
    fields = changed_fields(before, after)
    return [each.model_dump(exclude_none=True) for each in fields]


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("ENV.A", {"ENV": {"A": "s3cret"}}, {"ENV": {"A": "s3cret2"}}),
        ("Env.A.secret", {"Env": {"A": {"secret": "s3cret"}}}, {"Env": {"A": {"secret": "s3"}}}),
        (
            "container.docker.credential.secret",
            {"container": {"docker": {"credential": {"secret": "s3cret"}}}},
            {"container": {"docker": {"credential": {"secret": "s3cret2"}}}},
        ),
    ],
)
def test_changes_of_secrets_show_only_their_names(field: str, before: Any, after: Any) -> None:
    assert shown(before, after) == [{"field": field, "change": "changed"}]


def test_the_value_of_a_docker_parameter_is_masked_where_it_sets_a_variable() -> None:
    def app(secret: str, net: str) -> Any:
        pairs = [{"key": "env", "value": f"A={secret}"}, {"key": "net", "value": net}]
        return {"container": {"docker": {"parameters": pairs}}}

    changes = shown(app("s3cret", "a"), app("s3cret2", "b"))
    assert [(each["before"], each["after"]) for each in changes] == [("***", "***"), ("a", "b")]


def test_a_url_in_a_long_value_is_masked_before_it_is_cut() -> None:
    long = "x" * 1_980 + " https://u:" + "s3cret" * 20 + "@h/a"
    (change,) = shown({"cmd": "true"}, {"cmd": long})
    assert "s3cret" not in change["after"]


def test_values_that_json_lacks_are_sent_as_strings() -> None:
    after = parse(b'{"mem": 1e999, "cpus": ' + b"9" * 5000 + b"}")
    changes = shown({"mem": 1, "cpus": 1}, after)
    assert {each["field"]: each["after"] for each in changes} == dict.fromkeys(
        ("mem", "cpus"), "Infinity"
    )


def test_a_value_nested_deep_is_text() -> None:
    deep = json.loads("[" * 300 + "]" * 300)
    (change,) = shown({"a": 1}, {"a": deep})
    assert change["after"] == json.dumps(deep)


def test_values_nested_too_deep_count_as_one() -> None:
    def nested(value: int) -> dict[str, Any]:
        found: dict[str, Any] = {str(n): value for n in range(1000)}
        for _ in range(100):
            found = {"a": found}
        return found

    assert [each["field"] for each in shown(nested(1), nested(2))] == [".".join("a" * 20)]


def test_a_definition_nested_too_deep_has_no_changes() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    assert shown({}, deep) == []
