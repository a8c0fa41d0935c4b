"""The messages that people get. Pure: ``evidence`` has read the facts, which become sentences here.

The title says all that matters, since an SMS shows nothing else. No id stands before the last line.
Each text from outside becomes one plain line, and what may be secret in it is masked before
anything is cut. Nothing here ever holds an environment, a command or a token.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from chalicelib import times
from chalicelib.marathon.masking import mask_text
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records import words
from chalicelib.records.changes import Field
from chalicelib.records.condition import Condition
from chalicelib.records.delivery import AROUND
from chalicelib.records.incident import Incident, State, storm_name, worst
from chalicelib.records.lives import Life, Way
from chalicelib.records.notification import (
    LIMIT_BYTES,
    Notification,
    as_sms,
    message,
    with_texts,
)
from chalicelib.records.story import Story
from chalicelib.records.timing import TIMING, Timing
from chalicelib.records.words import clock, counted, duration
from chalicelib.text import shortened

_UNSURE = "You may have heard this already: we do not know whether it was sent."

# Mesos' messages are shown whole if they can be: the cause stands at their end.
_MESSAGE_CHARACTERS = 1_000
_SHORT_CHARACTERS = 300
_NAME_CHARACTERS = 60
_CHANGES = 3
_APPS_LISTED = 20
# Room for what is not apps, of what SNS takes.
_APPS_BYTES = LIMIT_BYTES - 60_000
_NAMES_BYTES = 20_000

# What of a definition may be shown beside its name.
_SHOWN = ("container.docker.image", "container.image", "instances", "cpus", "mem", "disk")

_WAYS: dict[Way, tuple[str, str]] = {
    "failed": ("failed", "failed"),
    "finished": ("ended by itself with status 0", "ended by themselves with status 0"),
    "unhealthy": ("was killed for failing its checks", "were killed for failing their checks"),
    "never ran": ("was killed before it ran", "were killed before they ran"),
    "lost": ("was lost", "were lost"),
    "error": ("could not be started", "could not be started"),
    "disconnected": ("was lost", "were lost"),
}


@dataclass(frozen=True)
class Context:
    """What every message needs. ``stage``: whose messages they are. ``page``: the address of the
    page, empty if it is not known. ``silenced``: how many more incidents were not notified, since a
    silence covers them. ``gathered``: incidents of the cluster keep coming, so they are sent
    together. ``storms``: when those were opened of which other incidents are not over. ``ended``:
    the messages by which the others were opened.
    """

    stage: str
    page: str = ""
    timing: Timing = TIMING
    silenced: int = 0
    gathered: bool = False
    storms: frozenset[datetime] = frozenset()
    ended: tuple["Opening", ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """What a message about many incidents said: whoever heard it has to hear its end."""

    severity: str
    apps: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What is known of one incident. ``since``, ``last``: from when to when it was bad.

    Of an app, a pod or the scheduler: ``condition``; ``failures``, those since it was opened;
    ``fresh``, those since the last message; ``message``, what Mesos said last; ``check``, which
    check fails; ``reason``, why Marathon kills what is unhealthy; ``before``, the deployment that
    touched the app shortly before; ``stuck``, one that stands still now; ``why``, why nothing
    launches. Of a deployment: ``story``, whether it ``stands_still``, and why it is ``over`` if it
    failed. Of all: ``was_silenced``, a silence covered it until now; ``host``, the one host of it;
    ``apps``, whom it touches.
    """

    since: datetime
    last: datetime
    condition: Condition | None = None
    failures: tuple[Life, ...] = ()
    complete: bool = True
    fresh: int = 0
    message: str = ""
    check: str = ""
    reason: str = ""
    before: Story | None = None
    stuck: Story | None = None
    why: str = ""
    story: Story | None = None
    stands_still: bool = False
    over: str = ""
    was_silenced: bool = False
    host: str = ""
    apps: tuple[str, ...] = field(default=())


def cause(facts: Facts) -> str:
    """What went wrong, in a few words."""
    if facts.why:
        return _said(facts.why, _SHORT_CHARACTERS)
    if facts.message:
        return _said(facts.message, _SHORT_CHARACTERS)
    if facts.reason or facts.check:
        return _said(": ".join(filter(None, (facts.check, facts.reason))), _SHORT_CHARACTERS)
    return _said(facts.story.reason or "", _SHORT_CHARACTERS) if facts.story else ""


def of_one(state: State, incident: Incident, facts: Facts, context: Context) -> Notification:
    """Tell of one incident."""
    if facts.story:
        headline, lines = _of_deployment(state, incident, facts, facts.story)
    elif incident.no_events:
        headline, lines = _of_no_events(state, incident, facts, context)
    else:
        headline, lines = _of_app(state, incident, facts, context.timing)
    if facts.was_silenced:
        lines.insert(1, "A silence covered it until now.")
    link = _link(context.page, incident.cluster, incident.path, facts.since, facts.last)
    last_line = _ids(facts)
    goes_on = state != "resolved" and (facts.story is None or facts.stands_still)
    if context.ended:
        lines.insert(1, "It was the last open one of those reported together.")
    text = _text(lines, link, context, last_line, goes_on=goes_on)
    return _message(state, [incident], headline, text, _apps((incident, facts)), context)


def of_many(
    state: State, pairs: Sequence[tuple[Incident, Facts]], context: Context
) -> list[Notification]:
    """Tell of many incidents of one cluster together. One message, unless their apps are so many
    that SNS does not take them in one.
    """
    return [_of_part(state, part, context) for part in _parts(pairs)]


def storm(pairs: Sequence[tuple[Incident, Facts]]) -> str:
    """What many incidents have in common, in a few words."""
    many, where = _many([each for each, _ in pairs]), _where([facts for _, facts in pairs])
    return f"{many} {_condition_of([facts for _, facts in pairs])}{where}"


def again(sent: Notification) -> Notification:
    """The same message, if nobody knows whether it was sent before."""
    return with_texts(sent, f"{_UNSURE}\n\n{sent.message}", sent.sms)


# One app, pod or scheduler


def _of_app(
    state: State, incident: Incident, facts: Facts, timing: Timing
) -> tuple[str, list[str]]:
    condition = facts.condition
    name = words.path(incident.path) if incident.path else "Marathon"
    whose = f"{name} {'in' if incident.path else 'of'} cluster {incident.cluster}"
    what = _what(facts, incident)
    again = ""
    if state == "opened" and incident.openings > 1 and incident.opened_at:
        times_ = words.ordinal(incident.openings)
        again = f" ({times_} time since {incident.opened_at:%H:%M})"
    lines = [f"{whose}: {what}, {words.between(facts.since, facts.last)}{again}."]
    if condition is None:
        return f"{name}: {what}{again}", lines
    if state == "resolved":
        # Of what is given up, nothing at all has come for so long.
        given_up = condition.ongoing
        quiet = duration(timing.resolve_at_latest if given_up else condition.quiet)
        headline = _ended(name, what, condition, facts, quiet)
        lines.append(_end(condition, quiet))
    elif state == "ongoing":
        headline = f"{name} is still {_state(condition)}: {what}"
    else:
        headline = f"{name} is {_state(condition)}: {what}{again}"
    if hosts := list(dict.fromkeys(each.host for each in _shown_lives(facts) if each.host)):
        lines.append(f"Where: {words.names(hosts)}.")
    if state == "ongoing":
        took = duration((incident.bad_at or facts.last) - facts.since)
        lines.append(
            f"It has gone on for {took}. New since the last message: {_news(facts, incident)}."
        )
    return headline, [*lines, *_causes(facts)]


def _causes(facts: Facts) -> list[str]:
    lines = []
    if facts.message:
        lines.append(f"Last message from Mesos: {_said(facts.message, _MESSAGE_CHARACTERS)}")
    if facts.check:
        lines.append(f"{_said(facts.check, _SHORT_CHARACTERS)}.")
    if facts.reason:
        lines.append(f"Marathon's reason: {_said(facts.reason, _SHORT_CHARACTERS)}")
    if facts.why:
        lines.append(f"Why nothing launches: {_said(facts.why, _MESSAGE_CHARACTERS)}")
    if facts.stuck:
        lines += _stuck_beside(facts.stuck)
    elif facts.before:
        lines += _deployed_before(facts.before, facts.since)
    return lines


def _what(facts: Facts, incident: Incident) -> str:
    """How many of what: the facts that made it an incident."""
    condition = facts.condition
    if condition is None:
        return _said(incident.title, _SHORT_CHARACTERS)
    parts = []
    if facts.failures:
        parts.append(_failures(facts.failures, complete=facts.complete))
        if condition.down and not condition.loops and incident.path:
            parts[-1] += ", and not replaced" if len(condition.down) > 1 else ", not replaced"
    for lives, one, many in (
        (condition.unreachable, "is unreachable", "are unreachable"),
        (condition.unhealthy, "fails its checks", "fail their checks"),
    ):
        if lives:
            verb = one if len(lives) == 1 else many
            parts.append(f"{counted(len(lives), 'instance')} {verb}")
    if condition.waiting and not parts:
        return "instances wait for offers"
    return words.listed(parts) or _said(incident.title, _SHORT_CHARACTERS)


def _failures(failures: Sequence[Life], *, complete: bool = True) -> str:
    """``6 instances failed in 3 minutes``; of several kinds, how many of each."""
    kinds = Counter(each.way for each in failures)
    more = "" if complete else "more than "
    if "disconnected" in kinds:
        often = "" if len(failures) == 1 else f" {counted(len(failures), 'time')}"
        return f"the connection to Mesos was lost{often}{_in(failures)}"
    if len(kinds) == 1:
        ((way, number),) = kinds.items()
        verb = _WAYS[way][number > 1]
        return f"{more}{counted(number, 'instance')} {verb}{_in(failures)}"
    each = [f"{number} {_WAYS[way][number > 1]}" for way, number in kinds.most_common()]
    return f"{more}{counted(len(failures), 'instance')} ended{_in(failures)} ({words.listed(each)})"


def _in(failures: Sequence[Life]) -> str:
    took = failures[-1].failure.time - failures[0].failure.time
    return f" in {duration(took)}" if took >= timedelta(seconds=1) else ""


def _state(condition: Condition) -> str:
    """The state of an app in a word."""
    if any(each.way == "disconnected" for each in condition.failures):
        return "disconnected from Mesos"
    if condition.loops or condition.down:
        return "failing"
    if condition.unreachable:
        return "unreachable"
    if condition.unhealthy:
        return "unhealthy"
    if condition.waiting:
        return "waiting"
    return "failing" if condition.failures else "not well"


def _ended(name: str, what: str, condition: Condition, facts: Facts, quiet: str) -> str:
    if not facts.failures:
        what = f"it was bad for {duration(condition.last_bad - facts.since)}"
    match condition.ending:
        case "recovered":
            return f"{name} has recovered: {what}"
        case "stopped" | "deleted":
            return f"{name} was {condition.ending}: {what}"
        case "deployed":
            return f"{name} was deployed again: {what}"
    return f"{name}: nothing more for {quiet} ({what})"


def _end(condition: Condition, quiet: str) -> str:
    """How an incident ended, as far as anybody knows."""
    quiet = f"Nothing bad has come for {quiet}"
    history = condition.history
    match condition.ending:
        case "recovered":
            back = max(
                (row for each in history.running for row in (each.recovered, each.ran) if row),
                key=lambda row: row.time,
            )
            return f"{quiet}. It runs again since {clock(back.time)}."
        case "stopped" if history.stopped:
            return f"It was scaled to no instance, or stopped, at {clock(history.stopped.time)}."
        case "deleted" if history.stopped:
            return f"The app was deleted at {clock(history.stopped.time)}."
        case "deployed":
            return f"{quiet}, and a deployment of it has succeeded since."
    return (
        f"{quiet}, but no event says that it is well again. "
        "You will hear of it again only if something bad happens."
    )


def _news(facts: Facts, incident: Incident) -> str:
    if facts.fresh:
        return counted(facts.fresh, "failure" if incident.path else "lost connection")
    return "nothing, and it is not well again"


def _shown_lives(facts: Facts) -> list[Life]:
    condition = facts.condition
    now = [*condition.unreachable, *condition.unhealthy] if condition else []
    return [*reversed(facts.failures), *now]


def _stuck_beside(story: Story) -> list[str]:
    since = f" since {clock(story.started_at)}" if story.started_at else ""
    by = f", started by {_said(story.started_by, _NAME_CHARACTERS)}" if story.started_by else ""
    return [f"Its deployment has been running{since}{by}, and stands still.", *_changes(story)]


def _deployed_before(story: Story, since: datetime) -> list[str]:
    if not story.started_at:
        return []
    earlier = since - story.started_at
    when = f"{duration(earlier)} earlier" if earlier >= timedelta(seconds=1) else "just before"
    by = f" by {_said(story.started_by, _NAME_CHARACTERS)}" if story.started_by else ""
    state = {
        "running": "is still running",
        "unknown": "has no known end",
        "cancelled": "was cancelled",
    }.get(story.state, story.state)
    return [f"It was deployed {when}{by}; that deployment {state}.", *_changes(story)]


def _changes(story: Story) -> list[str]:
    """What a deployment changed: names of fields, and the values of some that hold no secret."""
    return [
        f"Changed in {words.path(change.app)}: "
        f"{words.listed([_changed(each) for each in change.fields[:_CHANGES]])}"
        f"{' and more' if len(change.fields) > _CHANGES else ''}."
        for change in story.changes[:_CHANGES]
    ]


def _changed(field: Field) -> str:
    name = _said(field.field, _NAME_CHARACTERS)
    if field.field not in _SHOWN or field.before is None or field.after is None:
        return name
    before, after = (_said(str(each), _SHORT_CHARACTERS) for each in (field.before, field.after))
    return f"{name} from {before} to {after}"


# A deployment


def _of_deployment(
    state: State, incident: Incident, facts: Facts, story: Story
) -> tuple[str, list[str]]:
    apps = words.names(story.apps) if story.apps else "apps that are not known"
    whole = f"The deployment of {apps} in cluster {incident.cluster}"
    if state == "resolved":
        what = _outcome(story, stands_still=False)
        over = "Over: deployment" if facts.over else "Deployment"
        return f"{over} {what}: {apps}", [f"{whole} {what}.", *filter(None, [facts.over])]
    what = _outcome(story, stands_still=facts.stands_still)
    took = facts.last - facts.since
    if facts.stands_still:
        still = "has still not moved" if state == "ongoing" else "has not moved"
        headline = f"Deployment {still} for {duration(took)}: {apps}"
        lines = [f"{whole} {still}: no step of it began or ended since {clock(facts.since)}."]
    else:
        headline = f"Deployment {what}: {apps}"
        lines = [f"{whole} {what}."]
    if story.reason:
        lines.append(f"Marathon's reason: {_said(story.reason, _SHORT_CHARACTERS)}")
    if facts.why:
        lines.append(f"Why nothing launches: {_said(facts.why, _MESSAGE_CHARACTERS)}")
    if facts.message:
        lines.append(f"Last message from Mesos: {_said(facts.message, _MESSAGE_CHARACTERS)}")
    if story.started_at:
        by = f" by {_said(story.started_by, _NAME_CHARACTERS)}" if story.started_by else ""
        lines.append(f"It was started{by} at {clock(story.started_at)}.")
    if story.ended_at and story.seconds and not facts.stands_still:
        after = duration(timedelta(seconds=story.seconds))
        lines.append(f"It ended at {clock(story.ended_at)}, after {after}.")
    reached = [each for each in story.steps if each.state != "waiting"]
    if reached:
        lines.append(f"It came as far as step {reached[-1].number} of {len(story.steps)}.")
    lines += [*_changes(story), *_meanwhile(facts)]
    if not facts.stands_still:
        lines.append("What it had done by then was not undone.")
    return headline, lines


def _outcome(story: Story, *, stands_still: bool) -> str:
    if stands_still:
        return "stands still"
    match story.state:
        case "cancelled":
            return "was cancelled and not replaced"
        case "failed":
            return "failed" if story.reason else "failed, or was cancelled and not replaced"
        case "succeeded":
            return "succeeded"
        case "running":
            return "moves again"
    return "has no known end"


def _meanwhile(facts: Facts) -> list[str]:
    """What the instances of its apps did."""
    if facts.failures:
        return [f"Meanwhile {_failures(facts.failures, complete=facts.complete)}."]
    condition = facts.condition
    if not (facts.stands_still and condition):
        return []
    if condition.history.unhealthy:
        return ["Meanwhile its instances run, and are not healthy."]
    if condition.history.running:
        return [f"Meanwhile {counted(len(condition.history.running), 'instance')} ran."]
    return ["Meanwhile no instance of it was launched."]


# No events


def _of_no_events(
    state: State, incident: Incident, facts: Facts, context: Context
) -> tuple[str, list[str]]:
    took = duration(facts.last - facts.since)
    if state == "resolved":
        return f"Events come again, after {took} without any", [
            f"Events come from cluster {incident.cluster} again.",
            f"None had come since {clock(facts.since)}, for {took}.",
        ]
    return f"No event has come for {took}", [
        f"No event has come from cluster {incident.cluster} since {clock(facts.since)}.",
        "Either nothing happens there, or Marathon's events do not reach us. To find out:",
        f"  .venv/bin/python scripts/doctor.py --stage {context.stage}",
    ]


# Many together


def _parts(
    pairs: Sequence[tuple[Incident, Facts]],
) -> list[list[tuple[Incident, Facts]]]:
    """All in one, or in as few parts as SNS takes: it counts the apps as attributes."""
    parts: list[list[tuple[Incident, Facts]]] = [[]]
    size = 0
    for each in pairs:
        needed = sum(len(app.encode()) + 6 for app in _apps(each))
        if parts[-1] and size + needed > _APPS_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += needed
    return parts


def _of_part(
    state: State, pairs: Sequence[tuple[Incident, Facts]], context: Context
) -> Notification:
    incidents = [each for each, _ in pairs]
    facts = [each for _, each in pairs]
    cluster = incidents[0].cluster
    since, last = min(each.since for each in facts), max(each.last for each in facts)
    verb = {"opened": "are", "ongoing": "are still", "resolved": "were"}[state]
    what = f"{_many(incidents)} {verb} {_condition_of(facts)}{_where(facts)}"
    if all(each.deployment_id for each in incidents):
        what = f"{_many(incidents)} failed, were cancelled, or stand still"
        what = f"{what}: over" if state == "resolved" else what
    headline = f"Over: {what}" if state == "resolved" else what
    lines = [f"Cluster {cluster}: {what}, {words.between(since, last)}."]
    failures = sorted(
        (life for each in facts for life in each.failures), key=lambda life: life.failure.heard
    )
    if failures:
        lines.append(f"In all {_failures(failures)}.")
    if said := Counter(each.message for each in facts if each.message).most_common(1):
        ((text, number),) = said
        of = f"{counted(number, 'time')}" if number > 1 else "once"
        lines.append(f"Last message from Mesos, {of}: {_said(text, _MESSAGE_CHARACTERS)}")
    lines.append(f"Affected: {words.names([_name(each) for each in pairs], _APPS_LISTED)}.")
    if context.gathered:
        lines.append(
            "Incidents keep coming in this cluster, so they are gathered for "
            f"{duration(context.timing.group_interval)} and sent together."
        )
    if context.silenced:
        lines.append(f"{context.silenced} more are silenced.")
    touched = tuple(dict.fromkeys(app for each in pairs for app in _apps(each)))
    link = _link(context.page, cluster, "", since, last)
    text = _text(lines, link, context, "", goes_on=state != "resolved")
    return _message(state, incidents, headline, text, touched, context)


def _apps(pair: tuple[Incident, Facts]) -> tuple[str, ...]:
    incident, facts = pair
    return facts.apps or ((incident.path,) if incident.path else ())


def _name(pair: tuple[Incident, Facts]) -> str:
    incident, facts = pair
    return incident.path or words.names(facts.apps) or incident.title


def _many(incidents: Sequence[Incident]) -> str:
    if all(each.path for each in incidents):
        return counted(len(incidents), "app")
    deployments = all(each.deployment_id for each in incidents)
    return counted(len(incidents), "deployment" if deployments else "thing")


def _condition_of(facts: Sequence[Facts]) -> str:
    """The state that most of them have."""
    states = Counter(_state(each.condition) for each in facts if each.condition)
    ((state, _),) = states.most_common(1) or [("not well", 0)]
    return state


def _where(facts: Sequence[Facts]) -> str:
    hosts = Counter(each.host for each in facts if each.host)
    if not hosts:
        return ""
    ((host, number),) = hosts.most_common(1)
    if number == len(facts):
        return f", all on {words.path(host)}"
    return f", {number} of them on {words.path(host)}" if number > len(facts) / 2 else ""


# What all have


def _ids(facts: Facts) -> str:
    if facts.story:
        return f"Deployment {_said(facts.story.id, 200)}"
    lives = _shown_lives(facts)
    if not lives:
        return ""
    newest = lives[0].failure
    whose = newest.task or newest.instance
    return f"Newest event: {newest.id}{f', {_said(whose, 200)}' if whose else ''}"


def _link(page: str, cluster: str, path: str, since: datetime, last: datetime) -> str:
    """The page, with the time from shortly before until shortly after."""
    if not page:
        return ""
    around = timedelta(minutes=15)
    seen = {
        "cluster": cluster,
        "app": path,
        "from": times.iso(since - around),
        "to": times.iso(last + around),
    }
    shown = {name: value for name, value in seen.items() if value}
    return f"{page}/#/timeline?{urlencode(shown, safe='/:')}"


def _text(lines: list[str], link: str, context: Context, last_line: str, *, goes_on: bool) -> str:
    text = [*lines, ""]
    if link:
        text += [f"{AROUND}{link}", ""]
    if goes_on:
        timing = context.timing
        after = " and ".join(duration(each) for each in timing.repeat_intervals)
        text.append(
            f"While it goes on you hear of it {after} after it was opened, then every "
            f"{duration(timing.repeat_interval)}, and once more when it is over."
        )
    stage = context.stage
    text += [
        "To hear nothing of it for a while, or only of what is worse:",
        f"  .venv/bin/python scripts/silence.py --stage {stage} --for 2h --comment WHY",
        f"  .venv/bin/python scripts/subscribe.py --stage {stage} --to ADDRESS --severity error",
    ]
    return "\n".join([*text, *([last_line] if last_line else [])]) + "\n"


def _message(
    state: State,
    incidents: Sequence[Incident],
    headline: str,
    text: str,
    apps: Sequence[str],
    context: Context,
) -> Notification:
    """Its attributes let it pass wherever the opening of what it ends did."""
    cluster = incidents[0].cluster
    subject = incidents[0].subject if len(incidents) == 1 else MARATHON
    over = state == "resolved"
    severities = [each.worst_notified if over else each.severity for each in incidents]
    attributes = {
        "cluster": cluster,
        "severity": worst((*severities, *(each.severity for each in context.ended))) or "warning",
        "subject": subject,
        "state": state,
    }
    touched = list(dict.fromkeys([*apps, *(app for each in context.ended for app in each.apps)]))
    names = _names(state, incidents, context)
    title = words.title(cluster, headline)
    made = message(
        title,
        text,
        attributes,
        _first(touched, _APPS_BYTES),
        _first(names, _NAMES_BYTES) or [None] if names != [subject] else (),
    )
    return with_texts(made, text, as_sms(title))


def _names(state: State, incidents: Sequence[Incident], context: Context) -> list[str]:
    """The names of what a message is about. A storm is over when all of it is."""
    names = dict.fromkeys(each.notified_as for each in incidents)
    open_ = {storm_name(each) for each in context.storms} if state == "resolved" else set()
    return [each for each in names if each not in open_]


def _first(texts: Sequence[str], limit: int) -> list[str]:
    """As many of them as so many bytes of JSON have room for."""
    sizes = itertools.accumulate(len(each.encode()) + 6 for each in texts)
    return [each for each, size in zip(texts, sizes, strict=True) if size <= limit]


def _said(text: str | None, limit: int) -> str:
    return shortened(mask_text(text or ""), limit)
