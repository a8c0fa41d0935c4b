"""What an event takes of AWS keeps its budgets. How fast it is, ``make bench`` shows."""

from pathlib import Path

import pytest

from tests.bench import capacity, load
from tests.bench.subjects import Bench, Subject
from tests.support.package import RUNS_HERE

needs_lambda = pytest.mark.skipif(not RUNS_HERE, reason="the package is for Linux on x86_64")


@pytest.fixture
def bench(tmp_path: Path, ours: Path, python: Path) -> Bench:
    return Bench(python, tmp_path, Subject("ours", ours, "app", "app"))


@needs_lambda
def test_calls_write_units_memory_and_size_keep_their_budgets(bench: Bench) -> None:
    for measure in (capacity.calls, capacity.write_units, capacity.memory, capacity.package):
        figures = list(measure(bench))
        assert any(each.budget is not None for each in figures)
        for each in figures:
            assert not each.missed, each


@pytest.mark.usefixtures("aws")
def test_under_load_each_event_is_stored_and_notified_once() -> None:
    figures = {each.name: each for each in load.load(60)}
    for name in ("refused", "lost", "not notified", "notified twice"):
        assert figures[name].value == 0
    assert figures["throughput"].value > 0
