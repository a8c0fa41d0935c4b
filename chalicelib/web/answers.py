"""The answers to those who post events."""

import time
from collections import Counter
from typing import TYPE_CHECKING

from chalice.app import Response

from chalicelib import VERSION, log
from chalicelib.gate import Refused
from chalicelib.web.headers import JSON

if TYPE_CHECKING:
    from chalicelib.ingest import Ingest, Receipt

MAX_LINES = 500
MAX_LINES_BYTES = 5 * 1024 * 1024

_ERRORS = {
    "no_token": (
        401,
        "Send the publisher token in a header: Authorization: Bearer <token>.",
    ),
    "refused": (
        403,
        "The token is missing, wrong or revoked: register this Marathon (scripts/register.py).",
    ),
    "too_large": (
        413,
        "An event may have at most 6,291,456 bytes: ask Marathon for light plans, or use fewer, "
        "smaller apps in a group.",
    ),
    "too_many_bytes": (
        413,
        f"A request may have at most {MAX_LINES_BYTES:,} bytes: send fewer lines at once.",
    ),
    "too_many_lines": (
        400,
        f"A request may have at most {MAX_LINES} lines, an event each: send fewer at once.",
    ),
    "lost": (
        503,
        "Neither the table nor the spill queue took the event; its last copy is in the log.",
    ),
    "not_kept": (
        503,
        "Neither the table nor the spill queue took some of the events: send them all again. "
        "Those that were kept are then duplicates.",
    ),
}


def callback(ingest: "Ingest", token: str | None, body: bytes, request_id: str) -> Response:
    """Take in the event of a request, and answer as Marathon needs it."""
    started = time.perf_counter()
    receipt = ingest.receive(token, body)
    log.metrics(
        {METRICS[receipt.outcome]: 1, "Latency": _milliseconds_since(started)},
        id=receipt.id,
        cluster=receipt.cluster,
        outcome=receipt.outcome,
        request=request_id,
    )
    if receipt.outcome in _ERRORS:
        return _error(receipt.outcome)
    return _answer(202 if receipt.outcome == "spilled" else 200, _kept(receipt))


def events(ingest: "Ingest", authorization: str | None, body: bytes, request_id: str) -> Response:
    """Take in the events of a request, one on each line."""
    started = time.perf_counter()
    token = bearer(authorization)
    if token is None:
        return _error("no_token")
    if len(body) > MAX_LINES_BYTES:
        return _error("too_many_bytes")
    lines = _lines(body)
    if len(lines) > MAX_LINES:
        return _error("too_many_lines")
    try:
        receipts = ingest.receive_all(token, lines)
    except Refused:
        log.metrics({METRICS["refused"]: 1}, request=request_id)
        return _error("refused")
    counts = Counter(METRICS[receipt.outcome] for receipt in receipts)
    log.metrics(
        {**counts, "Latency": _milliseconds_since(started)},
        cluster=receipts[0].cluster if receipts else "",
        events=len(receipts),
        request=request_id,
    )
    if METRICS["lost"] in counts:
        return _error("not_kept")
    return _answer(200, {"events": [_kept(receipt) for receipt in receipts]})


def health() -> Response:
    """Say that the function runs, and its version. Calls no other service."""
    return _answer(200, {"status": "ok", "version": VERSION})


METRICS = {
    "new": "Stored",
    "duplicate": "Duplicate",
    "spilled": "Spilled",
    "refused": "Refused",
    "too_large": "TooLarge",
    "lost": "Lost",
}


def bearer(authorization: str | None) -> str | None:
    """The token in an ``Authorization`` header, or None."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _lines(body: bytes) -> list[bytes]:
    """The lines of a body. The end of a line (LF or CR LF) is not part of its event."""
    lines = body.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def _kept(receipt: "Receipt") -> dict[str, str]:
    return {"id": receipt.id, "stored": receipt.outcome}


def _answer(status: int, body: object) -> Response:
    return Response(body, status_code=status, headers=JSON)


def _error(code: str) -> Response:
    status, message = _ERRORS[code]
    return _answer(status, {"error": {"code": code, "message": message}})
