"""What a million small events cost in dollars, by part: what was measured, at list prices.

Prices: us-east-1, without free tiers, as published in the first half of 2026.
"""

from collections.abc import Iterator

from tests.bench import bodies, capacity, requests
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process

_EVENTS = 1_000_000
_GB = 1024**3

_GATEWAY_REQUEST = 3.50e-6  # REST API
_LAMBDA_REQUEST = 0.20e-6
_LAMBDA_GB_SECOND = 16.6667e-6  # x86_64
_WRITE_UNIT = 0.625e-6  # on demand
_STORED_GB_MONTH = 0.25 + 0.20  # and its point-in-time recovery
_SNS_REQUEST = 0.50e-6  # of up to 64 KB, a batch's messages together; to queues and functions free
_LOG_GB = 0.50

# What only AWS can show, and is assumed here: how long Lambda bills an event, with the table some
# milliseconds away, and a batch, its publishes one after the other; and what Lambda itself logs of
# each invocation.
_API_SECONDS = 0.010
_FAN_OUT_SECONDS = 0.010
_PUBLISH_SECONDS = 0.020
_LAMBDA_LOG_BYTES = 350

_MONTHS_KEPT = 3
_OVERHEAD_BYTES = 2 * 100  # DynamoDB counts 100 bytes with each item, in the table and in the index


def million(bench: Bench) -> Iterator[Figure]:
    """By part, on a busy day (fan-out gets full batches) and on a quiet one (it gets one event)."""
    request = requests.post(bodies.small())
    with Process(bench, bench.ours) as ours:
        stored = ours.call(request, puts=True)["puts"][-1]
        api = ours.call(request)
        for day, events in (("busy", 100), ("quiet", 1)):
            batch = requests.batch([stored] * events)
            ours.call(batch, handler="fanout")  # which notes the day, once
            fan_out = ours.call(batch, handler="fanout")
            publishes = fan_out["calls"]["PublishBatch"]
            seconds = (_FAN_OUT_SECONDS + _PUBLISH_SECONDS * publishes) / events
            item_bytes = capacity.stored_bytes(stored) + _OVERHEAD_BYTES
            logged = api["logged"] + _LAMBDA_LOG_BYTES
            logged += (fan_out["logged"] + _LAMBDA_LOG_BYTES) / events
            parts = {
                "API Gateway": _GATEWAY_REQUEST,
                "Lambda api": _LAMBDA_REQUEST
                + _gb("api_handler") * _API_SECONDS * _LAMBDA_GB_SECOND,
                "DynamoDB, writes": capacity.units(stored) * _WRITE_UNIT,
                "DynamoDB, three months kept": item_bytes / _GB * _STORED_GB_MONTH * _MONTHS_KEPT,
                "Lambda fanout": _LAMBDA_REQUEST / events
                + _gb("fanout") * seconds * _LAMBDA_GB_SECOND,
                "SNS": publishes / events * _SNS_REQUEST,
                "CloudWatch Logs": logged / _GB * _LOG_GB,
            }
            section = f"A million small events on a {day} day"
            for part, price in parts.items():
                yield Figure(section, part, price * _EVENTS, "$")
            yield Figure(section, "in all", sum(parts.values()) * _EVENTS, "$")


def _gb(function: str) -> float:
    return capacity.configured_mb(function) / 1024
