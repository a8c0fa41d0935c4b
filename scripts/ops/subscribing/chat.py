"""What a chat channel or a pager has of its own: a queue that SNS fills and the function
``deliver`` reads, a queue for what could not be delivered with an alarm on it, and its address in
the Parameter Store. All of it can be made again, and be taken away.
"""

import json
from collections.abc import Iterator
from typing import Any

from ops.cli import Failure
from ops.deploying import mappings
from ops.deploying.functions import FUNCTIONS, REPORTS
from ops.stage import queues
from ops.stage.clients import client, if_there
from ops.stage.config import APP
from ops.stage.resources import Stage
from ops.subscribing import needs
from ops.subscribing.targets import Target

from chalicelib.records.notification import Notification
from chalicelib.services.targets import parameter_name, queue_name, undelivered_name

# Lambda wants six times as long as the function may take.
_VISIBILITY_SECONDS = 360
# deliver itself gives up after hours. This ends only what makes it fail each time.
_MOST_RECEIVES = 100
# Lambda's least. One target that hangs must not take all that an account may run.
_AT_ONCE = 2
_LABEL = "target"
(_DELIVER,) = (each for each in FUNCTIONS if each.name == "deliver")


def set_up(stage: Stage, target: Target) -> None:
    """Make all that a target needs before SNS may fill its queue. Raises Failure."""
    function = _DELIVER.lambda_name(stage.name)
    if if_there(client("lambda").get_function, FunctionName=function) is None:
        raise Failure(
            f"The function {function} is not there: stage {stage.name} is older than chat and "
            f"pagers, or runs elsewhere. Deploy it: make deploy STAGE={stage.name}."
        )
    client("ssm").put_parameter(
        Name=parameter_name(stage.name, target.own),
        Value=target.address,
        Type="SecureString",
        Overwrite=True,
    )
    dead_letters = needs.make_undelivered_queue(stage, target.own, stage.alerts_topic_arn)
    _make_queue(stage, target, dead_letters)
    _set_alarm(stage, target)
    if not mappings.listed(EventSourceArn=target.endpoint):
        client("lambda").create_event_source_mapping(
            EventSourceArn=target.endpoint,
            FunctionName=function,
            BatchSize=1,
            FunctionResponseTypes=[REPORTS],
            ScalingConfig={"MaximumConcurrency": _AT_ONCE},
        )


def take_down(stage: Stage, target: Target) -> None:
    """Take away all but what lies undelivered; also what is left of an interrupted removal."""
    for each in mappings.listed(EventSourceArn=target.endpoint):
        client("lambda").delete_event_source_mapping(UUID=each["UUID"])
    client("cloudwatch").delete_alarms(AlarmNames=[_alarm(stage, target.own)])
    if url := queues.find(queue_name(stage.name, target.own)):
        client("sqs").delete_queue(QueueUrl=url)
    if_there(client("ssm").delete_parameter, Name=parameter_name(stage.name, target.own))


def all_of(stage: Stage) -> Iterator[Target]:
    """The chat channels and pagers of a stage, by their queues."""
    beginning = queue_name(stage.name, "")
    for url in queues.find_all(beginning):
        yield known(stage, queues.id_in(queues.name_of(url), beginning))


def known(stage: Stage, id_: str) -> Target:
    """A target that was set up, as far as its queue tells: not its address."""
    name = queue_name(stage.name, id_)
    url = queues.find(name)
    tags = client("sqs").list_queue_tags(QueueUrl=url).get("Tags", {}) if url else {}
    return Target(
        "sqs",
        queues.arn_beside(stage.alerts_topic_arn, name),
        own=id_,
        label=tags.get(_LABEL, "a chat or pager"),
    )


def lacks(stage: Stage, target: Target) -> list[str]:
    """What a target lacks for being heard there, in words."""
    missing = []
    name = parameter_name(stage.name, target.own)
    pages = client("ssm").get_paginator("describe_parameters")
    named = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    if not any(page["Parameters"] for page in pages.paginate(ParameterFilters=named)):
        missing.append(f"its address ({name} in SSM's Parameter Store)")
    readers = mappings.listed(EventSourceArn=target.endpoint)
    if not readers:
        missing.append("its event source mapping, so nothing reads its queue")
    elif REPORTS not in (readers[0].get("FunctionResponseTypes") or []):
        missing.append(f"{REPORTS} at its event source mapping")
    elif readers[0].get("State") in ("Disabled", "Disabling"):
        missing.append("an event source mapping that is enabled")
    return missing


def undelivered(stage: Stage, target: Target) -> tuple[int, str]:
    """How many alerts could not be delivered, and why one of them; nothing is removed."""
    url = queues.find(undelivered_name(stage.name, target.own))
    count = queues.waiting(url) if url else 0
    if not count:
        return 0, ""
    found = client("sqs").receive_message(
        QueueUrl=url, VisibilityTimeout=0, MessageAttributeNames=["reason"], WaitTimeSeconds=1
    )
    attributes = (each.get("MessageAttributes", {}) for each in found.get("Messages", []))
    return count, next((e["reason"]["StringValue"] for e in attributes if "reason" in e), "")


def send(stage: Stage, target: Target, sample: Notification, seconds: int) -> None:
    """Put a message on a target's queue as SNS would, to be delivered after so many seconds: so
    nobody else gets it, and two keep their order.
    """
    attributes = {
        name: {"Type": "String", "Value": value} for name, value in sample.attributes.items()
    }
    envelope: dict[str, Any] = {
        "Type": "Notification",
        "TopicArn": stage.alerts_topic_arn,
        "Subject": sample.subject,
        "Message": sample.message,
        "MessageAttributes": attributes,
    }
    url = queues.find(queue_name(stage.name, target.own))
    if url is None:
        raise Failure(f"The queue of {target.shown} is not there. Subscribe it again.")
    client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(envelope), DelaySeconds=seconds)


def _make_queue(stage: Stage, target: Target, dead_letters: str) -> None:
    name = queue_name(stage.name, target.own)
    if queues.find(name) is not None:
        return
    redrive = {"deadLetterTargetArn": dead_letters, "maxReceiveCount": _MOST_RECEIVES}
    settings = {
        "MessageRetentionPeriod": needs.TWO_WEEKS,
        "VisibilityTimeout": str(_VISIBILITY_SECONDS),
        "SqsManagedSseEnabled": "true",
        "RedrivePolicy": json.dumps(redrive),
        "Policy": json.dumps(
            {"Version": "2012-10-17", "Statement": [needs.only_over_tls(target.endpoint)]}
        ),
    }
    queues.make(name, settings, {"project": APP, "stage": stage.name, _LABEL: target.label})


def _set_alarm(stage: Stage, target: Target) -> None:
    queue = undelivered_name(stage.name, target.own)
    client("cloudwatch").put_metric_alarm(
        AlarmName=_alarm(stage, target.own),
        AlarmDescription=f"Alerts could not be delivered to {target.label}. They lie in the queue "
        f"{queue}, each with the reason.",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[stage.alarms_topic_arn] if stage.alarms_topic_arn else [],
    )


def _alarm(stage: Stage, id_: str) -> str:
    return f"{queue_name(stage.name, id_)}-undelivered"
