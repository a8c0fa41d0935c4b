"""Answers that Lambda takes."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.web import sizes

texts = st.lists(st.text(max_size=30), max_size=20)


@given(lists=st.dictionaries(st.sampled_from(["a", "b", "c"]), texts), most=st.integers(100, 2000))
def test_a_cut_answer_fits_and_says_what_is_missing(lists: dict[str, list[str]], most: int) -> None:
    answer: dict[str, Any] = sizes.cut({"id": "x", **lists}, *lists, most=most)
    omitted = answer.get("omitted", {})
    without = {name: each for name, each in answer.items() if name != "omitted"}
    assert sizes.in_answer(json.dumps(without, separators=(",", ":"))) <= most
    for name, whole in lists.items():
        assert answer[name] == whole[: len(whole) - omitted.get(name, 0)]


@given(lists=st.dictionaries(st.sampled_from(["a", "b", "c"]), texts))
def test_an_answer_that_fits_stays_whole(lists: dict[str, list[str]]) -> None:
    assert sizes.cut(lists, *lists) == lists


def test_a_small_list_stays_whole_beside_a_large_one() -> None:
    answer = sizes.cut({"few": ["x"] * 5, "many": ["x"] * 500}, "few", "many", most=400)
    assert answer["few"] == ["x"] * 5
    assert 0 < len(answer["many"]) < 500
