"""When the last event of each cluster came. This matters most for relays, which can't be asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ops.doctor.findings import Finding
from ops.marathon import registration
from ops.stage.resources import Stage

from chalicelib import history, times
from chalicelib.services.tokens import Token

_QUIET = timedelta(minutes=15)


def is_relay(token: Token) -> bool:
    """Whether a token is a relay's, by its label, and valid."""
    return token.role == "publisher" and token.valid and registration.is_relays(token)


def check(stage: Stage, tokens: Iterable[Token], now: datetime) -> list[Finding]:
    """A finding for each cluster whose events a relay brings."""
    made: dict[str, datetime] = {}
    for token in filter(is_relay, tokens):
        since = times.from_iso(token.created_at)
        made[token.cluster] = max(since, made.get(token.cluster, since))
    return [_relay(stage, cluster, since, now) for cluster, since in made.items()]


def heard_lately(stage: Stage, cluster: str, now: datetime) -> bool:
    """Whether an event of a cluster came in within a quarter of an hour."""
    heard = _last_heard(stage, cluster)
    return heard is not None and now - heard < _QUIET


def last_word(stage: Stage, cluster: str, now: datetime) -> str:
    """When the newest event of a cluster came in, as a sentence."""
    heard = _last_heard(stage, cluster)
    if heard is None:
        return f"No event of cluster {cluster} ever came."
    return f"The newest event of cluster {cluster} came {_ago(heard, now)}, at {times.iso(heard)}."


def _relay(stage: Stage, cluster: str, made: datetime, now: datetime) -> Finding:
    word = last_word(stage, cluster, now)
    if heard_lately(stage, cluster, now):
        return Finding("ok", "relay-heard", f"A relay brings cluster {cluster}. {word}")
    if now - made < _QUIET:
        message = f"A relay's token for cluster {cluster} was made {_ago(made, now)}. {word}"
        return Finding("ok", "relay-new", message)
    return Finding(
        "warning",
        "relay-silent",
        f"A relay should bring cluster {cluster}, but was not heard of lately. {word}",
        "Look on its host whether it runs, and at its log and its /health. A Marathon where "
        "nothing happens may be that quiet.",
    )


def _last_heard(stage: Stage, cluster: str) -> datetime | None:
    """When the newest event of a cluster came in; None if none ever did."""
    newest = history.newest_received(stage.store, cluster)
    return times.from_iso(newest.received_at) if newest else None


def _ago(time: datetime, now: datetime) -> str:
    return f"{times.duration(max(0.0, (now - time).total_seconds()))} ago"
