"""Work at a limited rate."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_T = TypeVar("_T")


def rate_limited(row: Iterable[_T], size: int, rate: float) -> Iterator[list[_T]]:
    """Groups of at most ``size``, in order. The next comes when the one before has had its time, at
    ``rate`` a second.
    """
    group: list[_T] = []
    started = time.monotonic()
    for each in row:
        group.append(each)
        if len(group) == size:
            yield group
            time.sleep(max(0.0, size / rate - (time.monotonic() - started)))
            group, started = [], time.monotonic()
    if group:
        yield group
