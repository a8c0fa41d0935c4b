"""An alert as a target's queue brings it: SNS's envelope, in which a message lies that people are
to be sent. Pure.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

# What people look at first in a chat.
_SIGNS = {"error": "🔴", "warning": "🟠"}
_RESOLVED = "🟢"
AROUND = "What happened around it: "
"""So begins the line of an alert with the page's address. What events say stands before it, and may
hold any address."""
_LINK = re.compile(rf"^{AROUND}(https?://\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert. ``state``: ``opened``, ``ongoing`` or ``resolved``; ``subject``: what the incident
    is about. ``link``: to the page; empty if the text has none. ``incidents``: by name, what a
    pager has to open, go on with or end; none if it is over for a part of a storm alone.
    """

    title: str
    text: str
    cluster: str
    subject: str
    severity: str
    state: str
    link: str
    incidents: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        """Whether it says that the incident is resolved."""
        return self.state == "resolved"

    @property
    def signed_title(self) -> str:
        """The title with a sign for how bad it is."""
        sign = _RESOLVED if self.is_over else _SIGNS.get(self.severity, "")
        return f"{sign} {self.title}".strip()

    def keys(self, stage: str) -> list[str]:
        """By these a pager knows the incidents again: each the same for as long as it is the same
        one. Hashes, since subjects may be longer than services take.
        """
        named = [f"{stage}|{self.cluster}|{each}" for each in self.incidents]
        return [
            f"marathon-events-{hashlib.sha256(each.encode()).hexdigest()[:32]}" for each in named
        ]


def delivery(body: str) -> Delivery:
    """What a message of a target's queue says. Raises ValueError if it is no alert."""
    envelope = json.loads(body)
    match envelope:
        case {"Subject": str(title), "Message": str(text), "MessageAttributes": dict(attributes)}:
            links = _LINK.findall(text)
            subject = _value(attributes, "subject")
            return Delivery(
                title,
                text.rstrip(),
                _value(attributes, "cluster"),
                subject,
                _value(attributes, "severity"),
                _value(attributes, "state"),
                links[-1] if links else "",
                _incidents(attributes, subject),
            )
    raise ValueError("it is not an alert")


def _value(attributes: dict[str, Any], name: str) -> str:
    match attributes.get(name):
        case {"Value": str(value)}:
            return value
    raise ValueError(f"it has no attribute {name}")


def _incidents(attributes: dict[str, Any], subject: str) -> tuple[str, ...]:
    """What it is about: its subject, unless it says more."""
    if "incidents" not in attributes:
        return (subject,)
    return tuple(each for each in json.loads(_value(attributes, "incidents")) if each)
