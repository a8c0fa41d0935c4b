"""A record as subscribers receive it. Pure: ``services/topic`` sends it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chalicelib.marathon.masking import mask_json, mask_text
from chalicelib.records.record import Record
from chalicelib.settings import Masking

# SNS: 262,144 bytes for a message with its attributes, and for a batch of them.
LIMIT_BYTES = 262_144
BATCH_ENTRIES = 10

Mark = Literal["replay", "test"]

_ATTRIBUTES = ("type", "cluster", "severity", "subject", "app", "deployment", "status")

# SNS: less than 100 characters. Older documentation demands ASCII too, and every mail program can
# show it.
_SUBJECT_CHARACTERS = 99
# One SMS, which has no letters beyond ASCII: one more of these is billed as several.
_SMS_CHARACTERS = 140

# SQS, a likely subscriber, refuses the same characters as XML 1.0.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Notification:
    """One SNS message. ``attributes``: for filter policies, at most seven, never empty. ``apps``:
    one more attribute, the JSON of a ``String.Array`` with every app or pod that the event is
    about; empty if there is none. ``incidents``: of an alert, one more of that kind: what it is
    about, where that is not its subject. ``sms``: what a phone gets in the place of the message;
    empty for the same. ``size``: bytes as SNS counts them. For FIFO topics alone:
    ``group``, equal for all of one cluster and subject, whose order the topic keeps, and
    ``deduplication``, of which the topic drops a second one within five minutes.
    """

    subject: str
    message: str
    attributes: dict[str, str]
    apps: str
    size: int
    incidents: str = ""
    group: str = ""
    deduplication: str = ""
    sms: str = ""

    @property
    def body(self) -> str:
        """The message as SNS is given it: one for all, or, as JSON, another for phones."""
        if not self.sms:
            return self.message
        return json.dumps({"default": self.message, "sms": self.sms}, ensure_ascii=False)


def with_texts(sent: Notification, text: str, sms: str) -> Notification:
    """The same with another message, and another text for phones."""
    made = replace(sent, message=text, sms=sms)
    grown = len(made.body.encode()) - len(sent.body.encode())
    return replace(made, size=sent.size + grown)


def as_sms(title: str) -> str:
    """What a phone gets: one SMS."""
    return _ascii(title, _SMS_CHARACTERS)


def notification(
    record: Record, masking: Masking = "masked", *, mark: Mark | None = None, run: str = ""
) -> Notification:
    """The notification of a record: its summary, and the event itself if it fits. ``mark``: why it
    is sent, if not because the record is new; then ``run`` tells this time from others, so that a
    FIFO topic drops a repeat of this time only.
    """
    summary = record.summary()
    if mark:
        summary[mark] = True
    attributes = {name: value for name in _ATTRIBUTES if (value := summary.get(name))}
    empty = message(record.title, "", attributes, record.touched)
    head = json.dumps(summary, ensure_ascii=False, separators=(",", ":"))[:-1]
    try:
        text = _escape(f'{head},"event":{event_json(record, masking)}}}')
    except RecursionError:
        text = _escape(f'{head},"event":null,"event_omitted":"nested too deep"}}')
    if empty.size + len(text.encode()) > LIMIT_BYTES:
        text = _escape(f'{head},"event":null,"event_omitted":"too large"}}')
    return replace(
        empty,
        message=text,
        size=empty.size + len(text.encode()),
        group=_group(record),
        deduplication=f"{record.id}-{mark}-{run}" if mark else record.id,
    )


def message(
    title: str,
    text: str,
    attributes: Mapping[str, str],
    apps: Sequence[str],
    incidents: Sequence[str | None] = (),
) -> Notification:
    """An SNS message of that title and text; both fit what SNS takes."""
    usable = {name: _CONTROL.sub(" ", value) for name, value in attributes.items()}
    arrays = {"apps": _array(apps), "incidents": _array(incidents)}
    subject = _ascii(title, _SUBJECT_CHARACTERS)
    size = len(subject) + len(text.encode())
    size += sum(len(name) + len("String") + len(value.encode()) for name, value in usable.items())
    for name, array in arrays.items():
        size += len(name) + len("String.Array") + len(array.encode()) if array else 0
    return Notification(subject, text, usable, arrays["apps"], size, arrays["incidents"])


def _array(values: Sequence[str | None]) -> str:
    return _CONTROL.sub(" ", json.dumps(values, ensure_ascii=False)) if values else ""


def _group(record: Record) -> str:
    """A hash, since SNS allows neither blanks nor letters beyond ASCII here, nor more than 128."""
    return hashlib.sha256(f"{record.cluster}|{record.subject}".encode()).hexdigest()


def event_json(record: Record, masking: Masking = "masked") -> str:
    """The event as JSON, unchanged letter for letter except for what is masked. So no number, key
    or nesting can be lost. A body that isn't JSON becomes a string. Raises RecursionError if the
    event is nested too deep to be masked.
    """
    if masking == "full":
        return record.event_json()
    if record.is_json:
        return mask_json(record.event_json())
    return json.dumps(mask_text(record.body.decode(errors="replace")))


def _escape(message: str) -> str:
    """The same JSON without the characters that SNS or SQS refuse; these occur only in strings."""
    if message.isascii():
        return message
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", message)


def _ascii(title: str, most: int) -> str:
    ascii_ = _CONTROL.sub(" ", title).replace("…", "...").encode("ascii", "replace").decode()
    if len(ascii_) > most:
        ascii_ = ascii_[: most - 3].rstrip() + "..."
    return ascii_
