"""Durations, counts and names as people read them. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib import times
from chalicelib.text import plain

_NAMES = 3
_PATH_CHARACTERS = 40


def duration(time: timedelta) -> str:
    """A duration of a second or more, rounded: ``40 seconds``, ``3 hours 20 minutes``."""
    return times.duration(max(round(time.total_seconds()), 1))


def clock(time: datetime) -> str:
    """``02:14:05 UTC on 2026-03-02``."""
    return f"{time:%H:%M:%S} UTC on {time:%Y-%m-%d}"


def between(first: datetime, last: datetime) -> str:
    """When something happened that began and ended then."""
    if last - first < timedelta(seconds=1):
        return f"at {clock(first)}"
    if first.date() == last.date():
        return f"between {first:%H:%M:%S} and {clock(last)}"
    return f"from {clock(first)} until {clock(last)}"


def counted(number: int, unit: str) -> str:
    """``1 task``, ``1,200 tasks``."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def ordinal(number: int) -> str:
    """``second``, ``third``, ``12th``."""
    words = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth"}
    if number in words:
        return words[number]
    ends = {1: "st", 2: "nd", 3: "rd"} if number % 100 not in (11, 12, 13) else {}
    return f"{number}{ends.get(number % 10, 'th')}"


def listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; empty if there is none."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def names(found: Sequence[str], most: int = _NAMES) -> str:
    """Paths or hosts: ``/a, /b, /c and 4 more``."""
    shown = [path(each) for each in found[:most]]
    left = len(found) - len(shown)
    return listed([*shown, *([f"{left} more"] if left else [])])


def path(text: str) -> str:
    """A path, cut at its beginning if it is long: its end says more."""
    text = plain(text, 4 * _PATH_CHARACTERS)
    return text if len(text) <= _PATH_CHARACTERS else "…" + text[1 - _PATH_CHARACTERS :]


def title(cluster: str, headline: str) -> str:
    """The title of a message: an SMS shows nothing else, so it names the cluster."""
    return f"[{cluster}] {headline}"


def headline(cluster: str, title: str) -> str:
    """What a message's title says, for those who see which cluster is meant."""
    return title.removeprefix(f"[{cluster}] ")
