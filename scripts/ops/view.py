"""Records on a terminal. Their text may be hostile: control characters are made visible, and have
no effect.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from rich.console import Console
from rich.text import Text

from chalicelib import times
from chalicelib.records.record import Record
from chalicelib.records.summary import Summary
from chalicelib.text import visible, visible_json

STYLES = {"info": "dim", "notice": "cyan", "warning": "yellow", "error": "bold red"}

_SHORT_ID = 8
_LEAST_TITLE = 20
_CUT = " … "


@dataclass(frozen=True)
class Screen:
    """Where lines are shown. ``width``: of the terminal in columns; 0 if it is none, and the lines
    are for another program. ``zone``: the time zone of the times.
    """

    width: int = 0
    zone: tzinfo = UTC

    def day(self, time: str) -> str:
        """The date of a time, with the zone: ``2016-04-24 UTC``."""
        return f"{self._local(time):%Y-%m-%d} {self.zone_at(time)}"

    def zone_at(self, time: str) -> str:
        """The name of the zone then: ``UTC``."""
        return str(self._local(time).tzname())

    def clock(self, time: str) -> str:
        """The time of day of a time: ``09:28:12``."""
        return f"{self._local(time):%H:%M:%S}"

    def moment(self, time: str) -> str:
        """A time to the second: ``2016-04-24 09:28:12``; in another zone than UTC with its name."""
        local = self._local(time)
        zone = "" if self.zone is UTC else f" {local.tzname()}"
        return f"{local:%Y-%m-%d %H:%M:%S}{zone}"

    def minute(self, time: str) -> str:
        """A time to the minute: ``2016-04-24 09:28``."""
        return f"{self._local(time):%Y-%m-%d %H:%M}"

    def exact(self, time: str) -> str:
        """A time to the millisecond: ``2016-04-24 09:28:12.034Z``."""
        if self.zone is UTC:
            return time.replace("T", " ")
        return self._local(time).isoformat(" ", "milliseconds")

    def _local(self, time: str) -> datetime:
        return times.from_iso(time).astimezone(self.zone)


PIPE = Screen()


def screen(console: Console, zone: tzinfo = UTC) -> Screen:
    """What a console is shown on."""
    return Screen(console.width if console.is_terminal else 0, zone)


def line(record: Record | Summary, where: Screen = PIPE, *, cluster: bool = False) -> Text:
    """A record in one line, whole: when, how bad, what, and its id. ``cluster``: with its name."""
    style = STYLES.get(record.severity, "")
    return Text.assemble(
        (where.exact(record.timestamp), "dim"),
        "  ",
        (f"{record.severity:<7}", style),
        "  ",
        (f"{record.cluster}  " if cluster else "", "green"),
        (visible(record.title), "" if style == "dim" else style),
        "  ",
        (record.id, "dim"),
    )


def row(record: Record | Summary, where: Screen, *, cluster: bool = False, count: int = 1) -> Text:
    """The same for a terminal, in its width: with the time of day and a short id. ``count``: how
    many such records there were.
    """
    style = STYLES.get(record.severity, "")
    before = Text.assemble(
        (where.clock(record.timestamp), "dim"),
        "  ",
        (f"{record.severity:<7}", style),
        "  ",
        (f"{record.cluster}  " if cluster else "", "green"),
    )
    after = Text.assemble(
        (f"  ×{count}" if count > 1 else "", "bold"), "  ", (short_id(record.id), "dim")
    )
    room = max(_LEAST_TITLE, where.width - before.cell_len - after.cell_len)
    title = Text(fitted(visible(record.title), room), "" if style == "dim" else style)
    title.truncate(room, overflow="ellipsis", pad=True)
    return before + title + after


def short_id(id_: str) -> str:
    """What is shown of an id where room is short; ``finding`` finds the event by it."""
    return id_.partition("-")[2][:_SHORT_ID]


def fitted(text: str, width: int) -> str:
    """A text in that width, cut between words. A long one loses its middle: Mesos puts the cause
    last. A word that is as long as half of its part is cut.
    """
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    tail = text[-(width // 2) :]
    tail = _unless_long(tail.partition(" ")[2], tail)
    head = text[: width - len(_CUT) - len(tail)]
    head = _unless_long(head.rpartition(" ")[0], head)
    return f"{head}{_CUT}{tail}"


def _unless_long(words: str, part: str) -> str:
    """The whole words of a part, unless the word that was cut takes half of it."""
    return words if 2 * len(words) > len(part) else part


def summary_json(record: Record) -> str:
    """A record's summary as one line of JSON."""
    return visible_json(json.dumps(record.summary(), ensure_ascii=False))


def whole_json(record: Record) -> str:
    """A record's summary and the event itself, letter for letter, as JSON."""
    return f'{summary_json(record)[:-1]}, "event": {visible_json(record.event_json())}}}'


def details(record: Record) -> Text:
    """All that is known of a record, for reading."""
    text = Text()
    for name, value in record.summary().items():
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        text.append(f"{name:>15}  ", style="dim").append(f"{visible(shown)}\n")
    return text.append("\n").append(_pretty(record))


def _pretty(record: Record) -> str:
    if not record.is_json:
        return visible(record.body.decode(errors="replace"))
    try:
        return visible_json(json.dumps(json.loads(record.body), indent=2, ensure_ascii=False))
    except (ValueError, RecursionError):  # more than Python reads, though it is JSON
        return visible_json(record.body.decode())
