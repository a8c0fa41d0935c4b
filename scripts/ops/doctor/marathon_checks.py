"""Checks of Marathon: does it answer, can it send callbacks, where does it send them, and is there
a penalty.

What versions can do, and what ends a penalty, was read in Marathon's source (0.1 – 1.11); the
meters are those of ``HttpEventActor`` (0.13.1, 0.14.1 – 1.4.13).
"""

import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from ops.cli import EXPECTED, Failure
from ops.doctor import relay_checks
from ops.doctor.findings import Finding
from ops.marathon import registration, relays
from ops.marathon.registration import Registration, Subscription
from ops.stage import config, deployed, resources
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.services import tokens
from chalicelib.services.clusters import Cluster
from marathon_relay import marathon as client
from marathon_relay.marathon import Info, Marathon, MarathonError

_CODES: dict[type[MarathonError], str] = {
    client.BadAddress: "marathon-address",
    client.Untrusted: "marathon-untrusted",
    client.Unreachable: "marathon-unreachable",
    client.NotMarathon: "marathon-not-there",
    client.NoLeader: "marathon-no-leader",
    client.LoginRefused: "marathon-login",
    client.CallbacksOff: "callbacks-off",
    client.NoSubscriptions: "no-subscriptions",
}
# Before 1.3.0 Marathon takes such a URL, and never delivers to it.
_MALFORMED = ("subscribed-malformed", "it is an invalid URL, so Marathon never delivers to it")
# Meters: posts skipped because of a penalty, each one a lost body; and posts that failed.
_SKIPPED, _FAILED = "skipped-callbacks", "failed-callbacks"
_REFUSED = "marathon-refused"
_REVIVE = "--revive"


@dataclass(frozen=True)
class Case:
    """What is known before a Marathon is asked. ``stage``, ``api``: None where there is none.
    ``relayed``: the clusters whose events a relay brings. ``seconds``: how long to wait for the
    event that is provoked.
    """

    marathon: Marathon
    stage_name: str
    stage: Stage | None
    api: str | None
    clusters: tuple[Cluster, ...]
    relayed: frozenset[str]
    login: str
    seconds: float

    @property
    def url(self) -> str:
        """Marathon's address."""
        return self.marathon.url

    def register(self, *more: str) -> str:
        """The command that registers this Marathon, or does more with it."""
        words = [".venv/bin/python scripts/register.py --stage", self.stage_name, "--marathon"]
        return " ".join([*words, shlex.quote(self.url), *filter(None, [self.login]), *more])

    def names(self, info: Info | None = None) -> list[str]:
        """The clusters that this Marathon is, by its framework id or its address."""
        framework_id = info.framework_id if info else ""
        urls = ",".join(self.marathon.urls)
        return [each.name for each in self.clusters if each.is_marathon(urls, framework_id)]

    def relay_of(self, info: Info) -> str:
        """The name of this Marathon's cluster, if a relay brings its events; else nothing."""
        return next((name for name in self.names(info) if name in self.relayed), "")


def check(case: Case) -> list[Finding]:
    """Ask a Marathon, and provoke an event where it is subscribed to us."""
    try:
        info = case.marathon.info()
        return [*_stranger(case, info), *_check(case, info)]
    except MarathonError as error:
        return [unreachable(case, error)]


def unreachable(case: Case, error: MarathonError) -> Finding:
    """What an error of Marathon's means."""
    if isinstance(error, client.CallbacksOff):
        return _off(case)
    if isinstance(error, client.NoSubscriptions):
        return _before_subscriptions(case)
    return Finding("error", code(error), error.problem, error.remedy)


def code(error: MarathonError) -> str:
    """The code of the finding that an error of Marathon's is."""
    return next((each for kind, each in _CODES.items() if isinstance(error, kind)), _REFUSED)


def _check(case: Case, info: Info) -> list[Finding]:
    relayed = case.relay_of(info)
    shown = f"Marathon {info.version or 'of unknown version'} at {case.url}"
    if info.removed_callbacks and not relayed:
        return [
            Finding(
                "error",
                "callbacks-removed",
                f"{shown} sends no callbacks: 1.5.0 removed them.",
                "Only its event stream has its events, so it needs a relay: "
                f"scripts/register.py --marathon {case.url} --relay-env FILE makes its settings.",
            )
        ]
    if relayed and (info.removed_callbacks or info.callbacks is False):
        return [_by_relay(shown, relayed)]
    if info.callbacks is False:
        return [_off(case)]
    answers = Finding("ok", "marathon-answers", f"{shown} answers.")
    if case.stage is None:
        return [answers]
    found = registration.subscriptions(case.stage, case.marathon, case.api)
    held = next((each for each in found if each.valid and case.api), None)
    if held is not None:
        return [answers, *_leftovers(case, found), *_provoked(case, case.stage, held, found)]
    if relayed:
        return [answers, _by_relay(shown, relayed), *_leftovers(case, found)]
    return [answers, _not_subscribed(case, found), *_nearly(case, case.stage, found)]


def _by_relay(shown: str, cluster: str) -> Finding:
    message = f"{shown} sends no callbacks; a relay sends the events of cluster {cluster}."
    return Finding("ok", "relayed", message)


def _stranger(case: Case, info: Info) -> Iterator[Finding]:
    """Another Marathon than the one that was registered under this address."""
    for cluster in case.clusters:
        known, there = cluster.framework_id, info.framework_id
        here = cluster.has_address_of(",".join(case.marathon.urls))
        if here and known and there and known != there:
            yield Finding(
                "warning",
                "marathon-another",
                f"The Marathon at {case.url} has framework id {there}; cluster {cluster.name} was "
                f"registered there with {known}.",
                f"If it was set up anew: {case.register('--force')}. Else look at the address.",
            )


def _off(case: Case) -> Finding:
    return Finding(
        "error",
        "callbacks-off",
        f"Marathon at {case.url} has its callbacks switched off.",
        "Restart every Marathon of the cluster with --event_subscriber http_callback, then "
        f"{case.register()}",
    )


def _before_subscriptions(case: Case) -> Finding:
    """Such a Marathon does not list its subscribers, and can't be made to send an event."""
    now = times.now()
    for name in case.names() if case.stage else []:
        if case.stage and relay_checks.heard_lately(case.stage, name, now):
            message = f"Marathon at {case.url} has no event subscriptions to look at. "
            message += relays.last_word(case.stage, name, now)
            return Finding("ok", "heard-lately", message)
    return Finding(
        "error",
        "no-subscriptions",
        f"Marathon at {case.url} has no event subscriptions (they came with 0.5.0), and nothing "
        "was heard of it lately.",
        f"Such a Marathon is given our address at its start: {case.register('--print-endpoint')} "
        "--cluster NAME prints the options. It can't be asked whether it has the address.",
    )


def _not_subscribed(case: Case, found: list[Subscription]) -> Finding:
    if case.api is None:
        message = f"Stage {case.stage_name} has no API that Marathon could call."
        return Finding("error", "no-api", message, f"make deploy STAGE={case.stage_name}")
    message = f"Nothing is subscribed at Marathon {case.url}."
    if found:
        message = f"Nothing that is subscribed at Marathon {case.url} ({len(found)}) leads to us."
    return Finding("error", "not-subscribed", message, case.register())


def _leftovers(case: Case, found: list[Subscription]) -> Iterator[Finding]:
    """Subscriptions of ours beside the good one that lead nowhere."""
    for each in found:
        if each.ours and not each.valid:
            what, why = _difference(each, case.api or "")
            yield Finding(
                "warning",
                what,
                f"Marathon {case.url} also posts each event to {each.shown}, which fails: {why}.",
                f"{case.register('--remove')}, then register again.",
            )


def _nearly(case: Case, stage: Stage, found: list[Subscription]) -> Iterator[Finding]:
    """Subscriptions that look like ours, and why they are not."""
    others = _other_stages(stage.name)
    for each in found:
        if each.ours or _same_host(each, case.api):
            what, why = _difference(each, case.api or "")
            if case.api is None:
                what, why = "subscribed-destroyed", f"stage {stage.name} has no API any more"
        else:
            what, why = _of_another(each, others)
        if what:
            message = f"{each.shown} is subscribed at Marathon {case.url}, but {why}."
            yield Finding("error", what, message, case.register())


def _difference(subscription: Subscription, api: str) -> tuple[str, str]:
    """How a subscription of ours differs from a good one: a code, and in words."""
    here = urlsplit(api)
    try:
        there = urlsplit(subscription.url)
    except ValueError:
        return _MALFORMED
    if there.scheme not in ("http", "https"):
        return _MALFORMED
    if f"{there.scheme}://{there.netloc}{there.path}" == f"{api}/callback":
        return _token_problem(subscription)
    if there.netloc != here.netloc:
        return "subscribed-elsewhere", f"the API is now {api} (the URL is of an older one?)"
    if there.scheme != here.scheme:
        return "subscribed-scheme", f"it says {there.scheme} where the API has {here.scheme}"
    return "subscribed-path", f"its path should be {here.path}/callback"


def _token_problem(subscription: Subscription) -> tuple[str, str]:
    token = subscription.token
    if token is None:
        given = "token" in parse_qs(urlsplit(subscription.url).query)
        return "subscribed-token", "its token is unknown" if given else "it has no token"
    if token.role != "publisher":
        return "subscribed-token", f"its token is a {token.role}'s"
    return "subscribed-token", f"its token was revoked at {token.revoked_at}"


def _same_host(subscription: Subscription, api: str | None) -> bool:
    try:
        return bool(api) and urlsplit(subscription.url).netloc == urlsplit(api or "").netloc
    except ValueError:
        return False


def _of_another(subscription: Subscription, others: list[Stage]) -> tuple[str, str]:
    """Whether a subscription is another stage's: a code, and in words; nothing if it is not."""
    token = parse_qs(subscription.url.partition("?")[2]).get("token", [""])[0]
    if not tokens.well_formed(token):
        return "", ""
    for stage in others:
        try:
            known = stage.tokens.find(tokens.hash_of(token))
        except EXPECTED:
            continue
        if known and not deployed.find_api(stage):
            return "subscribed-destroyed", f"it is of stage {stage.name}, which was destroyed"
        if known:
            return "subscribed-other-stage", f"it is of stage {stage.name}"
    return "", ""


def _other_stages(name: str) -> list[Stage]:
    found = []
    for other in config.known_stages():
        if other != name:
            try:
                found.append(resources.find(other))
            except EXPECTED:
                continue  # not deployed here, or not to be seen
    return found


def _provoked(
    case: Case, stage: Stage, held: Subscription, found: list[Subscription]
) -> list[Finding]:
    """Make Marathon send its ``subscribe_event`` by subscribing what is subscribed, which changes
    nothing else, and look whether it arrives.
    """
    cluster = held.token.cluster if held.token else ""
    before, begun = case.marathon.callback_meters(), time.monotonic()
    made = Registration(cluster, held.url, case.marathon.subscribe(held.url), new=False)
    try:
        event = registration.wait_for_event(stage, made, case.seconds)
    except Failure:
        message = f"Marathon {case.url} gives its events no timestamp, so none can be waited for."
        remedy = f".venv/bin/python scripts/events.py tail --stage {stage.name}"
        return [Finding("warning", "not-proved", message, remedy)]
    took = time.monotonic() - begun
    after = case.marathon.callback_meters()
    if event is not None:
        return [_quiet(case, cluster, took), *_lost_before(case, after)]
    word = relays.last_word(stage, cluster, times.now())
    return [_missing(case, before, after, word, alone=len(found) == 1)]


def _quiet(case: Case, cluster: str, took: float) -> Finding:
    return Finding(
        "ok",
        "arrived",
        f"What Marathon {case.url} sends arrives: an event that it was made to send was in the "
        f"table, in cluster {cluster}, after {times.duration(took)}. If no others come, Marathon "
        "is simply quiet.",
    )


def _lost_before(case: Case, meters: dict[str, int]) -> Iterator[Finding]:
    """Events that Marathon did not deliver earlier. Its meters don't say to which URL."""
    if meters.get(_SKIPPED) or meters.get(_FAILED):
        message = f"Earlier, to one subscriber or another: {_counted(case, meters)}."
        yield Finding("ok", "lost-before", message)


def _missing(
    case: Case, before: dict[str, int], after: dict[str, int], word: str, *, alone: bool
) -> Finding:
    """Why the provoked event did not arrive, as far as the meters tell."""
    skipped, failed = (after.get(each, 0) - before.get(each, 0) for each in (_SKIPPED, _FAILED))
    waited = f"did not arrive within {times.duration(case.seconds)}"
    look = f"Check that Marathon's hosts reach {case.api} and their Java trusts its certificate"
    if skipped > 0:
        whom = "us" if alone else "one of its subscribers, most likely us"
        return Finding(
            "error",
            "penalised",
            f"Marathon {case.url} sends nothing to {whom} for now, a penalty: the event that it "
            f"was made to send {waited}, and the number of skipped posts grew. "
            f"{_counted(case, after)}. {word}",
            f"{look}; then {case.register(_REVIVE)}",
        )
    if failed > 0:
        return Finding(
            "error",
            "post-failed",
            f"Marathon {case.url} fails to post to us: the event that it was made to send {waited},"
            f" and the number of failed posts grew. {_counted(case, after)}. {word}",
            f"{look}, and at Marathon's log.",
        )
    return Finding(
        "error",
        "not-arrived",
        f"Our API is subscribed at Marathon {case.url}, but the event that it was made to send "
        f"{waited}. {word}",
        f"{look}, at Marathon's log, and at the spill queue.",
    )


def _counted(case: Case, meters: dict[str, int]) -> str:
    skipped, failed = meters.get(_SKIPPED, 0), meters.get(_FAILED, 0)
    return (
        f"Since it became the leader, Marathon {case.url} has skipped {skipped} posts, whose "
        f"events are lost, and {failed} failed"
    )
