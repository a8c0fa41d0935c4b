"""What ``register.py`` can do, one function a mode. Each prints its result, and returns the
command's exit status. Each raises Failure and MarathonError.
"""

import argparse
import json
import time
from functools import cached_property
from pathlib import Path

from ops.cli import Failure, out, say
from ops.marathon import connection, registration, relay_env, relays
from ops.marathon.registration import Registration, Subscription
from ops.stage import access, deployed
from ops.stage.resources import Stage

from chalicelib import history, times
from chalicelib.records.record import Record
from chalicelib.services.clusters import Cluster
from marathon_relay.marathon import Info, Marathon, MarathonError


class Job:
    """What a mode works with: the options, the stage, and what is looked up only when a mode needs
    it.
    """

    def __init__(self, options: argparse.Namespace, stage: Stage) -> None:
        self.options = options
        self.stage = stage

    @cached_property
    def marathon(self) -> Marathon:
        """The Marathon that ``--marathon`` names."""
        return connection.connect(self.options.marathon, self.options.user, self.options.ca)

    @cached_property
    def api(self) -> str:
        """The API's address. Raises Failure where the stage has none."""
        return self.options.url or deployed.api_url(self.stage)

    @property
    def api_if_any(self) -> str | None:
        """The API's address; None for a stage that was destroyed."""
        return self.api if self.options.url or deployed.find_api(self.stage) else None

    @property
    def login(self) -> str:
        """The options that name Marathon's login, without any secret."""
        return connection.login_options(self.options.user, self.options.ca)

    @property
    def seconds(self) -> float:
        """How long to wait for an event."""
        return float(self.options.timeout)

    def wait(self, made: Registration) -> Record | None:
        """The event by which a registration proves itself; None if it does not come in time."""
        return registration.wait_for_event(self.stage, made, self.seconds)


def register(job: Job) -> int:
    """Subscribe the API at Marathon, and wait for the proof."""
    api = job.api
    info = job.marathon.info()
    say(f"Marathon {info.version or 'of unknown version'} at {job.marathon.url}")
    started = time.monotonic()
    skipped = _skipped(job.marathon)
    made = registration.register(
        job.stage,
        job.marathon,
        info,
        api,
        job.options.cluster or "",
        login=job.login,
        force=job.options.force,
    )
    done = "Subscribed" if made.new else "Already subscribed:"
    say(f"{done} {api}/callback?token=*** for cluster {made.cluster}")
    if job.options.no_verify:
        out(f"Registered cluster {made.cluster} (not verified).")
        return 0
    say(f"Waiting for Marathon's subscribe_event, up to {job.seconds:g} s …")
    event = job.wait(made)
    if event is None:
        raise _no_event(job, skipped)
    took = time.monotonic() - started
    out(f"Registered cluster {made.cluster}: its subscribe_event is in the table ({event.id}).")
    out(f"The round trip took {took:.1f} s.")
    if made.new:
        say("A relay can say, too, why something does not launch: docs/relay.md.")
    return 0


def revive(job: Job) -> int:
    """End Marathon's penalty for our URL."""
    api = job.api
    held = registration.held_subscription(job.stage, job.marathon, api)
    say("Unsubscribing, so that Marathon forgets its penalty, and subscribing again …")
    made = registration.revive(job.marathon, held, job.seconds)
    event = job.wait(made)
    if event is None:
        raise _no_event(job, _skipped(job.marathon))
    out(f"Cluster {made.cluster} sends again: its subscribe_event is in the table ({event.id}).")
    return 0


def check(job: Job) -> int:
    """Check that our URL is subscribed and that events arrive. With --repair, repair both. Where a
    relay is to bring them, check that it does.
    """
    api = job.api
    if cluster := relays.brings(job.stage, job.marathon, api):
        within, seconds = job.options.within, job.seconds
        out(relays.check(job.stage, job.marathon, cluster, within, seconds))
        return 0
    try:
        held = registration.held_subscription(job.stage, job.marathon, api)
    except Failure:
        if not job.options.repair:
            raise
        say("Not subscribed any more: subscribing again …")
        return register(job)
    assert held.token is not None  # or it would not be valid
    newest = history.newest_received(job.stage.store, held.token.cluster)
    if newest and times.now() - times.from_iso(newest.received_at) <= job.options.within:
        out(f"Cluster {newest.cluster} is subscribed; its last event came at {newest.received_at}.")
        return 0
    return _check_by_an_event(job, held)


def _check_by_an_event(job: Job, held: Subscription) -> int:
    """The same for a Marathon from which no event came lately: it is made to send one."""
    say("No event came lately: asking Marathon for one …")
    skipped = _skipped(job.marathon)
    made = registration.renew(job.marathon, held)
    if event := job.wait(made):
        out(f"Cluster {made.cluster} is subscribed, and only quiet: {event.id} came at once.")
        return 0
    if job.options.repair:
        say("Nothing came: ending a penalty that Marathon may have set …")
        return revive(job)
    raise _no_event(job, skipped)


def relay(job: Job) -> int:
    """Write the settings of a relay."""
    file, api = Path(job.options.relay_env), job.api
    relay_env.check_free(file)
    info = job.marathon.info()
    name = registration.name_for(job.stage, job.options.cluster or "", job.marathon, info)
    cluster = Cluster(name, ",".join(job.marathon.urls), info.framework_id, job.login)
    with registration.relay_token(job.stage, cluster, force=job.options.force) as token:
        relay_env.write(file, job.marathon, api, token, job.options.ca)
    out(f"Wrote the settings of a relay of cluster {name} to {file} (mode 600).")
    say(
        "They hold a token that is kept nowhere else. Start the relay with:\n"
        f"  .venv/bin/python scripts/relay.py --env-file {file}\n"
        "docs/relay.md says how to run it as a service, or as an app on Marathon."
    )
    return 0


def print_endpoint(job: Job) -> int:
    """Print the options for a Marathon that gets its callback URL at its start."""
    info = _info_if_it_answers(job)
    name = registration.cluster_name(job.options.cluster or "", info)
    framework_id = info.framework_id if info else ""
    cluster = Cluster(name, job.options.marathon or "", framework_id, job.login)
    url = registration.print_endpoint(job.stage, cluster, job.api, force=job.options.force)
    say(
        f"Start every Marathon of cluster {name} with the line below. It holds a token that is "
        "shown only once and kept nowhere: run this again for another."
    )
    out(f"--event_subscriber http_callback --http_endpoints '{url}'")
    return 0


def list_(job: Job) -> int:
    """Show the tokens, and what is subscribed at Marathon if one is named."""
    cluster = job.options.cluster
    if job.options.marathon:
        _list_subscriptions(job)
    found = [each for each in job.stage.tokens.all() if cluster in (None, each.cluster)]
    for token in found:
        out(access.as_json(token) if job.options.json else access.line(token))
    if not found:
        say(f"Stage {job.stage.name} has no token{f' of {cluster}' if cluster else ''}.")
    return 0


def rotate(job: Job) -> int:
    """Exchange the token, without losing an event."""
    api = job.api
    say(f"Rotating the token; waiting for its proof up to {job.seconds:g} s …")
    made = registration.rotate(job.stage, job.marathon, api, job.seconds)
    out(f"Cluster {made.cluster} has a new token, and no event was lost; the old one is revoked.")
    return 0


def revoke(job: Job) -> int:
    """Refuse a token from now on."""
    token = access.revoke(job.stage, job.options.revoke)
    whose = token.cluster or "a reader"
    out(f"Revoked the token {token.hash[:12]} of {whose}; refused within a minute.")
    return 0


def forget(job: Job) -> int:
    """Remove a cluster that is gone."""
    registration.forget(job.stage, job.options.forget)
    out(f"Removed cluster {job.options.forget}. Its events stay until they expire.")
    return 0


def remove(job: Job) -> int:
    """Unsubscribe, and revoke the token."""
    removed = registration.unregister(job.stage, job.marathon, job.api_if_any)
    for each in removed:
        out(f"Unsubscribed {each.shown} and revoked its token.")
    if not removed:
        say(f"This stage is not subscribed at {job.marathon.url}; nothing to remove.")
    return 0


def _info_if_it_answers(job: Job) -> Info | None:
    """Who the Marathon is. One before 0.5 may not say; then the user must give a name."""
    if not job.options.marathon:
        return None
    try:
        return job.marathon.info()
    except MarathonError:
        if not job.options.cluster:
            raise
        return None


def _list_subscriptions(job: Job) -> None:
    if cluster := relays.brings(job.stage, job.marathon, job.api_if_any):
        out(relays.line(job.stage, cluster, as_json=job.options.json))
        return
    found = registration.subscriptions(job.stage, job.marathon, job.api_if_any)
    for each in found:
        out(_as_json(each) if job.options.json else f"{each.shown}  ({_whose(each)})")
    if not found:
        say(f"Nothing is subscribed at {job.marathon.url}.")


def _as_json(subscription: Subscription) -> str:
    token = subscription.token
    return json.dumps(
        {
            "url": subscription.shown,
            "ours": subscription.ours,
            "cluster": token.cluster if token else None,
            "accepted": subscription.valid,
        }
    )


def _whose(subscription: Subscription) -> str:
    if not subscription.ours:
        return "another listener"
    cluster = subscription.token.cluster if subscription.token else "unknown"
    return f"this stage, cluster {cluster}, {_state(subscription)}"


def _state(subscription: Subscription) -> str:
    if not subscription.leads_here:
        return "not at its present API: register again, then --remove"
    return "accepted" if subscription.valid else "refused: its token is unknown or revoked"


def _skipped(marathon: Marathon) -> int:
    """How many callbacks Marathon skipped because of penalties, for all URLs; 0 if unknown."""
    return marathon.callback_meters().get("skipped-callbacks", 0)


def _no_event(job: Job, before: int) -> Failure:
    """Why no event came, as far as Marathon says. ``before``: how many it had skipped before."""
    skipped = _skipped(job.marathon)
    if skipped > before:
        return Failure(
            "No event came: Marathon sends nothing to this URL for now, because posts to it failed "
            f"(it has skipped {skipped} callbacks so far; those events are lost). End that with "
            "--revive; then find out why they failed."
        )
    return Failure(
        f"No event came within {job.seconds:g} s. The URL stays subscribed. Check that "
        f"Marathon's hosts reach {job.api} and trust its certificate, and read Marathon's log. "
        "Then run this again, or undo it with --remove."
    )
