"""What a million small events cost in dollars, by part: what was measured, at list prices.

Prices: us-east-1, without free tiers, as published in the first half of 2026.
"""

from collections.abc import Iterator
from typing import Any

from tests.bench import bodies, capacity, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process

_EVENTS = 1_000_000
_GB = 1024**3

_GATEWAY_REQUEST = 3.50e-6  # REST API
_LAMBDA_REQUEST = 0.20e-6
_LAMBDA_GB_SECOND = 16.6667e-6  # x86_64
_WRITE_UNIT = 0.625e-6  # on demand
_GB_MONTH = 0.25
_RECOVERABLE_GB_MONTH = 0.20  # point-in-time recovery, of the table without its index
_SNS_REQUEST = 0.50e-6  # of up to 64 KB, a batch's messages together; to queues and functions free
_LOG_GB = 0.50

# What only AWS can show, and is assumed here: how long Lambda bills an event, with the table some
# milliseconds away, and a batch, its publishes one after the other; and what Lambda itself logs of
# each invocation.
_API_SECONDS = 0.010
_FAN_OUT_SECONDS = 0.010
_RELAYED_AT_ONCE = 100
_BATCH_SECONDS = 0.5
_PUBLISH_SECONDS = 0.020
_LAMBDA_LOG_BYTES = 350

_MONTHS_KEPT = 3
_OVERHEAD_BYTES = 100  # DynamoDB counts so many with each item, in the table and in the index

Parts = dict[str, float]


def million(bench: Bench) -> Iterator[Figure]:
    """By part, on a busy day (fan-out gets full batches), on a quiet one (it gets one event at a
    time), and by hand.
    """
    request = payloads.post(bodies.small())
    with Process(bench, bench.ours) as ours:
        stored = ours.call(request, puts=True)["puts"][-1]
        logged = ours.call(request)["logged"]
        for day, events in (("busy", 100), ("quiet", 1)):
            batch = payloads.batch([stored] * events)
            ours.call(batch, handler="fanout")  # which notes the day, once
            fan_out = ours.call(batch, handler="fanout")
            parts = _ingest(stored, logged)
            for part, price in _fan_out(fan_out, events).items():
                parts[part] = parts.get(part, 0) + price
            yield from _figures(f"A million small events on a {day} day", parts)
            if day == "busy":
                relayed = _by_relay(parts)
    with Process(bench, bench.by_hand) as by_hand:
        stored = by_hand.call(request, puts=True)["puts"][-1]
    by_hand_parts = _by_hand(stored)
    total = sum(by_hand_parts.values()) * _EVENTS
    yield from _figures("A million small events by a relay, on a busy day", relayed, total)
    yield from _figures("A million small events by hand", by_hand_parts)


def _ingest(stored: str, logged: int) -> Parts:
    table, index = (size + _OVERHEAD_BYTES for size in capacity.sizes(stored))
    kept = (table + index) * _GB_MONTH + table * _RECOVERABLE_GB_MONTH
    return {
        "API Gateway": _GATEWAY_REQUEST,
        "Lambda api": _lambda("api_handler", _API_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * _WRITE_UNIT,
        "DynamoDB, three months kept": kept / _GB * _MONTHS_KEPT,
        "CloudWatch Logs": (logged + _LAMBDA_LOG_BYTES) / _GB * _LOG_GB,
    }


def _by_relay(parts: Parts) -> Parts:
    """The same, an event's share of a batch: one request for many."""
    lambda_ = _lambda("api_handler", _BATCH_SECONDS)
    return parts | {
        "API Gateway": parts["API Gateway"] / _RELAYED_AT_ONCE,
        "Lambda api": lambda_ / _RELAYED_AT_ONCE,
        "CloudWatch Logs": parts["CloudWatch Logs"] / _RELAYED_AT_ONCE,
    }


def _fan_out(told: dict[str, Any], events: int) -> Parts:
    publishes = told["calls"]["PublishBatch"]
    seconds = _FAN_OUT_SECONDS + _PUBLISH_SECONDS * publishes
    return {
        "Lambda fanout": _lambda("fanout", seconds) / events,
        "SNS": publishes * _SNS_REQUEST / events,
        "CloudWatch Logs": (told["logged"] + _LAMBDA_LOG_BYTES) / _GB * _LOG_GB / events,
    }


def _by_hand(stored: str) -> Parts:
    """The same memory and the same months, no index, no recovery, no line in the log."""
    (table,) = (size + _OVERHEAD_BYTES for size in capacity.sizes(stored))
    return {
        "API Gateway": _GATEWAY_REQUEST,
        "Lambda": _lambda("api_handler", _API_SECONDS + _PUBLISH_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * _WRITE_UNIT,
        "DynamoDB, three months kept": table * _GB_MONTH / _GB * _MONTHS_KEPT,
        "SNS": _SNS_REQUEST,
        "CloudWatch Logs": _LAMBDA_LOG_BYTES / _GB * _LOG_GB,
    }


def _lambda(function: str, seconds: float) -> float:
    gigabytes = capacity.configured_mb(function) / 1024
    return _LAMBDA_REQUEST + gigabytes * seconds * _LAMBDA_GB_SECOND


def _figures(section: str, parts: Parts, budget: float | None = None) -> Iterator[Figure]:
    for part, price in parts.items():
        yield Figure(section, part, price * _EVENTS, "$")
    yield Figure(section, "in all", sum(parts.values()) * _EVENTS, "$", budget=budget)
