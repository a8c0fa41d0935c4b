"""How the benchmarks measure, and how they show it."""

import statistics
import time
from collections.abc import Callable, Sequence


def medians(rounds: int, measures: Sequence[Callable[[], float]]) -> list[float]:
    """The median of each measure, all taken in turn, so that a machine's moods meet them alike."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(each) for each in zip(*taken, strict=True)]


def cpu(call: Callable[[], object], repeat: int) -> float:
    """The seconds of CPU that so many calls take."""
    started = time.process_time()
    for _ in range(repeat):
        call()
    return time.process_time() - started


def show(what: str, ratio: float, budget: float | None) -> None:
    """Print a ratio, and whether it keeps its budget."""
    mark = "" if budget is None else f"budget {budget:.2f}  {'ok' if ratio <= budget else 'MISSED'}"
    print(f"{what:<62} {ratio:6.2f}  {mark}")
