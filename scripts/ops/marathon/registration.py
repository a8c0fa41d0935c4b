"""Registering: a publisher token for a cluster, its callback URL at Marathon, and the proof."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from ops.cli import Failure
from ops.stage.resources import Stage

import httpx

from chalicelib import times
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records.record import Record
from chalicelib.services import tokens
from chalicelib.services.clusters import Cluster, NameTaken, allowed
from chalicelib.services.store import Window
from chalicelib.services.table import TableError
from chalicelib.services.tokens import Token
from chalicelib.times import usable_timestamp
from marathon_relay.marathon import CallbacksOff, Info, Marathon, MarathonError

_POLL_SECONDS = 0.3
RELAYS = "relay"


@dataclass(frozen=True)
class Registration:
    """A subscription at Marathon that leads to us. ``timestamp``: that of its
    ``subscribe_event``. ``new``: whether this call made it.
    """

    cluster: str
    url: str
    timestamp: str
    new: bool


@dataclass(frozen=True)
class Subscription:
    """A callback URL at a Marathon, and our token in it, if it has one that we know.
    ``leads_here``: whether it leads to the API that the stage has now.
    """

    url: str
    ours: bool
    token: Token | None
    leads_here: bool = True

    @property
    def shown(self) -> str:
        """The URL without its secrets."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "an invalid URL"
        query = "?***" if parts.query else ""
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"

    @property
    def valid(self) -> bool:
        """Whether it leads to our API, and its token is accepted."""
        token = self.token
        return self.leads_here and token is not None and token.role == "publisher" and token.valid


def callback_url(api: str, token: str) -> str:
    """The URL that Marathon posts to."""
    return f"{api}/callback?token={token}"


def cluster_name(asked: str, info: Info | None) -> str:
    """The name of the cluster: the one asked for, else Marathon's own. Raises Failure."""
    name = asked or (info.name if info else "")
    if not name:
        raise Failure("Give the cluster a name: --cluster NAME.")
    if not allowed(name):
        whose = "" if asked else " (the name in Marathon's /v2/info)"
        raise Failure(
            f"A cluster can't be called {name!r}{whose}. A name has up to 63 of a-z, 0-9, '.', '_' "
            "and '-', and begins with a letter or digit; give one with --cluster NAME."
        )
    return name


def name_for(stage: Stage, asked: str, marathon: Marathon, info: Info) -> str:
    """The name of this Marathon's cluster: the one that it is registered under, else as
    ``cluster_name`` says. Raises Failure where another name is asked for than the registered one.
    """
    return _chosen(asked, _registered_name(stage, marathon, info), info)


def _registered_name(stage: Stage, marathon: Marathon, info: Info) -> str:
    """The name under which this Marathon may send events; empty if there is none."""
    valid = [each for each in stage.tokens.all() if each.role == "publisher" and each.valid]
    sending = {each.cluster for each in valid}
    urls = ",".join(marathon.urls)
    found = (each for each in stage.clusters.all() if each.is_marathon(urls, info.framework_id))
    return next((each.name for each in found if each.name in sending), "")


def _chosen(asked: str, registered: str, info: Info) -> str:
    if registered and asked not in ("", registered):
        raise Failure(
            f"This Marathon is registered already, as cluster {registered}. To rename it, "
            "unregister it first (--remove, or --revoke the token of its relay), then register it "
            f"as {asked}."
        )
    return registered or cluster_name(asked, info)


def check_callbacks(marathon: Marathon, info: Info) -> None:
    """Raises Failure or CallbacksOff where this Marathon sends no callbacks."""
    if info.removed_callbacks:
        raise Failure(
            f"Marathon {info.version} at {marathon.url} sends no callbacks: 1.5.0 removed them. "
            "A relay reads its event stream instead. Make its settings: "
            f".venv/bin/python scripts/register.py --marathon {','.join(marathon.urls)} "
            "--relay-env FILE (docs/relay.md says where to run it)."
        )
    if info.callbacks is False:
        raise CallbacksOff(marathon.url, "no callbacks are enabled")


def claim(stage: Stage, cluster: Cluster, *, force: bool) -> None:
    """Take the cluster's name for this Marathon. Raises Failure where another one has it."""
    try:
        stage.clusters.claim(cluster, force=force)
    except NameTaken as taken:
        holder = taken.holder
        raise Failure(
            f"The name {cluster.name} is taken by the Marathon at {holder.marathon_url} (framework "
            f"{holder.framework_id or 'unknown'}; this is {cluster.framework_id or 'unknown'}). "
            "Choose another with --cluster NAME, or take it over with --force."
        ) from None


def subscriptions(stage: Stage, marathon: Marathon, api: str | None) -> list[Subscription]:
    """What is subscribed at a Marathon, ours and others'. A URL is ours if it leads to the API, or
    if it contains a token of the stage, even if its API is another one or is gone. Raises
    MarathonError.
    """
    found = []
    for url in marathon.subscriptions():
        address, _, query = url.partition("?")
        token = parse_qs(query).get("token", [""])[0]
        known = stage.tokens.find(tokens.hash_of(token)) if tokens.well_formed(token) else None
        ours = known is not None or (api is not None and address == f"{api}/callback")
        leads_here = api is None or address == f"{api}/callback"
        found.append(Subscription(url, ours, known if ours else None, leads_here))
    return found


def register(
    stage: Stage,
    marathon: Marathon,
    info: Info,
    api: str,
    asked: str = "",
    *,
    login: str = "",
    force: bool = False,
) -> Registration:
    """Subscribe the stage's API, once: a subscription that already leads to us is only renewed,
    which changes nothing but makes Marathon send its ``subscribe_event`` again. ``login``: the
    options that name it, to be kept with the cluster. Raises Failure and MarathonError.
    """
    check_callbacks(marathon, info)
    ours = [each for each in subscriptions(stage, marathon, api) if each.ours]
    held = _first_valid(ours)
    registered = held.token.cluster if held and held.token else ""
    name = _chosen(asked, registered or _registered_name(stage, marathon, info), info)
    claim(stage, Cluster(name, ",".join(marathon.urls), info.framework_id, login), force=force)
    if held:
        return Registration(name, held.url, marathon.subscribe(held.url), new=False)
    token = tokens.mint()
    known = stage.tokens.add(token, "publisher", name, label=marathon.url)
    try:
        timestamp = marathon.subscribe(callback_url(api, token))
    except BaseException:
        stage.tokens.revoke(known.hash)
        raise
    for dead in ours:
        marathon.unsubscribe(dead.url)
    return Registration(name, callback_url(api, token), timestamp, new=True)


def print_endpoint(stage: Stage, cluster: Cluster, api: str, *, force: bool = False) -> str:
    """A token for a Marathon that gets its callback URL at its start; that URL. Raises Failure."""
    claim(stage, cluster, force=force)
    token = tokens.mint()
    stage.tokens.add(token, "publisher", cluster.name, label="--http_endpoints")
    return callback_url(api, token)


def unregister(stage: Stage, marathon: Marathon, api: str | None) -> list[Subscription]:
    """Unsubscribe all that leads to this stage, and revoke its tokens; what was unsubscribed."""
    ours = [each for each in subscriptions(stage, marathon, api) if each.ours]
    for each in ours:
        marathon.unsubscribe(each.url)
        if each.token:
            stage.tokens.revoke(each.token.hash)
    return ours


def held_subscription(stage: Stage, marathon: Marathon, api: str) -> Subscription:
    """The subscription that leads to us. Raises Failure where there is none, MarathonError."""
    held = _first_valid(subscriptions(stage, marathon, api))
    if held is None:
        raise Failure(
            f"This stage is not subscribed at {marathon.url}. Register it: "
            f"scripts/register.py --stage {stage.name} --marathon {marathon.url}"
        )
    return held


def _first_valid(found: list[Subscription]) -> Subscription | None:
    return next((each for each in found if each.valid), None)


def renew(marathon: Marathon, held: Subscription) -> Registration:
    """Let Marathon send a ``subscribe_event`` of a subscription that it has: proof of the way.
    Raises MarathonError.
    """
    assert held.token is not None  # or it would not be valid
    return Registration(held.token.cluster, held.url, marathon.subscribe(held.url), new=False)


def revive(marathon: Marathon, held: Subscription, seconds: float) -> Registration:
    """Lift the penalty of a URL, during which Marathon sends nothing to it. The penalty belongs to
    the URL, and subscribing it again changes nothing. At each event Marathon forgets the penalties
    of URLs that are not subscribed then (1.4.13, ``HttpEventActor``): so unsubscribe, and wait
    until the URL is no longer listed. Unsubscribe once more, because Marathon makes an event of
    this too. Then subscribe. Raises Failure and MarathonError; the URL is subscribed again whatever
    happens, as far as Marathon lets it.
    """
    try:
        marathon.unsubscribe(held.url)
        deadline = time.monotonic() + seconds
        while held.url in marathon.subscriptions():
            if time.monotonic() > deadline:
                raise Failure(
                    f"Marathon still lists the URL {seconds:g} s after it was unsubscribed. It is "
                    "subscribed again, as before; try once more."
                )
            time.sleep(_POLL_SECONDS)
        marathon.unsubscribe(held.url)
    except BaseException:
        _subscribe_again(marathon, held.url)
        raise
    return renew(marathon, held)


def _subscribe_again(marathon: Marathon, url: str) -> None:
    try:
        marathon.subscribe(url)
    except MarathonError as error:
        raise Failure(
            f"{error.advice} The URL may not be subscribed any more: run scripts/register.py again."
        ) from error


@contextlib.contextmanager
def relay_token(stage: Stage, cluster: Cluster, *, force: bool) -> Iterator[str]:
    """A publisher token for a relay of a cluster, which it claims. The token is revoked if what is
    done with it fails. Raises Failure.
    """
    claim(stage, cluster, force=force)
    token = tokens.mint()
    label = f"{RELAYS} of {cluster.marathon_url}"
    known = stage.tokens.add(token, "publisher", cluster.name, label)
    try:
        yield token
    except BaseException:
        stage.tokens.revoke(known.hash)
        raise


def rotate(stage: Stage, marathon: Marathon, api: str, seconds: float) -> Registration:
    """Exchange the token of a registered Marathon for a new one, without losing an event: the old
    URL stays subscribed until the new one has been tried, and its token valid until Marathon's
    ``unsubscribe_event``, which only the new URL can bring, is in the table. Raises Failure.
    """
    held = _first_valid(subscriptions(stage, marathon, api))
    if held is None or held.token is None:
        raise Failure(
            f"This stage is not subscribed at {marathon.url}: there is nothing to rotate."
        )
    cluster = held.token.cluster
    token = tokens.mint()
    known = stage.tokens.add(token, "publisher", cluster, label=marathon.url)
    new_url = callback_url(api, token)
    try:
        _try_out(new_url)
        marathon.subscribe(new_url)
        timestamp = marathon.unsubscribe(held.url)
        made = Registration(cluster, new_url, timestamp, new=True)
        if wait_for_event(stage, made, seconds, "unsubscribe_event") is None:
            raise Failure(f"No event came by the new URL within {seconds:g} s.")
    except BaseException as error:
        why = error.advice if isinstance(error, MarathonError) else str(error)
        _undo_rotation(stage, marathon, held.url, new_url, known, why)
        if isinstance(error, Failure | MarathonError):
            raise Failure(f"{why} The old token is in use again, as before.") from error
        raise
    stage.tokens.revoke(held.token.hash)
    return made


def _undo_rotation(
    stage: Stage, marathon: Marathon, old_url: str, new_url: str, new: Token, why: str
) -> None:
    """Raises Failure where that fails too. The new token then stays valid: its URL may be the only
    one that is subscribed.
    """
    try:
        marathon.subscribe(old_url)
        marathon.unsubscribe(new_url)
        stage.tokens.revoke(new.hash)
    except (MarathonError, TableError) as error:
        advice = error.advice if isinstance(error, MarathonError) else f"{error}."
        raise Failure(
            f"{why or 'Interrupted.'} Going back failed too: {advice} Both the old and the new "
            f"token are still valid. See with --list what is subscribed; the new token is "
            f"{new.hash[:12]}. If its URL is not, revoke it: "
            f"scripts/register.py --stage {stage.name} --revoke {new.hash[:12]}"
        ) from error


def _try_out(url: str) -> None:
    """Post an event of our own. Raises Failure where the API does not take it."""
    event = {"eventType": "token_rotation_trial", "timestamp": times.iso(times.now())}
    try:
        status = httpx.post(url, json=event, timeout=20).status_code
    except httpx.HTTPError as error:
        raise Failure("The API can't be reached from here to try the new token.") from error
    if status != 200:
        raise Failure(f"The API answered {status} to the new token.")


def forget(stage: Stage, name: str) -> None:
    """Remove a cluster that is gone. Raises Failure while one of its tokens is valid."""
    if name not in [cluster.name for cluster in stage.clusters.all()]:
        raise Failure(f"Stage {stage.name} has no cluster {name!r}.")
    valid = [each for each in stage.tokens.all() if each.cluster == name and each.valid]
    if valid:
        raise Failure(
            f"Cluster {name} has a valid token ({valid[0].hash[:12]}), so it may still send. "
            "Unregister it first: --marathon URL --remove, or --revoke HASH."
        )
    stage.clusters.forget(name)


def wait_for_event(
    stage: Stage, registration: Registration, seconds: float, type_: str = "subscribe_event"
) -> Record | None:
    """Wait until the table holds the event that Marathon answered with; None if it does not come.

    It is the record whose id begins with the timestamp in that answer.
    """
    time_of = usable_timestamp(registration.timestamp)
    if time_of is None:
        raise Failure(
            "Marathon subscribed the URL, but its answer has no timestamp to wait for. "
            "It may work nevertheless: look with scripts/events.py tail."
        )
    beginning = times.compact(time_of)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        window = Window(beginning, beginning)
        for record in stage.store.timeline(registration.cluster, MARATHON, window):
            if record.type == type_:
                return record
        time.sleep(_POLL_SECONDS)
    return None
