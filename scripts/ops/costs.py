"""What a stage costs in a month, by part, from what it uses. Pure.

Not counted: mail and SMS, deliveries to HTTPS, KMS, data that leaves AWS, and free tiers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ops import prices

DAYS = 30
GB = 1024**3

# What only AWS can show, and is assumed here: how long Lambda bills an event, with the table some
# milliseconds away; a batch, its publishes one after the other; and what Lambda itself logs of each
# invocation.
API_SECONDS = 0.010
FAN_OUT_SECONDS = 0.010
PUBLISH_SECONDS = 0.020
LAMBDA_LOG_BYTES = 350
OVERHEAD_BYTES = 100  # DynamoDB counts so many with each item, in the table and in each index

_SECONDS = DAYS * 86_400
_SUMMARY_BYTES = 700  # of a usual record, without its body
_INDEXED_BYTES = 600
_COMPRESSED = 0.3  # of a body; of a long repetitive plan far less is left
_UNIT_BYTES = 1024
_LOGGED_BYTES = 350  # our own line
_POLLS_A_SECOND = 4  # of a stream
_EMPTY_RECEIVES = 5 * _SECONDS / 20  # five pollers, each of which waits for twenty seconds
_METRICS = 12
_TROUBLE_SHARE = 0.05  # of events are warnings or errors
_WATCH_SECONDS = 0.050
SNS_BYTES = 65_536
_RELAYED_AT_ONCE = 10
_FEWER_DAYS = 30


@dataclass(frozen=True)
class Work:
    """What a function did in a month. ``seconds``: those that Lambda bills."""

    invocations: float
    seconds: float
    megabytes: int


@dataclass(frozen=True)
class Usage:
    """A month of a stage. ``retention_days``: 0 for ever; ``relayed``: whether events come many in
    a request.
    """

    events: float
    requests: float
    functions: Mapping[str, Work]
    write_units: float
    read_units: float
    table_bytes: float
    index_bytes: float
    published: float
    queue_requests: float
    log_bytes: float
    metrics: float
    alarms: int
    dashboards: int
    architecture: str
    retention_days: int
    relayed: bool


@dataclass(frozen=True)
class Settings:
    """What a stage's config and template say. ``memory``: of each function, in MB."""

    memory: Mapping[str, int]
    architecture: str
    retention_days: int
    alarms: int


@dataclass(frozen=True)
class Advice:
    """A setting that would lower the costs. ``saves``: dollars a month."""

    setting: str
    saves: float


def parts(usage: Usage) -> dict[str, float]:
    """Dollars a month, by part."""
    lambdas = {
        f"Lambda {name}": work.invocations * prices.LAMBDA_REQUEST
        + work.seconds
        * work.megabytes
        / 1024
        * prices.LAMBDA_GB_SECOND.get(usage.architecture, prices.LAMBDA_GB_SECOND["x86_64"])
        for name, work in usage.functions.items()
    }
    stored = (usage.table_bytes + usage.index_bytes) / GB
    return {
        "API Gateway": usage.requests * prices.GATEWAY_REQUEST,
        **lambdas,
        "DynamoDB writes": usage.write_units * prices.WRITE_UNIT,
        "DynamoDB reads": usage.read_units * prices.READ_UNIT,
        "DynamoDB storage": stored * prices.GB_MONTH,
        "DynamoDB recovery": usage.table_bytes / GB * prices.RECOVERABLE_GB_MONTH,
        "DynamoDB stream": prices.STREAM_READ,
        "SNS": usage.published * prices.SNS_REQUEST,
        "SQS": usage.queue_requests * prices.SQS_REQUEST,
        "CloudWatch logs": usage.log_bytes / GB * (prices.LOG_GB + prices.LOG_GB_MONTH),
        "CloudWatch metrics": usage.metrics * prices.METRIC_MONTH,
        "CloudWatch alarms": usage.alarms * prices.ALARM_MONTH,
        "CloudWatch dashboard": usage.dashboards * prices.DASHBOARD_MONTH,
    }


def total(usage: Usage) -> float:
    """Dollars a month."""
    return sum(parts(usage).values())


def estimated(events_a_day: float, size: float, settings: Settings) -> Usage:
    """A month of so many events of ``size`` bytes, each sent by Marathon itself."""
    events = events_a_day * DAYS
    batch = max(1.0, events_a_day / 86_400 / _POLLS_A_SECOND)
    work = {
        "api": (events, API_SECONDS),
        "fanout": (events / batch, FAN_OUT_SECONDS + PUBLISH_SECONDS * math.ceil(batch / 10)),
        "restore": (0.0, 0.0),
        "alerts": (events * _TROUBLE_SHARE, FAN_OUT_SECONDS),
        "watch": (_SECONDS / 60, _WATCH_SECONDS),
    }
    functions = {
        name: Work(work[name][0], work[name][0] * work[name][1], megabytes)
        for name, megabytes in settings.memory.items()
        if name in work
    }
    item = _stored_bytes(size)
    invocations = sum(each.invocations for each in functions.values())
    days = settings.retention_days or 365
    return Usage(
        events=events,
        requests=events,
        functions=functions,
        write_units=events * (math.ceil(item / _UNIT_BYTES) + 1 + _TROUBLE_SHARE),
        read_units=0,
        table_bytes=events_a_day * days * (item + OVERHEAD_BYTES),
        index_bytes=events_a_day * days * (_INDEXED_BYTES + OVERHEAD_BYTES),
        published=events * max(1 / min(batch, 10), (size + _SUMMARY_BYTES) / SNS_BYTES),
        queue_requests=_EMPTY_RECEIVES,
        log_bytes=invocations * (LAMBDA_LOG_BYTES + _LOGGED_BYTES),
        metrics=_METRICS,
        alarms=settings.alarms,
        dashboards=1,
        architecture=settings.architecture,
        retention_days=settings.retention_days,
        relayed=False,
    )


def advice(usage: Usage) -> Advice | None:
    """The one setting that would lower the costs most, if any would by a cent."""
    now = total(usage)
    saved = [Advice(setting, now - total(after)) for setting, after in _options(usage)]
    best = max(saved, key=lambda each: each.saves, default=None)
    return best if best and best.saves >= 0.01 else None


def _options(usage: Usage) -> list[tuple[str, Usage]]:
    found = []
    if usage.retention_days == 0 or usage.retention_days > _FEWER_DAYS:
        share = _FEWER_DAYS / (usage.retention_days or 365)
        setting = f"RETENTION_DAYS {usage.retention_days} → {_FEWER_DAYS} (.chalice/config.json)"
        smaller = replace(
            usage, table_bytes=usage.table_bytes * share, index_bytes=usage.index_bytes * share
        )
        found.append((setting, smaller))
    if usage.architecture == "x86_64":
        setting = "lambda_architecture x86_64 → arm64 (.chalice/config.json)"
        found.append((setting, replace(usage, architecture="arm64")))
    if not usage.relayed:
        setting = f"a relay: about {_RELAYED_AT_ONCE} events a request (register.py --relay-env)"
        found.append((setting, _with_relay(usage)))
    return found


def _with_relay(usage: Usage) -> Usage:
    share = 1 / _RELAYED_AT_ONCE
    functions = dict(usage.functions)
    if api := functions.get("api"):
        functions["api"] = replace(api, invocations=api.invocations * share)
    return replace(usage, requests=usage.requests * share, functions=functions)


def _stored_bytes(size: float) -> float:
    """The bytes of an item in the table: a body is compressed where that saves a write unit."""
    plain = _SUMMARY_BYTES + size
    return plain if plain <= _UNIT_BYTES else _SUMMARY_BYTES + size * _COMPRESSED
