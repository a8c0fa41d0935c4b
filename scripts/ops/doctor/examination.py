"""The whole examination: the stage, the way to its API, the Marathons, the relays."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ops import cli
from ops.cli import Failure, say
from ops.doctor import marathon_checks, network_checks, relay_checks, stage_checks, waiting_checks
from ops.doctor.findings import Finding, guarded
from ops.doctor.marathon_checks import Case
from ops.marathon import connection, relays
from ops.stage import deployed, resources
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.services.clusters import Cluster
from chalicelib.services.tokens import Token
from marathon_relay.marathon import Marathon, MarathonError


@dataclass(frozen=True)
class Wanted:
    """What to examine. ``marathon``: its address; without one, those that the table knows.
    ``url``: the API's address, if it is not AWS's own. ``seconds``: how long to wait for an event.
    """

    stage: str
    marathon: str | None = None
    url: str | None = None
    user: str | None = None
    ca: str | None = None
    seconds: float = 15.0


@dataclass
class _Known:
    """What is known about the stage. ``stage``: None if there is none, or if its table can't be
    read. Then nothing can be said about what is missing there.
    """

    stage: Stage | None = None
    api: str | None = None
    clusters: tuple[Cluster, ...] = ()
    tokens: tuple[Token, ...] = ()


def examine(wanted: Wanted) -> Iterator[Finding]:
    """All findings, in the order in which they were looked for."""
    say(f"Looking at stage {wanted.stage} …")
    known = _Known(api=wanted.url)
    yield from _stage(wanted, known)
    if known.api:
        say(f"Checking the network path to {known.api} …")
        yield from guarded(
            "api-unknown",
            "The network path to the API",
            lambda: network_checks.check(known.api or ""),
        )
    yield from _marathons(wanted, known)
    yield from _relays(known)


def why_waiting(wanted: Wanted, app: str) -> list[Finding]:
    """Why nothing of an app or pod launches. Only Marathon is asked; no stage is needed."""
    marathon = _connect(wanted.marathon or "", wanted.user, wanted.ca)
    if isinstance(marathon, Finding):
        return [marathon]
    say(f"Asking Marathon at {marathon.url} for what waits …")
    try:
        return waiting_checks.check(marathon, app)
    except MarathonError as error:
        return [Finding("error", marathon_checks.code(error), error.problem, error.remedy)]


def _stage(wanted: Wanted, known: _Known) -> Iterator[Finding]:
    try:
        stage = resources.find(wanted.stage)
    except Failure as failure:
        message, _, remedy = str(failure).partition(". ")
        yield Finding("error", "stage-not-deployed", f"{message}.", remedy)
        return
    except cli.EXPECTED as error:
        message = f"Stage {wanted.stage} could not be looked at."
        yield Finding("error", "stage-unknown", message, cli.sentence(error))
        return
    yield from stage_checks.check(stage)
    yield from guarded("table-unknown", "The stage's table", lambda: _read(wanted, stage, known))


def _read(wanted: Wanted, stage: Stage, known: _Known) -> list[Finding]:
    """Read what the table knows."""
    known.clusters = tuple(stage.clusters.all())
    known.tokens = tuple(stage.tokens.all())
    has_api = deployed.find_api(stage) is not None
    known.stage = stage
    if has_api and not wanted.url:
        known.api = deployed.api_url(stage)
    if has_api or wanted.url or not stage.topic_arn:
        return []
    message = f"Stage {stage.name} has resources, but no API yet."
    remedy = f"make deploy STAGE={stage.name}, or give the API's address with --url."
    return [Finding("error", "stage-no-api", message, remedy)]


def _marathons(wanted: Wanted, known: _Known) -> Iterator[Finding]:
    if wanted.marathon:
        yield from _marathon(wanted, known, wanted.marathon, wanted.user, wanted.ca)
        return
    if known.stage is None:
        return
    named = [each for each in known.clusters if each.marathon_url]
    if named:
        shown = ", ".join(f"{each.name} at {each.marathon_url}" for each in named)
        say(f"No --marathon was given; the table knows {shown}.")
    elif not known.clusters:
        yield Finding(
            "error",
            "no-cluster",
            f"No Marathon is registered at stage {wanted.stage}.",
            f".venv/bin/python scripts/register.py --stage {wanted.stage} --marathon URL",
        )
    for cluster in known.clusters:
        if cluster.marathon_url:
            user, ca = connection.named_login(cluster.login)
            given = wanted.user or user or None, wanted.ca or ca or None
            yield from _marathon(wanted, known, cluster.marathon_url, *given)
        else:
            whose = f"The events of cluster {cluster.name}"
            yield from guarded("table-unknown", whose, partial(_skipped, known.stage, cluster))


def _skipped(stage: Stage, cluster: Cluster) -> list[Finding]:
    message = (
        f"Cluster {cluster.name} has no address in the table, so its Marathon was not asked; give "
        "it with --marathon URL."
    )
    word = relays.last_word(stage, cluster.name, times.now())
    return [Finding("ok", "marathon-skipped", f"{message} {word}")]


def _marathon(
    wanted: Wanted, known: _Known, url: str, user: str | None, ca: str | None
) -> Iterator[Finding]:
    marathon = _connect(url, user, ca)
    if isinstance(marathon, Finding):
        yield marathon
        return
    case = Case(
        marathon,
        wanted.stage,
        known.stage,
        known.api,
        known.clusters,
        frozenset(each.cluster for each in known.tokens if relays.is_relay(each)),
        connection.login_options(user, ca),
        wanted.seconds,
    )
    say(f"Asking Marathon at {url}, and waiting for an event up to {wanted.seconds:g} s …")
    yield from guarded(
        "marathon-unknown", f"Marathon at {url}", lambda: marathon_checks.check(case)
    )


def _connect(url: str, user: str | None, ca: str | None) -> Marathon | Finding:
    """A Marathon; or why it can't be asked."""
    try:
        return connection.connect(url, user, ca)
    except MarathonError as error:
        return Finding("error", marathon_checks.code(error), error.problem, error.remedy)
    except (Failure, OSError) as error:
        message = f"Marathon at {url} could not be asked."
        return Finding("error", "marathon-options", message, str(error))


def _relays(known: _Known) -> list[Finding]:
    stage = known.stage
    if stage is None:
        return []
    return guarded(
        "relays-unknown",
        "The events from relays",
        lambda: relay_checks.check(stage, known.tokens, times.now()),
    )
