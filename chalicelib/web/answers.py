"""HTTP: what the functions' outcomes are as answers."""

import time
from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib import log

if TYPE_CHECKING:
    from chalicelib.ingest import Ingest, Receipt

_JSON: dict[str, str | list[str]] = {"Content-Type": "application/json"}

_ERRORS = {
    "refused": (
        403,
        "The token is missing, wrong or revoked: register this Marathon (scripts/register.py).",
    ),
    "too_large": (
        413,
        "An event may have at most 6,291,456 bytes: ask Marathon for light plans, or use fewer, "
        "smaller apps in a group.",
    ),
    "lost": (
        503,
        "Neither the table nor the spill queue took the event; its last copy is in the log.",
    ),
}


def callback(ingest: "Ingest", token: str | None, body: bytes, request_id: str) -> Response:
    """Take in the event that a request carries, and answer as Marathon needs it."""
    started = time.perf_counter()
    receipt = ingest.receive(token, body)
    latency = round((time.perf_counter() - started) * 1000, 3)
    log.metrics(
        {_METRICS[receipt.outcome]: 1, "Latency": latency},
        id=receipt.id,
        cluster=receipt.cluster,
        outcome=receipt.outcome,
        request=request_id,
    )
    return _answer(receipt)


def health() -> Response:
    """The function runs. Touches nothing."""
    return Response({"status": "ok"}, headers=_JSON)


_METRICS = {
    "new": "Stored",
    "duplicate": "Duplicate",
    "spilled": "Spilled",
    "refused": "Refused",
    "too_large": "TooLarge",
    "lost": "Lost",
}


def _answer(receipt: "Receipt") -> Response:
    if receipt.outcome in _ERRORS:
        status, message = _ERRORS[receipt.outcome]
        error = {"code": receipt.outcome, "message": message}
        return Response({"error": error}, status_code=status, headers=_JSON)
    status = 202 if receipt.outcome == "spilled" else 200
    body = {"id": receipt.id, "stored": receipt.outcome}
    return Response(body, status_code=status, headers=_JSON)
