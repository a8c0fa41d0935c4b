"""What a million small events cost in dollars, by part: what was measured, at list cost."""

from collections.abc import Iterator
from typing import Any

from ops import cost

from tests.bench import bodies, capacity, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process

_EVENTS = 1_000_000

_RELAYED_AT_ONCE = 100
_BATCH_SECONDS = 0.5  # assumed, as those of ``ops.cost``

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
    idle = "A chat or pager in a month in which nothing is wrong"
    yield Figure(idle, "SQS requests of its queue's polling", cost.EMPTY_RECEIVES, "")
    for part, price in cost.target().items():
        yield Figure(idle, part, price, "$")


def _ingest(stored: str, logged: int) -> Parts:
    table, index = (size + cost.OVERHEAD_BYTES for size in capacity.sizes(stored))
    kept = (table + index) * cost.GB_MONTH + table * cost.RECOVERABLE_GB_MONTH
    return {
        "API Gateway": cost.GATEWAY_REQUEST,
        "Lambda api": _lambda("api_handler", cost.API_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * cost.WRITE_UNIT,
        "DynamoDB, three months kept": kept / cost.GB * _MONTHS_KEPT,
        "CloudWatch Logs": (logged + cost.LAMBDA_LOG_BYTES) / cost.GB * cost.LOG_GB,
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
    seconds = cost.FAN_OUT_SECONDS + cost.PUBLISH_SECONDS * publishes
    return {
        "Lambda fanout": _lambda("fanout", seconds) / events,
        "SNS": publishes * cost.SNS_REQUEST / events,
        "CloudWatch Logs": (told["logged"] + cost.LAMBDA_LOG_BYTES)
        / cost.GB
        * cost.LOG_GB
        / events,
    }


def _by_hand(stored: str) -> Parts:
    """The same memory and the same months, no index, no recovery, no line in the log."""
    (table,) = (size + cost.OVERHEAD_BYTES for size in capacity.sizes(stored))
    return {
        "API Gateway": cost.GATEWAY_REQUEST,
        "Lambda": _lambda("api_handler", cost.API_SECONDS + cost.PUBLISH_SECONDS),
        "DynamoDB, writes": capacity.units(stored) * cost.WRITE_UNIT,
        "DynamoDB, three months kept": table * cost.GB_MONTH / cost.GB * _MONTHS_KEPT,
        "SNS": cost.SNS_REQUEST,
        "CloudWatch Logs": cost.LAMBDA_LOG_BYTES / cost.GB * cost.LOG_GB,
    }


def _lambda(function: str, seconds: float) -> float:
    gigabytes = capacity.configured_mb(function) / 1024
    return cost.LAMBDA_REQUEST + gigabytes * seconds * cost.LAMBDA_GB_SECOND["x86_64"]


def _figures(section: str, parts: Parts, budget: float | None = None) -> Iterator[Figure]:
    for part, price in parts.items():
        yield Figure(section, part, price * _EVENTS, "$")
    yield Figure(section, "in all", sum(parts.values()) * _EVENTS, "$", budget=budget)
