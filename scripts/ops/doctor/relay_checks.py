"""When the last event of each cluster came. This matters most for relays, which can't be asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ops.doctor.findings import Finding
from ops.marathon import relays
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.services.tokens import Token

_QUIET = timedelta(minutes=15)


def check(stage: Stage, tokens: Iterable[Token], now: datetime) -> list[Finding]:
    """A finding for each cluster whose events a relay brings."""
    made: dict[str, datetime] = {}
    for token in filter(relays.is_relay, tokens):
        since = times.from_iso(token.created_at)
        made[token.cluster] = max(since, made.get(token.cluster, since))
    return [_relay(stage, cluster, since, now) for cluster, since in made.items()]


def heard_lately(stage: Stage, cluster: str, now: datetime) -> bool:
    """Whether an event of a cluster came in within a quarter of an hour."""
    heard = relays.last_heard(stage, cluster)
    return heard is not None and now - heard < _QUIET


def _relay(stage: Stage, cluster: str, made: datetime, now: datetime) -> Finding:
    word = relays.last_word(stage, cluster, now)
    if heard_lately(stage, cluster, now):
        return Finding(
            "ok", "relay-heard", f"A relay sends the events of cluster {cluster}. {word}"
        )
    if now - made < _QUIET:
        message = f"A relay's token for cluster {cluster} was made {relays.ago(made, now)}. {word}"
        return Finding("ok", "relay-new", message)
    return Finding(
        "warning",
        "relay-silent",
        f"A relay should send the events of cluster {cluster}, but none came lately. {word}",
        "Check on its host that it runs; read its log and its /health. Or nothing happened at "
        "Marathon.",
    )
