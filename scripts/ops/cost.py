"""What a stage costs in a month, by part: an estimate from events a day and their size. Pure.

AWS's list prices in dollars of us-east-1, written down by hand in the first half of 2026, without
free tiers. Not counted: mail, SMS, deliveries to HTTPS, KMS, data that leaves AWS.
"""

import math
from collections.abc import Mapping

GATEWAY_REQUEST = 3.50e-6  # REST API
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = {"x86_64": 16.6667e-6, "arm64": 13.3334e-6}
WRITE_UNIT = 0.625e-6  # on demand
GB_MONTH = 0.25  # the table and its indexes
RECOVERABLE_GB_MONTH = 0.20  # point-in-time recovery, of the table without its indexes
SNS_REQUEST = 0.50e-6  # of up to 64 KB, a batch's messages together; to queues and functions free
SQS_REQUEST = 0.40e-6
LOG_GB = 0.50
ALARM = 0.10
FIXED = {"CloudWatch metrics": 12 * 0.30, "CloudWatch alarms": 23 * ALARM, "Dashboard": 3.00}

# What only AWS can show, and is assumed here: how long Lambda bills an event, with the table some
# milliseconds away; a batch, its publishes one after the other; and what Lambda itself logs of each
# invocation.
API_SECONDS = 0.010
FAN_OUT_SECONDS = 0.010
PUBLISH_SECONDS = 0.020
LAMBDA_LOG_BYTES = 350
OVERHEAD_BYTES = 100  # DynamoDB counts so many with each item, in the table and in each index
GB = 1024**3

_DAYS = 30
_SECONDS = _DAYS * 86_400
_SUMMARY_BYTES, _INDEXED_BYTES = 700, 600  # of a usual record, without its body
_UNIT_BYTES, _COMPRESSED = 1024, 0.3  # a body is compressed where that saves a write unit
_BAD = 0.05  # of events are warnings or errors
_POLLS_A_SECOND = 4  # of a stream
EMPTY_RECEIVES = 5 * _SECONDS / 20  # of a queue: five pollers, each waits for twenty seconds


def parts(
    events_a_day: float,
    size: float,
    memory: Mapping[str, int],
    architecture: str = "x86_64",
    retention_days: int = 90,
    targets: int = 0,
) -> dict[str, float]:
    """Dollars a month, by part. ``size``: bytes of an event; ``memory``: MB of each function;
    ``retention_days``: 0 for ever, of which a year is counted; ``targets``: chat channels and
    pagers.
    """
    events = events_a_day * _DAYS
    batch = max(1.0, events_a_day / 86_400 / _POLLS_A_SECOND)
    work = {  # of each function: invocations, and the seconds of one
        "api": (events, API_SECONDS),
        "fanout": (events / batch, FAN_OUT_SECONDS + PUBLISH_SECONDS * math.ceil(batch / 10)),
        "alerts": (events * _BAD, FAN_OUT_SECONDS),
        "watch": (_SECONDS / 60, 0.050),
    }
    second = LAMBDA_GB_SECOND[architecture]
    item = _SUMMARY_BYTES + size
    if item > _UNIT_BYTES:
        item = _SUMMARY_BYTES + size * _COMPRESSED
    kept = events_a_day * (retention_days or 365) / GB
    table, index = (kept * (each + OVERHEAD_BYTES) for each in (item, _INDEXED_BYTES))
    published = events * max(1 / min(batch, 10), (size + _SUMMARY_BYTES) / 65_536)
    invocations = sum(times for times, _ in work.values())
    return {
        "API Gateway": events * GATEWAY_REQUEST,
        **{
            f"Lambda {name}": times * (LAMBDA_REQUEST + seconds * memory[name] / 1024 * second)
            for name, (times, seconds) in work.items()
        },
        "DynamoDB writes": events * (math.ceil(item / _UNIT_BYTES) + 1 + _BAD) * WRITE_UNIT,
        "DynamoDB storage": (table + index) * GB_MONTH + table * RECOVERABLE_GB_MONTH,
        "SNS": published * SNS_REQUEST,
        "SQS": EMPTY_RECEIVES * SQS_REQUEST,
        "Chat and pagers": targets * sum(target().values()),
        "CloudWatch logs": invocations * 2 * LAMBDA_LOG_BYTES / GB * LOG_GB,
        **FIXED,
    }


def target() -> dict[str, float]:
    """What a chat channel or pager costs in a month in which nothing is wrong."""
    return {"SQS, its queue's polling": EMPTY_RECEIVES * SQS_REQUEST, "its alarm": ALARM}
