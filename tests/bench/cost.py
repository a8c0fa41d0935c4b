"""What a million small events cost in dollars, by part: what was measured, at list prices."""

from collections.abc import Iterator
from typing import Any

from ops import costs, prices

from tests.bench import bodies, capacity, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process

_EVENTS = 1_000_000

_RELAYED_AT_ONCE = 100
_BATCH_SECONDS = 0.5  # assumed, as those of ``ops.costs``

_MONTHS_KEPT = 3

Parts = dict[str, float]


def million(bench: Bench) -> Iterator[Figure]:
    """By part, on a busy day (fan-out gets full batches), on a quiet one (it gets one event at a
    time), and by hand.
    """
    request = payloads.post(bodies.running())
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
    table, index = (size + costs.OVERHEAD_BYTES for size in capacity.sizes(stored))
    kept = (table + index) * prices.GB_MONTH + table * prices.RECOVERABLE_GB_MONTH
    return {
        "API Gateway": prices.GATEWAY_REQUEST,
        "Lambda api": _lambda("api_handler", costs.API_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * prices.WRITE_UNIT,
        "DynamoDB, three months kept": kept / costs.GB * _MONTHS_KEPT,
        "CloudWatch Logs": (logged + costs.LAMBDA_LOG_BYTES) / costs.GB * prices.LOG_GB,
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
    seconds = costs.FAN_OUT_SECONDS + costs.PUBLISH_SECONDS * publishes
    return {
        "Lambda fanout": _lambda("fanout", seconds) / events,
        "SNS": publishes * prices.SNS_REQUEST / events,
        "CloudWatch Logs": (told["logged"] + costs.LAMBDA_LOG_BYTES)
        / costs.GB
        * prices.LOG_GB
        / events,
    }


def _by_hand(stored: str) -> Parts:
    """The same memory and the same months, no index, no recovery, no line in the log."""
    (table,) = (size + costs.OVERHEAD_BYTES for size in capacity.sizes(stored))
    return {
        "API Gateway": prices.GATEWAY_REQUEST,
        "Lambda": _lambda("api_handler", costs.API_SECONDS + costs.PUBLISH_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * prices.WRITE_UNIT,
        "DynamoDB, three months kept": table * prices.GB_MONTH / costs.GB * _MONTHS_KEPT,
        "SNS": prices.SNS_REQUEST,
        "CloudWatch Logs": costs.LAMBDA_LOG_BYTES / costs.GB * prices.LOG_GB,
    }


def _lambda(function: str, seconds: float) -> float:
    gigabytes = capacity.configured_mb(function) / 1024
    return prices.LAMBDA_REQUEST + gigabytes * seconds * prices.LAMBDA_GB_SECOND["x86_64"]


def _figures(section: str, parts: Parts, budget: float | None = None) -> Iterator[Figure]:
    for part, price in parts.items():
        yield Figure(section, part, price * _EVENTS, "$")
    yield Figure(section, "in all", sum(parts.values()) * _EVENTS, "$", budget=budget)
