"""What people are told, in words. Pure: composed from troubles, records and stories.

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
from chalicelib.marathon.severity import TROUBLE
from chalicelib.marathon.subjects import MARATHON
from chalicelib.records.notification import Notification, message
from chalicelib.records.patience import PATIENCE, Patience
from chalicelib.records.record import MAX_APPS, Record
from chalicelib.records.redaction import mask_text
from chalicelib.records.story import Story
from chalicelib.records.trouble import Trouble, worst
from chalicelib.text import plain

State = Literal["began", "goes_on", "over"]

_UNSURE = "You may have heard this already: we do not know whether it was sent."

_PATH_CHARACTERS = 50
_WORDS_CHARACTERS = 300
_NAMES = 3
_APPS_LISTED = 20

_UNREACHABLE = ("TASK_UNREACHABLE", "Unreachable", "UnreachableInactive")
_RUNNING = ("TASK_RUNNING", "Running")
_HEALTH = ("health_status_changed_event", "instance_health_changed_event")
_KILLS = ("unhealthy_task_kill_event", "unhealthy_instance_kill_event")
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
    """What was read about one trouble: the records of its subject from its beginning until now,
    newest first, the good ones too. ``complete``: False if there are even more. ``words``: what
    Mesos said last. ``before``: the deployment that touched the app shortly before.
    """

    records: Sequence[Record]
    complete: bool = True
    words: str = ""
    before: Story | None = None


def of_one(state: State, trouble: Trouble, facts: Facts, sender: Sender) -> Notification:
    """Tell of one trouble."""
    bad = [each for each in facts.records if _is_bad(each, trouble)]
    counted = _count(bad, complete=facts.complete)
    took = _took(trouble.since, trouble.last)
    headline = _headline(state, trouble, facts, counted, took, sender.patience)
    lines = [
        f"In cluster {trouble.cluster}: {headline}.",
        "",
        f"{_sentence(counted, trouble)}{_on_hosts(bad)}, {_when(trouble.since, trouble.last)}.",
    ]
    if state == "goes_on":
        fresh = [each for each in bad if each.timestamp > trouble.told_last]
        lines.append(f"Since the last message: {_all(_count(fresh)) or _titles(fresh)}.")
    if facts.words:
        lines.append(f"Last words of Mesos: {_said(facts.words, _WORDS_CHARACTERS)}")
    if facts.before:
        lines += _deployed_before(facts.before, trouble)
    if state == "over" and not _recovery(facts.records, trouble):
        lines.append("Marathon has not said that it is well again: only, nothing bad came since.")
    ids = _ids(bad[0]) if bad else ""
    link = _link(sender.page, trouble.cluster, trouble.path, trouble.since, trouble.last)
    text = _text(lines, link, state, sender, ids)
    return _message(state, trouble, headline, text, [trouble.path] if _is_app(trouble) else [])


def of_many(
    state: State, troubles: Sequence[Trouble], records: Sequence[Record], sender: Sender
) -> Notification:
    """Tell of many troubles of one cluster together. ``records``: the warnings and errors of the
    cluster at that time, or some of them.
    """
    cluster = troubles[0].cluster
    since = min(each.since for each in troubles)
    last = max(each.last for each in troubles)
    subjects = {each.subject for each in troubles}
    bad = [each for each in records if each.subject in subjects]
    apps = all(map(_is_app, troubles))
    deployments = all(each.deployment for each in troubles)
    many = f"{len(troubles)} {'apps' if apps else 'deployments' if deployments else 'things'}"
    hosts = Counter(each.host for each in bad if each.host)
    host, on_it = next(iter(hosts.most_common(1)), ("", 0))
    one_host = bool(host) and on_it == hosts.total()
    where = f", all on {plain(host or '', _PATH_CHARACTERS)}" if one_host else ""
    headline = {
        "began": f"{many} {'failed' if deployments else 'are in trouble'}{where}",
        "goes_on": f"{many} are still in trouble{where}",
        "over": f"Nothing more for {span(sender.patience.over)}: {many} were in trouble{where}",
    }[state]
    lines = [f"In cluster {cluster}: {headline}.", "", f"It was {_when(since, last)}."]
    if host and not one_host:
        lines.append(
            f"Most of it on {plain(host, _PATH_CHARACTERS)}: {on_it} of {hosts.total()} events."
        )
    said = Counter(words for each in bad if (words := _because(each)))
    for words, times_said in said.most_common(1):
        lines.append(f'Most often it says: "{_said(words, _WORDS_CHARACTERS)}" ({times_said} ×).')
    paths = [each.path or each.title for each in troubles]
    lines.append(f"{'Apps' if apps else 'What'}: {_names(paths, _APPS_LISTED)}.")
    link = _link(sender.page, cluster, "", since, last)
    severity = worst(each.severity for each in troubles)
    whole = Trouble(cluster, MARATHON, since, last, severity, headline)
    touched = [each.path for each in troubles if _is_app(each)][:MAX_APPS]
    text = _text(lines, link, state, sender, _ids(bad[0]) if bad else "")
    return _message(state, whole, headline, text, touched)


def of_deployment(trouble: Trouble, story: Story, sender: Sender) -> Notification:
    """Tell of a deployment that failed, or that was cancelled and not replaced."""
    what = f"The deployment of {_names(story.apps)}" if story.apps else "A deployment"
    if story.state == "cancelled":
        ended = "was cancelled, and nothing replaced it"
    elif story.reason:
        ended = "failed"
    else:
        ended = "failed or was cancelled, and nothing replaced it"
    headline = f"{what} {ended}"
    lines = [f"In cluster {trouble.cluster}: {headline}.", ""]
    if story.reason:
        lines.append(f"Marathon's reason: {_said(story.reason, _WORDS_CHARACTERS)}")
    if story.started_at:
        by = f" by {_said(story.started_by, _PATH_CHARACTERS)}" if story.started_by else ""
        after = f", after {span(timedelta(seconds=story.seconds))}" if story.seconds else ""
        lines.append(f"It was started{by} at {clock(story.started_at)}.")
        lines.append(f"It ended at {clock(story.ended_at or trouble.last)}{after}.")
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
    link = _link(sender.page, trouble.cluster, "", story.started_at or trouble.since, trouble.last)
    text = _text(lines, link, "began", sender, f"Deployment {trouble.deployment}", once=True)
    return _message("began", trouble, headline, text, story.apps[:MAX_APPS])


def of_silence(trouble: Trouble, now: str, sender: Sender) -> Notification:
    """Tell that nothing comes from a cluster, or, if that has ended, that something comes again."""
    state: State = "over" if trouble.ended else "began"
    took = _took(trouble.since, trouble.ended or now)
    if trouble.ended:
        headline = f"Events come again, after {took} without any"
        lines = [f"In cluster {trouble.cluster}: {_lower(headline)}."]
    else:
        headline = f"No event has come for {took}"
        lines = [
            f"In cluster {trouble.cluster}: {_lower(headline)}.",
            "",
            f"The newest came at {clock(trouble.since)}.",
            "Either nothing happens there, or Marathon's events do not reach us. To find out:",
            f"  .venv/bin/python scripts/doctor.py --stage {sender.stage}",
        ]
    link = _link(sender.page, trouble.cluster, "", trouble.since, trouble.ended or now)
    text = _text(lines, link, state, sender, "", once=True)
    return _message(state, trouble, headline, text, [])


def once_more(sent: Notification) -> Notification:
    """The same message, if nobody knows whether it was sent before."""
    text = f"{_UNSURE}\n\n{sent.message}"
    return replace(sent, message=text, size=sent.size + len(text) - len(sent.message))


def span(duration: timedelta) -> str:
    """A duration in words, rounded: ``40 seconds``, ``12 minutes``, ``3 hours``, ``2 days``."""
    seconds = round(duration.total_seconds())
    for unit, size, least in (("day", 86_400, 172_800), ("hour", 3600, 5400), ("minute", 60, 90)):
        if seconds >= least or (seconds == size and unit != "day"):
            return _counted(round(seconds / size), unit)
    return _counted(max(seconds, 1), "second")


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
    trouble: Trouble,
    facts: Facts,
    counted: _Counted,
    took: str,
    patience: Patience,
) -> str:
    """What is wrong in a few words, of which the first matter most."""
    recovery = _recovery(facts.records, trouble)
    if not _all(counted):
        title = _said(trouble.title, _WORDS_CHARACTERS)
        if state == "over":
            over = recovery and _said(recovery.title, _WORDS_CHARACTERS)
            return over or f"Nothing more for {span(patience.over)}: {title}"
        return f"Still: {title}" if state == "goes_on" else title
    path = _short(trouble.path or trouble.subject)
    while_ = f" in {took}" if took else ""
    if state == "over":
        if recovery is None:
            return f"{path}: nothing more for {span(patience.over)} ({_all(counted)}{while_})"
        return f"{path} {_RECOVERED.get(recovery.type, 'has recovered')}: {_all(counted)}{while_}"
    still = "still " if state == "goes_on" else ""
    if counted.tasks:
        return f"{path} is {still}failing: {_number(counted, counted.tasks, 'task')}{while_}"
    condition = (
        "unreachable" if counted == _Counted(unreachable=counted.unreachable) else "unhealthy"
    )
    return f"{path} is {still}{condition}: {_all(counted)}{while_}"


_RECOVERED = {"app_terminated_event": "was deleted"}


def _all(counted: _Counted) -> str:
    """Everything that was counted; empty if nothing was."""
    parts = [
        f"{_number(counted, counted.tasks, 'task')} failed" if counted.tasks else "",
        f"{_number(counted, counted.killed, 'unhealthy task')} killed" if counted.killed else "",
        _number(counted, counted.checks, "failed health check") if counted.checks else "",
        _number(counted, counted.unhealthy, "unhealthy task")
        if counted.unhealthy and not (counted.checks or counted.killed)
        else "",
        _number(counted, counted.unreachable, "unreachable task") if counted.unreachable else "",
    ]
    return _listed([part for part in parts if part])


def _sentence(counted: _Counted, trouble: Trouble) -> str:
    return _all(counted) or _said(trouble.title, _WORDS_CHARACTERS)


def _titles(bad: Sequence[Record]) -> str:
    return _said(bad[0].title, _WORDS_CHARACTERS) if bad else "nothing new"


def _number(counted: _Counted, number: int, unit: str) -> str:
    return f"{'' if counted.complete else 'more than '}{_counted(number, unit)}"


def _is_bad(record: Record, trouble: Trouble) -> bool:
    """Whether a record of its timeline is a part of the trouble. Deployments are troubles of their
    own.
    """
    inside = trouble.since <= record.timestamp <= trouble.last
    return inside and record.severity in TROUBLE and record.subject == trouble.subject


def _recovery(records: Sequence[Record], trouble: Trouble) -> Record | None:
    """The newest record that shows that the trouble is over, if there is one."""
    for each in records:
        if each.timestamp <= trouble.last:
            return None
        healthy = each.type in _HEALTH and each.severity == "notice"
        if healthy or each.status in _RUNNING or each.type in (*_CONNECTED, "app_terminated_event"):
            return each
    return None


def stands(records: Sequence[Record]) -> bool:
    """Whether the newest records, newest first, show a bad state that nothing has ended: the
    scheduler is disconnected, a task is unhealthy or unreachable. Then a single warning matters.
    """
    seen: set[str] = set()
    for each in records:
        if each.type in _CONNECTED or each.type == "app_terminated_event":
            return False
        if each.type == "scheduler_disconnected_event":
            return True
        if not (each.status or each.type in _HEALTH) or _instance(each) in seen:
            continue
        seen.add(_instance(each))
        if each.severity == "warning" and (each.type in _HEALTH or each.status in _UNREACHABLE):
            return True
    return False


def _on_hosts(bad: Sequence[Record]) -> str:
    hosts = [plain(each, _PATH_CHARACTERS) for each in dict.fromkeys(r.host for r in bad) if each]
    return f" on {_names(hosts)}" if hosts else ""


def _deployed_before(story: Story, trouble: Trouble) -> list[str]:
    if not story.started_at:
        return []
    earlier = _took(story.started_at, trouble.since) or "a moment"
    by = f" by {_said(story.started_by, _PATH_CHARACTERS)}" if story.started_by else ""
    state = {"running": "is still running", "unknown": "has no known end"}.get(
        story.state, story.state if story.state != "cancelled" else "was cancelled"
    )
    return [f"It was deployed {earlier} earlier{by}; that deployment {state}.", *_changes(story)]


def _changes(story: Story) -> list[str]:
    """What a deployment changed: names of fields, and the values of some that hold no secret."""
    return [
        f"Changed in {_short(change.app)}: "
        + _names([_changed(each.field, each.before, each.after) for each in change.fields], 5)
        + "."
        for change in story.changes[:_NAMES]
    ]


def _changed(name: str, before: object, after: object) -> str:
    name_ = _said(name, _PATH_CHARACTERS)
    if name not in _SHOWN or before is None or after is None:
        return name_
    values = (_said(str(each), 2 * _PATH_CHARACTERS) for each in (before, after))
    return f"{name_} from {' to '.join(values)}"


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
            f"While it goes on you hear of it again after {after}, and then every "
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
    state: State, trouble: Trouble, headline: str, text: str, apps: list[str]
) -> Notification:
    attributes = {
        "cluster": trouble.cluster,
        "severity": trouble.severity,
        "subject": trouble.subject,
        "state": state,
    }
    return message(f"[{trouble.cluster}] {headline}", text, attributes, apps)


def _is_app(trouble: Trouble) -> bool:
    return trouble.subject.startswith(("app:", "pod:"))


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


def _lower(sentence: str) -> str:
    """The same within a sentence."""
    return sentence[0].lower() + sentence[1:]


def _said(text: str, limit: int) -> str:
    return plain(mask_text(text[: 4 * limit]), limit)


def _counted(number: int, unit: str) -> str:
    return f"{number:,} {unit}{'' if number == 1 else 's'}"
