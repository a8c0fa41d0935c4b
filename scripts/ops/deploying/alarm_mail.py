"""The address that gets the alarms. CloudFormation subscribes it once: a subscription that was not
confirmed goes after three days, one that was ended is gone, and neither is made again.
"""

from collections.abc import Iterator
from typing import Literal

from ops.cli import say, warn
from ops.stage import stacks
from ops.stage.clients import client
from ops.stage.resources import Stage

State = Literal["confirmed", "unconfirmed", "gone"]

_UNCONFIRMED = "PendingConfirmation"  # "Deleted" is one that ended; SNS lists it for some days


def address(stage: Stage) -> str:
    """Who is to get the alarms; empty for nobody."""
    return stacks.parameters(stage.name).get("AlarmEmail", "")


def state(stage: Stage, mail: str) -> State:
    """Whether it does."""
    found = list(_arns(stage, mail))
    if any(each.startswith("arn:") for each in found):
        return "confirmed"
    return "unconfirmed" if _UNCONFIRMED in found else "gone"


def mend(stage: Stage) -> None:
    """Subscribe the address again where it gets nothing."""
    mail = address(stage)
    if not mail or not stage.alarms_topic_arn:
        return
    now = state(stage, mail)
    if now == "confirmed":
        return
    client("sns").subscribe(TopicArn=stage.alarms_topic_arn, Protocol="email", Endpoint=mail)
    why = "had ended" if now == "gone" else "is not confirmed"
    warn(
        f"The subscription of {mail} to the alarms {why}. SNS sends a mail: follow its link within "
        "two days, or nobody hears of alarms."
    )


def clear(stage: Stage, mail: str) -> None:
    """Take an address off the alarms that no longer is in the stack. One that was never confirmed
    goes by itself.
    """
    for arn in _arns(stage, mail):
        if arn.startswith("arn:"):
            client("sns").unsubscribe(SubscriptionArn=arn)
    say(f"{mail} gets no alarms any more; nobody does.")


def _arns(stage: Stage, mail: str) -> Iterator[str]:
    pages = client("sns").get_paginator("list_subscriptions_by_topic")
    for page in pages.paginate(TopicArn=stage.alarms_topic_arn):
        for each in page["Subscriptions"]:
            if (each["Protocol"], each["Endpoint"]) == ("email", mail):
                yield each["SubscriptionArn"]
