"""What an event takes of AWS: calls, write units, memory, room."""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.stage.config import function_settings

from tests.bench import bodies, payloads
from tests.bench.figures import Figure
from tests.bench.subjects import Bench, Process
from tests.support.templates import resources

_WARM_CALLS = 100
_FULL_BATCH = 100
_PAYLOAD_BYTES = 6 * 1024 * 1024  # Lambda's limit of a request
_WRITE_UNIT_BYTES = 1024


def calls(bench: Bench) -> Iterator[Figure]:
    """AWS calls per event, on the request path and of fan-out."""
    section = "AWS calls per event"
    request = payloads.post(bodies.small())
    with Process(bench, bench.ours) as ours:
        stored = ours.call(request, puts=True)["puts"][-1]
        warm = sum(ours.call(request, _WARM_CALLS)["calls"].values()) / _WARM_CALLS
        batch = payloads.batch([stored] * _FULL_BATCH)
        fan_out = sum(ours.call(batch, handler="fanout")["calls"].values()) / _FULL_BATCH
    yield Figure(section, "on the request path, warm", warm, "", budget=1)
    yield Figure(section, "of fan-out, full batches", fan_out, "", budget=0.11)


def write_units(bench: Bench) -> Iterator[Figure]:
    """What the writes of an event cost at DynamoDB, index included."""
    section = "DynamoDB write units per event, index included"
    with Process(bench, bench.ours) as ours:
        for name, body, budget in (
            ("small", bodies.running(), 2),
            ("small, of something that went wrong", bodies.small(), 3),
            ("app definition", bodies.definition(), None),
            ("plan of 100 apps", bodies.plan(100), 16),
            ("plan of 1,000 apps", bodies.plan(1000), None),
        ):
            puts = ours.call(payloads.post(body), puts=True)["puts"]
            yield Figure(section, name, sum(map(units, puts)), "", budget=budget)


def memory(bench: Bench) -> Iterator[Figure]:
    """The most that ``api`` ever has, which must leave half of its memory to spare."""
    configured = configured_mb("api_handler")
    section = f"Memory of api, MB (configured: {configured})"
    with Process(bench, bench.ours) as ours:
        at_rest = ours.call(payloads.post(bodies.small()))["peak_mb"]
        largest = ours.call(_largest())["peak_mb"]
    with Process(bench, bench.ours) as ours:
        worst = ours.call(payloads.post(b"[" + b"{}," * (_PAYLOAD_BYTES // 3 - 500) + b"{}]"))
    budget = configured / 2
    yield Figure(section, "at rest", at_rest, "", budget=budget)
    yield Figure(section, "after a plan of 6 MB", largest, "", budget=budget)
    yield Figure(section, "after 6 MB of empty objects", worst["peak_mb"], "", budget=budget)


def package(bench: Bench) -> Iterator[Figure]:
    """All that we choose to send to Lambda, unpacked."""
    section, package = "Package, unpacked, MB", bench.ours.package
    yield Figure(section, "all in it", _megabytes(package, "*"), "", budget=40)
    yield Figure(section, "of that, bytecode", _megabytes(package, "*.pyc"), "")


def units(put: str) -> int:
    """The write units of a PutItem request: one for each begun KiB of the item, and of what the
    index has of it.
    """
    return sum(math.ceil(size / _WRITE_UNIT_BYTES) for size in sizes(put))


def configured_mb(function: str) -> int:
    """The memory of a function."""
    return int(function_settings("prod", function)["lambda_memory_size"])


def sizes(put: str) -> list[int]:
    """The bytes of an item in the table, and in each index where it is."""
    item = json.loads(put)["Item"]
    projected = ({name: item[name] for name in held if name in item} for held in _held(item))
    return [size(item), *map(size, projected)]


def _held(item: dict[str, Any]) -> Iterator[list[str]]:
    """What each index holds of an item that is in it, by the template."""
    for index in resources("table.yaml")["EventsTable"]["Properties"]["GlobalSecondaryIndexes"]:
        keys = [key["AttributeName"] for key in index["KeySchema"]]
        if keys[0] in item:
            yield ["pk", "sk", *keys, *index["Projection"]["NonKeyAttributes"]]


def size(item: dict[str, Any]) -> int:
    """The bytes of an item as DynamoDB counts them: its names and its values."""
    return sum(len(name.encode()) + _value_size(typed) for name, typed in item.items())


def _value_size(typed: dict[str, Any]) -> int:
    kind, value = next(iter(typed.items()))
    match kind:
        case "B":
            return len(value if isinstance(value, bytes) else base64.b64decode(value))
        case "N":
            return len(value) // 2 + 2
        case "L":
            return 3 + sum(1 + _value_size(each) for each in value)
    return len(value.encode())


def _largest() -> dict[str, Any]:
    """The largest plan that Lambda would hand over, quotes escaped and all."""
    apps = 4700
    while len(json.dumps(request := payloads.post(bodies.plan(apps)))) > _PAYLOAD_BYTES:
        apps -= 50
    return request


def _megabytes(folder: Path, pattern: str) -> float:
    return sum(each.stat().st_size for each in folder.rglob(pattern) if each.is_file()) / 1024**2
