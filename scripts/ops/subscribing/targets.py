"""What a target is, and which topics it can subscribe to."""

import argparse
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ops import cli
from ops.cli import Failure
from ops.stage.resources import Stage

from chalicelib.services.topic import FIFO

TopicName = Literal["events", "alerts"]
TOPICS: tuple[TopicName, ...] = ("events", "alerts")

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SEPARATORS = re.compile(r"[ ().-]")
_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?"
)
_KINDS = (
    "a mail address, a phone number such as +491701234567, an https:// URL, or the ARN of an SQS "
    "queue or a Lambda function"
)


@dataclass(frozen=True)
class Target:
    """Where SNS delivers. ``protocol``, ``endpoint``: as SNS calls them; a subscription that was
    made by hand may have a protocol that we don't offer.
    """

    protocol: str
    endpoint: str

    @property
    def topic(self) -> TopicName:
        """The topic that it is usually for: people get alerts, programs get events."""
        return "alerts" if self.protocol in ("email", "sms") else "events"

    @property
    def shown(self) -> str:
        """The endpoint for people. What follows the host of a URL may be a secret."""
        if self.protocol not in ("http", "https"):
            return self.endpoint
        parts = urlsplit(self.endpoint)
        rest = "/***" if parts.path.strip("/") or parts.query else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{rest}"

    @property
    def fifo(self) -> bool:
        """Whether it is a FIFO queue."""
        return self.protocol == "sqs" and self.endpoint.endswith(FIFO)

    def beside(self, stage: Stage) -> bool:
        """Whether it is a queue or a function of the stage's account and region. Only there can it
        be set up from here.
        """
        ours = self.protocol in ("sqs", "lambda")
        return ours and self.endpoint.split(":")[3:5] == stage.topic_arn.split(":")[3:5]


def target(text: str) -> Target:
    """What a text names. Raises Failure."""
    phone = _PHONE_SEPARATORS.sub("", text)
    if _PHONE.fullmatch(phone):
        return Target("sms", phone)
    if _QUEUE.fullmatch(text):
        return Target("sqs", text)
    if _FUNCTION.fullmatch(text):
        return Target("lambda", text)
    if text.startswith("https://") and _host(text):
        return Target("https", text)
    if text.startswith("http://"):
        raise Failure(
            "An http:// URL would get notifications unencrypted, with all that the events say of "
            "commands and labels. Give an https:// URL."
        )
    try:
        return Target("email", cli.mail(text))
    except argparse.ArgumentTypeError:
        raise Failure(f"{text!r} is not a target. Give {_KINDS}.") from None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def topic_arn(stage: Stage, topic: TopicName) -> str:
    """The ARN of a topic. Raises Failure where the stage is older than its alerts topic."""
    arn = stage.topic_arn if topic == "events" else stage.alerts_topic_arn
    if not arn:
        raise Failure(
            f"Stage {stage.name} has no alerts topic yet. Deploy it again: "
            f"make deploy STAGE={stage.name}."
        )
    return arn


def check(stage: Stage, target: Target, topic: TopicName) -> None:
    """Raises Failure where SNS, or the size of a message, rules out this target on this topic."""
    ordered = stage.ordered and topic == "events"
    if ordered and target.protocol != "sqs":
        raise Failure(
            f"The events topic of stage {stage.name} keeps order, so only queues can subscribe to "
            f"it, and {target.shown} is none. Subscribe a queue, and let a function or program "
            "read it; or subscribe to the alerts: --topic alerts."
        )
    if target.fifo and not ordered:
        raise Failure(
            f"The {topic} topic of stage {stage.name} is not ordered, and SNS delivers to FIFO "
            "queues from FIFO topics only. Give a standard queue; or deploy a new stage with "
            "--ordered, whose events topic is a FIFO topic."
        )
    if target.protocol == "sms" and topic == "events":
        raise Failure(
            "An SMS has 1,600 characters, and a notification is JSON of up to 256 KB. People's "
            "topic is the alerts topic: leave --topic out."
        )
    if target.protocol in ("sqs", "lambda") and not target.beside(stage):
        raise Failure(
            f"{target.endpoint} is in another account or region than stage {stage.name}, so it "
            "can't be set up from here. docs/subscribers.md says how its owner does it."
        )
