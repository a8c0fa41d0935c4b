"""Relays, as the stage knows them: whose events they bring, and when they were heard of last."""

import itertools
import json
import time
from datetime import datetime, timedelta

from ops.cli import Failure, say
from ops.marathon import registration
from ops.stage.resources import Stage

from chalicelib import history, times
from chalicelib.history import Wanted
from chalicelib.marathon.models import RelayGap, RelayWaiting
from chalicelib.marathon.reading import event
from chalicelib.services.tokens import Token
from chalicelib.text import plain
from marathon_relay.marathon import Marathon
from marathon_relay.stream import Filter, opened

_OWN_EVENTS = ("relay_gap", "relay_waiting")
_LOOKED_AT = 200  # of the newest warnings; a relay that had no gap lately has none of its own there
_NAME_CHARACTERS = 60
_POLL_SECONDS = 0.3


def is_relay(token: Token) -> bool:
    """Whether a token is a relay's, by its label, and valid."""
    return token.role == "publisher" and token.valid and token.label.startswith(registration.RELAYS)


def brings(stage: Stage, marathon: Marathon, api: str | None) -> str:
    """The cluster of this Marathon, if a relay is to bring its events and no callback does; empty
    otherwise. Raises MarathonError.
    """
    relayed = {token.cluster for token in stage.tokens.all() if is_relay(token)}
    if not relayed:
        return ""
    info = marathon.info()
    addresses = ",".join(marathon.urls)
    known = [
        each for each in stage.clusters.all() if each.is_marathon(addresses, info.framework_id)
    ]
    name = next((each.name for each in known if each.name in relayed), "")
    if not name or info.removed_callbacks or info.callbacks is False:
        return name
    subscribed = registration.subscriptions(stage, marathon, api)
    return "" if any(each.valid for each in subscribed) else name


def last_heard(stage: Stage, cluster: str) -> datetime | None:
    """When the newest event of a cluster came in; None if none ever did."""
    newest = history.newest_received(stage.store, cluster)
    return times.from_iso(newest.received_at) if newest else None


def last_word(stage: Stage, cluster: str, now: datetime) -> str:
    """The same as a sentence."""
    heard = last_heard(stage, cluster)
    if heard is None:
        return f"No event of cluster {cluster} ever came."
    return f"The newest event of cluster {cluster} came {ago(heard, now)}, at {times.iso(heard)}."


def ago(time_: datetime, now: datetime) -> str:
    """``12 minutes ago``."""
    return f"{times.duration(max(0.0, (now - time_).total_seconds()))} ago"


def name_of(stage: Stage, cluster: str) -> str:
    """The name of the relay that reported something of its own last; empty if none did lately."""
    warnings = history.newest_first(stage.store, Wanted((cluster,), severity="warning"))
    for record in itertools.islice(warnings, _LOOKED_AT):
        whole = stage.store.get(cluster, record.id) if record.type in _OWN_EVENTS else None
        own = event(whole.body) if whole else None
        if isinstance(own, RelayGap | RelayWaiting) and own.relay:
            return plain(own.relay, _NAME_CHARACTERS)
    return ""


def line(stage: Stage, cluster: str, *, as_json: bool = False) -> str:
    """What ``register.py --list`` shows of a relay."""
    name = name_of(stage, cluster)
    if as_json:
        heard = last_heard(stage, cluster)
        newest = times.iso(heard) if heard else None
        return json.dumps({"relay": name or None, "cluster": cluster, "newest": newest})
    called = f" ({name})" if name else ""
    word = last_word(stage, cluster, times.now())
    return f"A relay{called} brings the events of cluster {cluster}. {word}"


def check(stage: Stage, marathon: Marathon, cluster: str, within: timedelta, seconds: float) -> str:
    """Prove that a relay brings events: one came lately, or one comes when Marathon is made to send
    it. For that an event stream is opened for a moment; Marathon makes an event of each. Returns a
    sentence. Raises Failure and MarathonError.
    """
    before = last_heard(stage, cluster)
    if before and times.now() - before <= within:
        return line(stage, cluster)
    say("No event came lately: opening an event stream, so that Marathon sends an event …")
    with opened(marathon, Filter(), seconds):
        pass
    if _came(stage, cluster, before, seconds):
        return f"A relay brings the events of cluster {cluster}; it was only quiet."
    raise Failure(
        f"No event of cluster {cluster} came within {seconds:g} s, though Marathon was made to "
        f"send one. {last_word(stage, cluster, times.now())} Look on the relay's host whether it "
        "runs, and at its log and its /health."
    )


def _came(stage: Stage, cluster: str, before: datetime | None, seconds: float) -> bool:
    """Whether an event comes in after that time, before so many seconds have passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        heard = last_heard(stage, cluster)
        if heard and (before is None or heard > before):
            return True
        time.sleep(_POLL_SECONDS)
    return False
