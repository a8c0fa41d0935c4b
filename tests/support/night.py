"""A night of a cluster, played through the real functions, and what people got, as a story."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.marathon.reading import read
from chalicelib.records.record import Record, identify, record_of
from chalicelib.services import aws
from local.rehearsal import Heard, Rehearsal

Event = dict[str, Any]

# The clock that each night begins at.
MIDNIGHT = datetime.fromisoformat("2026-03-02T00:00:00Z")
_APPS_SHOWN = 5
# The numbers by which apps and hosts of one kind differ.
_NUMBERED = re.compile(r"(?<=svc-)\d+|(?<=node-)\d+")


class Night(Rehearsal):
    """A rehearsal of events as dictionaries."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.now = MIDNIGHT

    def happen(
        self, events: Iterable[Event], until: timedelta = timedelta(minutes=20)
    ) -> list[Heard]:
        """Let the events happen at their times, and watch look each minute. Returns what people
        got.
        """
        before = len(self.heard)
        self.play([json.dumps(each).encode() for each in events], until)
        return self.heard[before:]

    def arrive(self, events: Sequence[Event], received: datetime | None = None) -> list[Record]:
        """Store events that come now, or at that time, and hand them over."""
        made = [
            record_at(each, received or max(self.now, times.from_iso(each["timestamp"])))
            for each in events
        ]
        self.store(made)
        self.pump()
        return made

    def look_at(self, *moments: datetime) -> None:
        """Let watch look at those times."""
        for self.now in moments:
            self.look()

    def story(self, title: str, words: str, right: str) -> str:
        """The night as a file that one reads like a story."""
        happened = [f"- {line}" for line in _happened(self.records)]
        heard = [part for each in self.heard for part in _shown(each)] or ["Nobody was woken.", ""]
        lines = [f"# {title}", "", words, "", f"**Right:** {right}", ""]
        lines += ["## What happened", "", *happened, "", "## What people got", "", *heard]
        told = [
            f"- {', '.join(each.apps)}: {each.state}"
            f"{f', started by {each.started_by}' if each.started_by else ''}"
            for each in self.stories()
        ]
        lines += ["## Deployments", "", *told, ""] if told else []
        return "\n".join(lines).replace(f"--stage {self.stage.name}", "--stage prod")


def record_at(event: Event, received: datetime) -> Record:
    """The record of an event that was received at that time."""
    body = json.dumps(event).encode()
    reading = read(body)
    id_ = identify(body, reading.timestamp or received)
    return record_of(id_, "prod", received, reading, body)


def every_minute(first: datetime, minutes: int) -> list[datetime]:
    """So many looks of watch."""
    return [first + timedelta(minutes=n) for n in range(minutes)]


@contextmanager
def at_call(when: str, number: int, act: Any) -> Iterator[None]:
    """Do something once at that call to AWS."""
    left = number

    def count(**kwargs: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    clients: Any = (aws.dynamodb(), aws.sns(once=True))
    for each in clients:
        each.meta.events.register(when, count)
    try:
        yield
    finally:
        for each in clients:
            each.meta.events.unregister(when, count)


def _happened(records: list[Record]) -> Iterator[str]:
    """What happened, each kind of event once."""
    titles: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda each: each.id):
        titles.setdefault(_NUMBERED.sub("…", record.title), []).append(record)
    for title, same in titles.items():
        when = same[0].timestamp[11:19]
        if len(same) > 1:
            when = f"{when} – {same[-1].timestamp[11:19]}, {len(same)} times"
        yield f"{when}: {title}"


def _shown(heard: Heard) -> Iterator[str]:
    named = dict(heard.attributes)
    if len(heard.apps) > _APPS_SHOWN:
        named["apps"] = f"{len(heard.apps)} of them"
    yield f"### {heard.at:%H:%M:%S} – {heard.title}"
    yield ""
    yield ", ".join(f"`{name}`: {value}" for name, value in sorted(named.items()))
    yield ""
    yield "```text"
    yield heard.text.rstrip()
    yield "```"
    yield ""
