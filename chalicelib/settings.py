"""A stage's settings, read once from the environment. An error names all missing ones together."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Masking = Literal["masked", "full"]

_REQUIRED = (
    "EVENTS_TABLE",
    "EVENTS_TOPIC_ARN",
    "SPILL_QUEUE_URL",
    "DEAD_LETTER_QUEUE_URL",
)

# The names of the event sources while app.py is imported without a stage (tests, packaging).
_NO_STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/none/stream/none"
_NO_QUEUE = "arn:aws:sqs:us-east-1:000000000000:none"


class SettingsError(Exception):
    """A variable of the environment is missing or makes no sense."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``retention_days``: 0 keeps records for ever. ``masking``: whether notifications show the
    values of an app's environment. ``alerts_topic_arn``: empty until the stage is deployed again
    after an upgrade; taking events in does not depend on it. ``no_events_minutes``: for how long
    nothing may come from a cluster before people hear of it; 0 for ever. ``stuck_minutes``: after
    how long a deployment of which no step began or ended stands still; 0 for never.
    """

    table: str
    topic_arn: str
    spill_queue_url: str
    dead_letter_queue_url: str
    retention_days: int = 90
    masking: Masking = "masked"
    alerts_topic_arn: str = ""
    no_events_minutes: int = 0
    stuck_minutes: int = 15

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """The settings. Raises SettingsError, naming all that is missing."""
        if missing := [name for name in _REQUIRED if not env.get(name)]:
            raise SettingsError(f"not set: {', '.join(missing)}; run make deploy STAGE=… first")
        table, topic, spill, dead_letters = (env[name] for name in _REQUIRED)
        return cls(
            table,
            topic,
            spill,
            dead_letters,
            retention_days(env),
            masking(env),
            env.get("ALERTS_TOPIC_ARN", ""),
            _number(env, "NO_EVENTS_MINUTES", "0", "minutes"),
            _number(env, "STUCK_MINUTES", "15", "minutes"),
        )

    @property
    def stage(self) -> str:
        """The name of the stage."""
        return self.table.removeprefix("marathon-events-")

    def alerts_topic(self) -> str:
        """The ARN of the alerts topic. Raises SettingsError if the stage has none yet."""
        if not self.alerts_topic_arn:
            raise SettingsError("not set: ALERTS_TOPIC_ARN; run make deploy STAGE=… again")
        return self.alerts_topic_arn


def retention_days(env: Mapping[str, str]) -> int:
    """How many days records are kept; 0 for ever. Raises SettingsError."""
    return _number(env, "RETENTION_DAYS", "90", "days")


def masking(env: Mapping[str, str]) -> Masking:
    """How an app's environment is shown in notifications. Raises SettingsError."""
    notify = env.get("NOTIFY_ENV") or "masked"
    if notify not in ("masked", "full"):
        raise SettingsError(f"NOTIFY_ENV must be masked or full, not {notify!r}")
    return "full" if notify == "full" else "masked"


def _number(env: Mapping[str, str], name: str, usual: str, unit: str) -> int:
    text = env.get(name) or usual
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(f"{name} must be a number of {unit}, 0 or more, not {text!r}")
    return int(text)


@dataclass(frozen=True, slots=True)
class EventSources:
    """What Chalice's decorators need while ``app.py`` is imported."""

    stream_arn: str
    spill_queue_arn: str

    @classmethod
    def read(cls, env: Mapping[str, str] = os.environ) -> "EventSources":
        """The stage's sources, or placeholder names without a stage. ``chalice deploy`` without a
        stage stops here, before it has made anything.
        """
        stream, queue = env.get("EVENTS_STREAM_ARN"), env.get("SPILL_QUEUE_URL")
        if not (stream and queue):
            if env.get("AWS_CHALICE_CLI_MODE") and "deploy" in sys.argv:
                sys.exit("This stage has no resources yet: run make deploy STAGE=… first.")
            return cls(stream or _NO_STREAM, _NO_QUEUE)
        # The stream's ARN contains partition, region and account; a queue's URL ends in its name.
        _, partition, _, region, account, _ = stream.split(":", 5)
        name = queue.rstrip("/").rpartition("/")[2]
        return cls(stream, f"arn:{partition}:sqs:{region}:{account}:{name}")
