"""Subscriptions at SNS: made, changed, listed, tried and removed."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ops.cli import Failure
from ops.stage import queues
from ops.stage.clients import client
from ops.stage.resources import Stage
from ops.subscribing import chat, filters, needs, samples, targets
from ops.subscribing.filters import Filters, Policy, UnreadableRule
from ops.subscribing.targets import TOPICS, Target, TopicName

from chalicelib.records.notification import Notification
from chalicelib.services import aws
from chalicelib.services.targets import queue_name
from chalicelib.services.topic import Topic

_ON_ATTRIBUTES = "MessageAttributes"
_PAUSES_SECONDS = (0.2, 1.0)
# So that a pager has opened its incident, and people see it.
_RESOLVED_AFTER_SECONDS = 30


@dataclass(frozen=True)
class Subscription:
    """One subscription of a stage. ``arn``: empty until it is confirmed; SNS then tells nothing
    more of it, either. ``scope``: what its filter policy is about. ``undelivered``: how many
    messages wait that SNS could not deliver; None if it has no queue for them.
    """

    topic: TopicName
    topic_arn: str
    target: Target
    arn: str = ""
    policy: Policy | None = None
    scope: str = _ON_ATTRIBUTES
    undelivered: int | None = None

    @property
    def id(self) -> str:
        """A short name of our own; the same for as long as topic and target are."""
        return _id(self.target, self.topic_arn)

    @property
    def filters(self) -> Filters | None:
        """Its filters in words, if words can say them."""
        if self.scope != _ON_ATTRIBUTES or not self.arn:
            return None
        return filters.filters_of(self.policy or {}, self.topic)


@dataclass(frozen=True)
class Subscribed:
    """What came of subscribing. ``new``: else its filters were set anew. ``confirmed``: whether
    messages will arrive from now on. ``left``: what is left to do for a queue.
    """

    new: bool
    confirmed: bool
    left: str


def all_of(stage: Stage) -> Iterator[Subscription]:
    """The subscriptions of both topics, with all that SNS tells of them."""
    for each in listed(stage):
        yield _whole(each) if each.arn else each


def listed(stage: Stage) -> Iterator[Subscription]:
    """The subscriptions of both topics, without their filters."""
    for topic in TOPICS:
        arn = stage.topic_arn if topic == "events" else stage.alerts_topic_arn
        if arn:
            pages = client("sns").get_paginator("list_subscriptions_by_topic")
            for page in pages.paginate(TopicArn=arn):
                for each in page["Subscriptions"]:
                    yield _listed(stage, topic, arn, each)


def subscribe(stage: Stage, target: Target, topic: TopicName, wanted: Filters) -> Subscribed:
    """Subscribe a target, or change the filters of one that is subscribed. Raises Failure."""
    arn = targets.topic_arn(stage, topic)
    if target.own:
        chat.set_up(stage, target)
    left = needs.allow(target, arn)
    settings = _settings(stage, target, arn, wanted)
    known = _known(stage, target, topic)
    request = {"TopicArn": arn, "Protocol": target.protocol, "Endpoint": target.endpoint}
    found = known.arn if known else ""
    if not found:
        # Of one that waits for its confirmation only this tells the ARN; SNS asks again, too.
        new = {} if known else {"Attributes": settings}
        made = client("sns").subscribe(**request, **new, ReturnSubscriptionArn=True)
        found = made["SubscriptionArn"]
    if known:
        _change(found, settings)
    pending = _attributes(found).get("PendingConfirmation") == "true"
    return Subscribed(known is None, not pending, left)


def remove(stage: Stage, target: Target, topic: TopicName) -> int:
    """Unsubscribe, and take back all that was set up. Returns how many undelivered messages lie in
    the subscription's queue, which then stays. Raises Failure if it is not subscribed, or not yet
    confirmed.
    """
    arn = targets.topic_arn(stage, topic)
    known = _known(stage, target, topic)
    if known and not known.arn:
        raise Failure(
            f"{target.shown} has not confirmed its subscription, so SNS can't remove it. "
            "It expires two days after it was made; until then nothing is delivered."
        )
    if known:
        client("sns").unsubscribe(SubscriptionArn=known.arn)
    # Also without a subscription: a removal may have been interrupted here.
    if target.beside(stage):
        needs.take_back(target, arn)
    if target.own:
        chat.take_down(stage, target)
    kept = _delete_undelivered(queues.find(undelivered_queue(stage, target, topic)))
    if known is None:
        raise Failure(f"{target.shown} is not subscribed to the {topic} of stage {stage.name}.")
    return kept


def remove_all(stage: Stage) -> None:
    """Take back what was set up for any subscription, with all that lies there: the topics of the
    stage are about to go.
    """
    for each in listed(stage):
        if each.target.beside(stage):
            needs.take_back(each.target, each.topic_arn)
    for target in chat.all_of(stage):
        chat.take_down(stage, target)
    for url in queues.find_all(needs.undelivered_prefix(stage)):
        client("sqs").delete_queue(QueueUrl=url)


def undelivered_queue(stage: Stage, target: Target, topic: TopicName) -> str:
    """The name of the queue in which lies what a target could not be given."""
    arn = targets.topic_arn(stage, topic)
    return needs.undelivered_queue(stage, _id(target, arn), arn)


def undelivered(stage: Stage) -> dict[str, int]:
    """The queues in which undelivered messages lie, and how many."""
    found = queues.find_all(needs.undelivered_prefix(stage))
    counts = {queues.name_of(url): queues.waiting(url) for url in found}
    return {name: count for name, count in counts.items() if count}


def try_out(stage: Stage, wanted: Subscription) -> tuple[Notification, list[Subscription]]:
    """Publish a sample that passes one subscription's filter. Returns it, and the others that it
    reaches, or may reach. Raises Failure.
    """
    if not wanted.arn:
        raise Failure(
            f"{wanted.target.shown} has not confirmed its subscription, so SNS delivers nothing to "
            "it. Follow the link in the message that SNS sent; subscribe again for another."
        )
    if wanted.scope != _ON_ATTRIBUTES:
        raise Failure(
            "Its filter is about the message's body, not its attributes, and can't be read here. "
            "So no sample can be made for it; publish one by hand (aws sns publish)."
        )
    clusters = [each.name for each in stage.clusters.all()]
    sample = samples.sample(wanted.policy or {}, wanted.topic, clusters)
    if wanted.target.own:
        opened, resolved = samples.pair(sample)
        chat.send(stage, wanted.target, opened, 0)
        chat.send(stage, wanted.target, resolved, _RESOLVED_AFTER_SECONDS)
        return opened, []
    (result,) = Topic(aws.sns(), wanted.topic_arn).publish([sample], _PAUSES_SECONDS)
    if result.outcome != "sent":
        raise Failure(f"SNS did not take the sample: {result.reason}. Try again.")
    others = [each for each in all_of(stage) if each.id != wanted.id and _hears(each, sample)]
    return sample, [each for each in others if each.topic == wanted.topic]


def _hears(each: Subscription, sample: Notification) -> bool:
    """Whether a message reaches a subscription, as far as its filter can be read."""
    if not each.arn:
        return False
    try:
        on_body = each.scope != _ON_ATTRIBUTES
        return on_body or filters.matches(each.policy or {}, samples.values(sample))
    except UnreadableRule:
        return True


def _id(target: Target, topic_arn: str) -> str:
    if target.own:
        return target.own
    said = f"{topic_arn} {target.protocol} {target.endpoint}"
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _known(stage: Stage, target: Target, topic: TopicName) -> Subscription | None:
    found = (each for each in listed(stage) if (each.target, each.topic) == (target, topic))
    return next(found, None)


def _listed(stage: Stage, topic: TopicName, topic_arn: str, answer: dict[str, Any]) -> Subscription:
    confirmed = answer["SubscriptionArn"].startswith("arn:")
    return Subscription(
        topic,
        topic_arn,
        _target(stage, answer["Protocol"], answer["Endpoint"]),
        answer["SubscriptionArn"] if confirmed else "",
    )


def _target(stage: Stage, protocol: str, endpoint: str) -> Target:
    chats = queues.arn_beside(stage.alerts_topic_arn or stage.topic_arn, queue_name(stage.name, ""))
    if id_ := queues.id_in(endpoint, chats):
        return chat.known(stage, id_)
    return Target(protocol, endpoint)


def _whole(each: Subscription) -> Subscription:
    answer = _attributes(each.arn)
    redrive = json.loads(answer.get("RedrivePolicy") or "{}")
    queue = redrive.get("deadLetterTargetArn", "")
    url = queues.find(queues.name_of(queue)) if queue else None
    return Subscription(
        each.topic,
        each.topic_arn,
        each.target,
        each.arn,
        json.loads(answer.get("FilterPolicy") or "{}"),
        answer.get("FilterPolicyScope") or _ON_ATTRIBUTES,
        queues.waiting(url) if url else None,
    )


def _attributes(arn: str) -> dict[str, str]:
    answer = client("sns").get_subscription_attributes(SubscriptionArn=arn)
    return dict(answer["Attributes"])


def _settings(stage: Stage, target: Target, topic: str, wanted: Filters) -> dict[str, str]:
    """A subscription's attributes. People get no queue for what is undelivered: an alert that comes
    late is of no use. Queues get an event's message alone. SNS's envelope is left to alerts, whose
    subject only it has, and to HTTPS endpoints, since its signature is what they can check.
    """
    settings = {}
    if policy := filters.policy_of(wanted):
        settings["FilterPolicy"] = json.dumps(policy)
    if target.own or target.topic == "events":
        queue = needs.make_undelivered_queue(stage, _id(target, topic), topic)
        settings["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": queue})
    if target.protocol == "sqs" and topic == stage.topic_arn:
        settings["RawMessageDelivery"] = "true"
    return settings


def _change(arn: str, settings: dict[str, str]) -> None:
    """Set attributes of a subscription. An empty policy lets all pass, and must come first: what
    was there may not fit the scope.
    """
    change = client("sns").set_subscription_attributes
    if _attributes(arn).get("FilterPolicyScope", _ON_ATTRIBUTES) != _ON_ATTRIBUTES:
        change(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="{}")
        change(
            SubscriptionArn=arn, AttributeName="FilterPolicyScope", AttributeValue=_ON_ATTRIBUTES
        )
    for name, value in ({"FilterPolicy": "{}"} | settings).items():
        change(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def _delete_undelivered(url: str | None) -> int:
    """Delete a queue of undelivered messages, unless some lie there; how many do."""
    if url is None:
        return 0
    count = queues.waiting(url)
    if not count:
        client("sqs").delete_queue(QueueUrl=url)
    return count
