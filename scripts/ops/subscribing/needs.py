"""What SNS needs for delivering to a queue or a function, and where it puts what it can't deliver.
All of it can be repeated, and be taken back.
"""

import hashlib
import json
from typing import Any

from ops.cli import Failure
from ops.stage import queues
from ops.stage.clients import client, if_there
from ops.stage.config import APP
from ops.stage.resources import Stage
from ops.subscribing.targets import Target

from chalicelib.services.topic import FIFO

_SNS = "sns.amazonaws.com"
TWO_WEEKS = "1209600"


def allow(target: Target, topic: str) -> str:
    """Let a topic deliver to a queue or a function. Returns what is left to do, if anything. Raises
    Failure where there is no such queue.
    """
    if target.protocol == "lambda":
        _allow_to_invoke(target, topic)
    if target.protocol == "sqs":
        return _allow_to_send(target, topic)
    return ""


def take_back(target: Target, topic: str) -> None:
    """The opposite; all that others allow stays. A target that is gone needs nothing."""
    if target.protocol == "lambda":
        _forbid_to_invoke(target, topic)
    if target.protocol == "sqs" and (url := queues.find(queues.name_of(target.endpoint))):
        policy = _policy(url)
        left = [each for each in _statements(policy) if each.get("Sid") != _sid(topic)]
        if left != _statements(policy):
            _set_policy(url, json.dumps(policy | {"Statement": left}) if left else "")


def undelivered_prefix(stage: Stage) -> str:
    """With this the names of the stage's queues of undelivered messages begin."""
    return f"{APP}-{stage.name}-undelivered-"


def undelivered_queue(stage: Stage, id_: str, topic: str) -> str:
    """The name of a subscription's queue of undelivered messages. SNS wants a FIFO queue for the
    subscriptions of a FIFO topic.
    """
    return f"{undelivered_prefix(stage)}{id_}{FIFO if topic.endswith(FIFO) else ''}"


def make_undelivered_queue(stage: Stage, id_: str, topic: str) -> str:
    """The ARN of that queue, made where it is not there."""
    name = undelivered_queue(stage, id_, topic)
    arn = queues.arn_beside(topic, name)
    if queues.find(name) is None:
        settings = {
            "MessageRetentionPeriod": TWO_WEEKS,
            "SqsManagedSseEnabled": "true",
            "Policy": json.dumps(
                {"Version": "2012-10-17", "Statement": [only_over_tls(arn), _send(arn, topic)]}
            ),
        }
        if name.endswith(FIFO):
            settings["FifoQueue"] = "true"
        tags = {"project": APP, "stage": stage.name}
        queues.make(name, settings, tags)
    return arn


def _allow_to_send(target: Target, topic: str) -> str:
    name = queues.name_of(target.endpoint)
    url = queues.find(name)
    if url is None:
        raise Failure(f"There is no queue {name} in this account and region. Make it first.")
    policy = _policy(url)
    others = [each for each in _statements(policy) if each.get("Sid") != _sid(topic)]
    wanted = policy | {"Statement": [*others, _send(target.endpoint, topic)]}
    if wanted != policy:
        _set_policy(url, json.dumps(wanted))
    key = queues.attributes(url, ["KmsMasterKeyId"]).get("KmsMasterKeyId", "")
    if key.endswith("alias/aws/sqs"):
        return (
            f"The queue {name} is encrypted with AWS's own key alias/aws/sqs, which SNS can't use: "
            "nothing will arrive. Give the queue SSE-SQS, or a key of your own."
        )
    if key:
        return (
            f"The queue {name} is encrypted with the key {key}. Nothing arrives unless the policy "
            f"of that key lets {_SNS} use kms:GenerateDataKey and kms:Decrypt."
        )
    return ""


def _allow_to_invoke(target: Target, topic: str) -> None:
    if _sid(topic) not in [each.get("Sid") for each in _permissions(target)]:
        client("lambda").add_permission(
            **_function(target),
            StatementId=_sid(topic),
            Action="lambda:InvokeFunction",
            Principal=_SNS,
            SourceArn=topic,
        )


def _forbid_to_invoke(target: Target, topic: str) -> None:
    if _sid(topic) in [each.get("Sid") for each in _permissions(target)]:
        client("lambda").remove_permission(**_function(target), StatementId=_sid(topic))


def _permissions(target: Target) -> list[dict[str, Any]]:
    """Who may invoke a function; nobody where there is no such function."""
    answer = if_there(client("lambda").get_policy, **_function(target))
    return _statements(json.loads(answer["Policy"])) if answer else []


def _function(target: Target) -> dict[str, str]:
    """How Lambda names a function, and its version or alias."""
    *parts, name, qualifier = [*target.endpoint.split(":"), ""][:8]
    found = {"FunctionName": ":".join([*parts, name])}
    return found | ({"Qualifier": qualifier} if qualifier else {})


def _policy(url: str) -> dict[str, Any]:
    text = queues.attributes(url, ["Policy"]).get("Policy")
    return json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}


def _set_policy(url: str, policy: str) -> None:
    client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """IAM takes one statement without a list, too."""
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _sid(topic: str) -> str:
    """A statement's name, by which it is found again: letters and digits alone."""
    return f"MarathonEvents{hashlib.sha256(topic.encode()).hexdigest()[:16]}"


def _send(queue: str, topic: str) -> dict[str, Any]:
    return {
        "Sid": _sid(topic),
        "Effect": "Allow",
        "Principal": {"Service": _SNS},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }


def only_over_tls(queue: str) -> dict[str, Any]:
    """A statement of a queue's policy: nobody may use it without TLS."""
    return {
        "Sid": "OnlyOverTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
