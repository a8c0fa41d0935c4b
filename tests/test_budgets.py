"""What an event takes of AWS keeps its budgets. How fast it is, ``make bench`` shows."""

from pathlib import Path

import pytest

from .bench import capacity, load, subjects


def test_calls_write_units_memory_and_size(tmp_path: Path) -> None:
    bench = subjects.make(tmp_path)
    for measure in (capacity.calls, capacity.write_units, capacity.memory, capacity.package):
        figures = list(measure(bench))
        assert any(each.budget is not None for each in figures)
        for each in figures:
            assert not each.missed, each


@pytest.mark.usefixtures("aws")
def test_under_load_each_event_is_stored_once_and_notified_once() -> None:
    figures = {each.name: each for each in load.load(60)}
    for name in ("refused", "lost", "not notified", "notified twice"):
        assert figures[name].value == 0
    assert figures["throughput"].value > 0
