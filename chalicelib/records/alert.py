"""What people are told, in words. Pure: composed from incidents, records and stories.

The subject names the cluster, since an SMS shows it alone. No id stands before the last line. Each
text from outside becomes one plain line, without logins in its URLs. Nothing here ever holds an
environment, a command or a token.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal
from urllib.parse import urlencode

from chalicelib import times
from chalicelib.marathon.masking import mask_text
from chalicelib.marathon.severity import BAD
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records.changes import Field
from chalicelib.records.incident import Incident, worst
from chalicelib.records.notification import Notification, message
from chalicelib.records.patience import PATIENCE, Patience
from chalicelib.records.record import MAX_APPS, Record
from chalicelib.records.story import Story
from chalicelib.text import plain

State = Literal["began", "goes_on", "over"]

_UNSURE = "You may have heard this already: we do not know whether it was sent."

_PATH_CHARACTERS = 40
_WORDS_CHARACTERS = 300
_NAMES = 3
_APPS_LISTED = 20

_UNREACHABLE = ("TASK_UNREACHABLE", "Unreachable", "UnreachableInactive")
_RUNNING = ("TASK_RUNNING", "Running")
_HEALTH = ("health_status_changed_event", "instance_health_changed_event")
_KILLS = ("unhealthy_task_kill_event", "unhealthy_instance_kill_event")
_DELETED = "app_terminated_event"
_CONNECTED = ("scheduler_registered_event", "scheduler_reregistered_event")
# What of a definition may be shown beside its name.
_SHOWN = ("container.docker.image", "container.image", "instances", "cpus", "mem", "disk")


@dataclass(frozen=True)
class Sender:
    """What every message needs. ``stage``: whose messages they are. ``page``: the address of the
    page, empty if it is not known.
    """

    stage: str
    page: str = ""
    patience: Patience = PATIENCE


@dataclass(frozen=True)
class Facts:
    """What was read about one incident: the records of its subject from its beginning until now,
    newest first, the good ones too. ``complete``: False if there are even more. ``words``: what
    Mesos said last. ``before``: the deployment that touched the app shortly before.
    """

    records: Sequence[Record]
    complete: bool = True
    words: str = ""
    before: Story | None = None


def of_one(state: State, incident: Incident, facts: Facts, sender: Sender) -> Notification:
    """Tell of one incident."""
    bad = [each for each in facts.records if _is_bad(each, incident)]
    counted = _count(bad, complete=facts.complete)
    recovery = _recovery(facts.records, incident)
    what = _listed(_all(counted)) or _said(incident.title, _WORDS_CHARACTERS)
    whose = f"{_short(incident.path)} in cluster" if incident.path else "Cluster"
    lines = [f"{whose} {incident.cluster}: {what}, {_when(incident.since, incident.last)}."]
    if hosts := list(dict.fromkeys(each.host for each in bad if each.host)):
        lines.append(f"Where: {_names(hosts)}.")
    if state == "goes_on":
        fresh = [each for each in bad if each.timestamp > incident.told_last]
        news = _listed(_all(_count(fresh))) or (fresh and _said(fresh[0].title, _WORDS_CHARACTERS))
        lines.append(f"New since the last message: {news or 'nothing'}.")
    if facts.words:
        lines.append(f"Last words of Mesos: {_said(facts.words, _WORDS_CHARACTERS)}")
    if facts.before:
        lines += _deployed_before(facts.before, incident)
    if state == "over":
        lines.append(_end(recovery, sender.patience))
    headline = _headline(state, incident, counted, recovery, sender.patience)
    ids = _ids(bad[0]) if bad else ""
    link = _link(sender.page, incident.cluster, incident.path, incident.since, incident.last)
    text = _text(lines, link, state, sender, ids)
    return _message(state, incident, headline, text, [incident.path] if _is_app(incident) else [])


def of_many(
    state: State, incidents: Sequence[Incident], records: Sequence[Record], sender: Sender
) -> Notification:
    """Tell of many incidents of one cluster together. ``records``: the warnings and errors of the
    cluster at that time, or some of them.
    """
    cluster = incidents[0].cluster
    since = min(each.since for each in incidents)
    last = max(each.last for each in incidents)
    subjects = {each.subject for each in incidents}
    bad = [each for each in records if each.subject in subjects]
    counted = _count(bad)
    many = _many(incidents)
    condition = _condition(counted) or "not well"
    hosts = Counter(each.host for each in bad if each.host)
    host, on_it = next(iter(hosts.most_common(1)), ("", 0))
    where = f", all on {_short(host or '')}" if on_it and on_it == hosts.total() else ""
    what = f"{many} {_VERBS[state]} {condition}"
    if all(each.deployment for each in incidents):
        what = f"{many} failed, or were cancelled and not replaced"
    over = f"Nothing more for {span(sender.patience.over)}: " if state == "over" else ""
    headline = f"{over}{what}{where}"
    lines = [f"Cluster {cluster}: {what}, {_when(since, last)}."]
    if in_all := _listed(_all(counted)):
        lines.append(f"In all: {in_all}.")
    if host:
        share = "All of it" if where else f"Most of it, {on_it} of {hosts.total()} events,"
        lines.append(f"{share} on {_short(host)}.")
    said = Counter(words for each in bad if (words := _because(each)))
    for words, times_said in said.most_common(1):
        lines.append(f"Said {times_said} times: {_said(words, _WORDS_CHARACTERS)}")
    names = [each.path or each.title for each in incidents]
    lines.append(f"Which: {_names(names, _APPS_LISTED)}.")
    if state == "over":
        lines.append(f"Nothing bad has come from any of them for {span(sender.patience.over)}.")
    link = _link(sender.page, cluster, "", since, last)
    severity = worst(each.severity for each in incidents)
    whole = Incident(cluster, MARATHON, since, last, severity, headline)
    touched = [each.path for each in incidents if _is_app(each)][:MAX_APPS]
    text = _text(lines, link, state, sender, _ids(bad[0]) if bad else "")
    return _message(state, whole, headline, text, touched)


def of_deployment(incident: Incident, story: Story, sender: Sender) -> Notification:
    """Tell of a deployment that failed, or that was cancelled and not replaced."""
    apps = _names(story.apps) if story.apps else "apps that are not known"
    if story.state == "cancelled":
        ended = "was cancelled and not replaced"
    else:
        ended = "failed" if story.reason else "failed, or was cancelled and not replaced"
    headline = f"Deployment {ended}: {apps}"
    lines = [f"The deployment of {apps} in cluster {incident.cluster} {ended}."]
    if story.reason:
        lines.append(f"Marathon's reason: {_said(story.reason, _WORDS_CHARACTERS)}")
    if story.started_at:
        by = f" by {_said(story.started_by, _PATH_CHARACTERS)}" if story.started_by else ""
        after = f", after {span(timedelta(seconds=story.seconds))}" if story.seconds else ""
        lines.append(f"It was started{by} at {clock(story.started_at)}.")
        lines.append(f"It ended at {clock(story.ended_at or incident.last)}{after}.")
    reached = [each for each in story.steps if each.state != "waiting"]
    if reached:
        lines.append(f"It came as far as step {reached[-1].number} of {len(story.steps)}.")
    lines += _changes(story)
    others = [each for each in story.failures if each.deployment != story.id]
    if others:
        meanwhile = f"{len(others)} warnings and errors" if len(others) > 1 else "1 bad event"
        lines.append(f"Meanwhile its apps had {meanwhile}; the newest:")
        lines.append(f"  {_said(others[-1].title, _WORDS_CHARACTERS)}")
    lines.append("What it had done by then was not undone.")
    link = _link(
        sender.page, incident.cluster, "", story.started_at or incident.since, incident.last
    )
    text = _text(lines, link, "began", sender, f"Deployment {incident.deployment}", once=True)
    return _message("began", incident, headline, text, story.apps[:MAX_APPS])


def of_silence(incident: Incident, now: str, sender: Sender) -> Notification:
    """Tell that nothing comes from a cluster, or, if that has ended, that something comes again."""
    state: State = "over" if incident.ended else "began"
    took = _took(incident.since, incident.ended or now)
    if incident.ended:
        headline = f"Events come again, after {took} without any"
        lines = [
            f"From cluster {incident.cluster} events come again.",
            f"None had come since {clock(incident.since)}, for {took}.",
        ]
    else:
        headline = f"No event has come for {took}"
        lines = [
            f"From cluster {incident.cluster} no event has come since {clock(incident.since)}.",
            "Either nothing happens there, or Marathon's events do not reach us. To find out:",
            f"  .venv/bin/python scripts/doctor.py --stage {sender.stage}",
            "You hear of it once more when events come again.",
        ]
    link = _link(sender.page, incident.cluster, "", incident.since, incident.ended or now)
    text = _text(lines, link, state, sender, "", once=True)
    return _message(state, incident, headline, text, [])


def once_more(sent: Notification) -> Notification:
    """The same message, if nobody knows whether it was sent before."""
    text = f"{_UNSURE}\n\n{sent.message}"
    return replace(sent, message=text, size=sent.size + len(text) - len(sent.message))


def span(duration: timedelta) -> str:
    """A duration in words, rounded: ``40 seconds``, ``12 minutes``, ``3 hours 20 minutes``."""
    seconds = max(round(duration.total_seconds()), 1)
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86_400)
    if seconds < 90 and seconds != 60:
        return _counted(seconds, "second")
    if minutes < 60:
        return _counted(minutes, "minute")
    if minutes < 600:
        rest = f" {_counted(minutes % 60, 'minute')}" if minutes % 60 else ""
        return _counted(minutes // 60, "hour") + rest
    return _counted(hours, "hour") if hours < 48 else _counted(days, "day")


def clock(time: str) -> str:
    """``02:14:05 UTC on 2026-03-02``."""
    return f"{time[11:19]} UTC on {time[:10]}"


@dataclass(frozen=True)
class _Counted:
    """How many of what. ``tasks``: those that ended badly."""

    tasks: int = 0
    killed: int = 0
    checks: int = 0
    unhealthy: int = 0
    unreachable: int = 0
    complete: bool = field(default=True, compare=False)


def _count(bad: Sequence[Record], *, complete: bool = True) -> _Counted:
    """A task that ends badly is told twice since 1.4: as a task, and as its instance."""
    ended = [each for each in bad if each.status and each.status not in _UNREACHABLE]
    tasks = {_thing(each) for each in ended if each.type == "status_update_event"}
    told = {each.instance for each in ended if each.type == "status_update_event"}
    instances = {
        _thing(each)
        for each in ended
        if each.type != "status_update_event" and each.instance not in told
    }
    return _Counted(
        tasks=len(tasks | instances),
        killed=len({_instance(each) for each in bad if each.type in _KILLS}),
        checks=sum(each.type == "failed_health_check_event" for each in bad),
        unhealthy=len({_instance(each) for each in bad if each.type in _HEALTH}),
        unreachable=len({_instance(each) for each in bad if each.status in _UNREACHABLE}),
        complete=complete,
    )


def _thing(record: Record) -> str:
    return record.task or record.instance or record.id


def _instance(record: Record) -> str:
    return record.instance or record.task or record.id


def _headline(
    state: State,
    incident: Incident,
    counted: _Counted,
    recovery: Record | None,
    patience: Patience,
) -> str:
    """What is wrong in a few words, of which the first matter most."""
    condition = _condition(counted)
    if not condition:
        title = _said(incident.title, _WORDS_CHARACTERS)
        if state == "over" and recovery:
            return _said(recovery.title, _WORDS_CHARACTERS)
        prefix = {"began": "", "goes_on": "Still: "}
        return prefix.get(state, f"Nothing more for {span(patience.over)}: ") + title
    path = _short(incident.path or incident.subject)
    took = _took(incident.since, incident.last)
    while_ = f" in {took}" if took else ""
    most = _all(counted)[0]
    if state == "over":
        if recovery is None:
            return f"{path}: nothing more for {span(patience.over)} ({most}{while_})"
        recovered = "was deleted" if recovery.type == _DELETED else "has recovered"
        return f"{path} {recovered}: {most}{while_}"
    still = "still " if state == "goes_on" else ""
    return f"{path} is {still}{condition}: {most.removesuffix(' failed')}{while_}"


def _end(recovery: Record | None, patience: Patience) -> str:
    """How an incident ended, as far as anybody knows."""
    quiet = f"Nothing bad has come for {span(patience.over)}"
    if recovery is None:
        return (
            f"{quiet}, but nothing has said either that it is well again. "
            "You hear of it again only if something bad comes."
        )
    said = _said(recovery.title, _WORDS_CHARACTERS)
    return f"{quiet}. It is well again: {said}, at {clock(recovery.timestamp)}."


def _condition(counted: _Counted) -> str:
    """The state of an app in one word; empty if nothing was counted."""
    if counted.tasks:
        return "failing"
    if counted.killed or counted.checks or counted.unhealthy:
        return "unhealthy"
    return "unreachable" if counted.unreachable else ""


_VERBS = {"began": "are", "goes_on": "are still", "over": "were"}


def _many(incidents: Sequence[Incident]) -> str:
    if all(map(_is_app, incidents)):
        return f"{len(incidents)} apps"
    deployments = all(each.deployment for each in incidents)
    return f"{len(incidents)} {'deployments' if deployments else 'things'}"


def _all(counted: _Counted) -> list[str]:
    """Everything that was counted, the worst first; nothing if nothing was."""
    sick = counted.unhealthy if not (counted.checks or counted.killed) else 0
    parts = (
        (counted.tasks, "task", " failed"),
        (counted.killed, "unhealthy task", " killed"),
        (counted.checks, "failed health check", ""),
        (sick, "unhealthy task", ""),
        (counted.unreachable, "unreachable task", ""),
    )
    return [f"{_number(counted, n, unit)}{verb}" for n, unit, verb in parts if n]


def _number(counted: _Counted, number: int, unit: str) -> str:
    return f"{'' if counted.complete else 'more than '}{_counted(number, unit)}"


def _is_bad(record: Record, incident: Incident) -> bool:
    """Whether a record of its timeline is a part of the incident."""
    inside = incident.since <= record.timestamp <= incident.last
    return inside and record.severity in BAD and record.subject == incident.subject


def _recovery(records: Sequence[Record], incident: Incident) -> Record | None:
    """The newest record that shows that the incident is over, if there is one."""
    for each in records:
        if each.timestamp <= incident.last:
            return None
        healthy = each.type in _HEALTH and each.severity == "notice"
        if healthy or each.status in _RUNNING or each.type in (*_CONNECTED, _DELETED):
            return each
    return None


def stands(records: Sequence[Record]) -> bool:
    """Whether the newest records, newest first, show a bad state that nothing has ended: the
    scheduler is disconnected, a task is unhealthy or unreachable. Then a single warning matters.
    """
    seen: set[str] = set()
    for each in records:
        if each.type in (*_CONNECTED, _DELETED):
            return False
        if each.type == "scheduler_disconnected_event":
            return True
        if not (each.status or each.type in _HEALTH) or _instance(each) in seen:
            continue
        seen.add(_instance(each))
        if each.severity == "warning" and (each.type in _HEALTH or each.status in _UNREACHABLE):
            return True
    return False


def _deployed_before(story: Story, incident: Incident) -> list[str]:
    if not story.started_at:
        return []
    earlier = _took(story.started_at, incident.since) or "a moment"
    by = f" by {_said(story.started_by, _PATH_CHARACTERS)}" if story.started_by else ""
    state = {"running": "is still running", "unknown": "has no known end"}.get(
        story.state, story.state if story.state != "cancelled" else "was cancelled"
    )
    return [f"It was deployed {earlier} earlier{by}; that deployment {state}.", *_changes(story)]


def _changes(story: Story) -> list[str]:
    """What a deployment changed: names of fields, and the values of some that hold no secret."""
    return [
        f"Changed in {_short(change.app)}: "
        f"{_listed([_changed(each) for each in change.fields[:_NAMES]])}"
        f"{' and more' if len(change.fields) > _NAMES else ''}."
        for change in story.changes[:_NAMES]
    ]


def _changed(field: Field) -> str:
    name = _said(field.field, _WORDS_CHARACTERS)
    if field.field not in _SHOWN or field.before is None or field.after is None:
        return name
    before, after = (_said(str(each), _WORDS_CHARACTERS) for each in (field.before, field.after))
    return f"{name} from {before} to {after}"


def _because(record: Record) -> str:
    """What a title says after naming whom it is about."""
    named, found, words = record.title.partition(f" on {record.host}: ")
    return words if found else named.partition(": ")[2]


def _ids(record: Record) -> str:
    task = f", {record.task or record.instance}" if record.task or record.instance else ""
    return f"Newest event: {record.id}{_said(task, 200)}"


def _link(page: str, cluster: str, path: str, since: str, last: str) -> str:
    """The page, with the time from shortly before until shortly after."""
    if not page:
        return ""
    around = timedelta(minutes=15)
    seen = {
        "cluster": cluster,
        "app": path,
        "from": times.iso(times.from_iso(since) - around),
        "to": times.iso(times.from_iso(last) + around),
    }
    shown = {name: value for name, value in seen.items() if value}
    return f"{page}/#/timeline?{urlencode(shown, safe='/:')}"


def _text(
    lines: list[str], link: str, state: State, sender: Sender, ids: str, *, once: bool = False
) -> str:
    text = [*lines, ""]
    if link:
        text += [f"What happened around it: {link}", ""]
    if state != "over" and not once:
        patience = sender.patience
        after = " and ".join(span(each) for each in patience.again)
        text.append(
            f"While it goes on you hear of it {after} after it began, and then every "
            f"{span(patience.later)}; and once more when it is over."
        )
    subscribe = f".venv/bin/python scripts/subscribe.py --stage {sender.stage} --to YOUR-ADDRESS"
    text += [
        "To hear less, say what you want to hear, for example:",
        f"  {subscribe} --severity error",
        "To hear no more: the same with --remove, or the link to unsubscribe in a mail.",
    ]
    return "\n".join([*text, *([ids] if ids else [])]) + "\n"


def _message(
    state: State, incident: Incident, headline: str, text: str, apps: list[str]
) -> Notification:
    attributes = {
        "cluster": incident.cluster,
        "severity": incident.severity,
        "subject": incident.subject,
        "state": state,
    }
    return message(f"[{incident.cluster}] {headline}", text, attributes, apps)


def _is_app(incident: Incident) -> bool:
    return incident.subject.startswith(("app:", "pod:"))


def _took(since: str, last: str) -> str:
    """How long something took, in words; empty if it took no time."""
    duration = times.from_iso(last) - times.from_iso(since)
    return span(duration) if duration >= timedelta(seconds=1) else ""


def _when(since: str, last: str) -> str:
    if since[:19] == last[:19]:
        return f"at {clock(since)}"
    if since[:10] == last[:10]:
        return f"between {since[11:19]} and {clock(last)}"
    return f"from {clock(since)} until {clock(last)}"


def _names(names: Sequence[str], most: int = _NAMES) -> str:
    shown = [_short(each) for each in names[:most]]
    left = len(names) - len(shown)
    return _listed([*shown, *([f"{left} more"] if left else [])])


def _listed(parts: Sequence[str]) -> str:
    return (
        parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
    )


def _short(path: str) -> str:
    """A path, cut at its beginning if it is long: its end tells more."""
    path = _said(path, 4 * _PATH_CHARACTERS)
    return path if len(path) <= _PATH_CHARACTERS else "…" + path[1 - _PATH_CHARACTERS :]


def _said(text: str, limit: int) -> str:
    return plain(mask_text(text), limit)


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
