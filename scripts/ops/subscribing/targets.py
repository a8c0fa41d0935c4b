"""What a target is, and which topics it can subscribe to."""

import argparse
import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from ops import cli
from ops.cli import Failure
from ops.stage import queues
from ops.stage.resources import Stage
from ops.subscribing import addresses

from chalicelib.services.targets import queue_name
from chalicelib.services.topic import FIFO

TopicName = Literal["events", "alerts"]
TOPICS: tuple[TopicName, ...] = ("events", "alerts")

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_SEPARATORS = re.compile(r"[ ().-]")
_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]+(\.fifo)?")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)?"
)
# What a tag of a queue may not hold.
_LABEL_UNFIT = re.compile(r"[^A-Za-z0-9 _./+-]")
_KINDS = (
    "a mail address, a phone number such as +491701234567, the address of a chat channel or pager "
    "such as slack://…, an https:// URL, or the ARN of an SQS queue or a Lambda function"
)


@dataclass(frozen=True)
class Target:
    """Where SNS delivers. ``protocol``, ``endpoint``: as SNS calls them; a subscription that was
    made by hand may have a protocol that we don't offer. A chat channel or pager is a queue of its
    ``own`` id (else that is empty), shown as its ``label``; only who gives its ``address`` has it.
    """

    protocol: str
    endpoint: str
    own: str = field(default="", compare=False)
    label: str = field(default="", compare=False)
    address: str = field(default="", compare=False, repr=False)

    @property
    def topic(self) -> TopicName:
        """The topic that it is usually for: people get alerts, programs get events."""
        return "alerts" if self.own or self.protocol in ("email", "sms") else "events"

    @property
    def shown(self) -> str:
        """The endpoint for people. What follows the host of a URL may be a secret."""
        if self.own:
            return self.label
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


def target(text: str, stage: Stage) -> Target:
    """What a text names. Raises Failure."""
    phone = _PHONE_SEPARATORS.sub("", text)
    if _PHONE.fullmatch(phone):
        return Target("sms", phone)
    if _QUEUE.fullmatch(text):
        return Target("sqs", text)
    if _FUNCTION.fullmatch(text):
        return Target("lambda", text)
    if text.startswith("http://"):
        raise Failure(
            "An http:// URL would get notifications unencrypted, with all that the events say of "
            "commands and labels. Give an https:// URL."
        )
    if "://" in text and (not text.startswith("https://") or _host(text)):
        service = addresses.service(text)
        return _chat(text, service, stage) if service else Target("https", text)
    try:
        if ":" not in text:
            return Target("email", cli.mail(text))
    except argparse.ArgumentTypeError:
        pass
    shown = "That" if ":" in text and not text.startswith("arn:") else repr(text)
    raise Failure(f"{shown} is not a target. Give {_KINDS}.")


def _chat(address: str, service: str, stage: Stage) -> Target:
    topic = topic_arn(stage, "alerts")
    id_ = hashlib.sha256(f"{topic} {address}".encode()).hexdigest()[:8]
    name = queue_name(stage.name, id_)
    label = f"{_LABEL_UNFIT.sub('', service).strip()} ...{addresses.ending(address)}"
    return Target("sqs", queues.arn_beside(topic, name), own=id_, label=label, address=address)


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
    if target.own and topic == "events":
        raise Failure(
            "The events are JSON for programs, hundreds a minute. A chat channel or pager gets the "
            "alerts: leave --topic out."
        )
    if target.protocol in ("sqs", "lambda") and not target.beside(stage):
        raise Failure(
            f"{target.endpoint} is in another account or region than stage {stage.name}, so it "
            "can't be set up from here. docs/subscribers.md says how its owner does it."
        )
