"""Reports gaps. A gap becomes an event of the relay's own. It says when the relay did not listen,
and what happened in that time according to Marathon.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from marathon_relay.log import Log
from marathon_relay.marathon import Marathon, MarathonError
from marathon_relay.settings import Settings
from marathon_relay.spool import Gap, Spool, SpoolFull
from marathon_relay.times import iso, seconds

_MOST_CHANGES = 200
_MOST_LOOKED_AT = 20  # apps whose versions are asked for
_MESSAGE_CHARACTERS = 500
_LOOK_SECONDS = 20.0
_RETRY_SECONDS = 1.0

Change = dict[str, Any]


class GapReporter:
    """Puts the gaps into the spool as lines. It has its own thread, since asking Marathon takes
    time.
    """

    def __init__(
        self,
        settings: Settings,
        spool: Spool,
        log: Log,
        found: threading.Event,
        arrived: threading.Event,
    ) -> None:
        self._name = settings.name
        self._spool = spool
        self._log = log
        self._found = found
        self._arrived = arrived
        self._marathon = settings.client()

    def run(self) -> None:
        """Report each gap that was found; runs for ever."""
        while True:
            self._found.clear()
            try:
                for gap in self._spool.gaps():
                    self._report(gap)
            except SpoolFull:
                time.sleep(_RETRY_SECONDS)
                continue
            self._found.wait()

    def _report(self, gap: Gap) -> None:
        changed = self._changed(gap)
        now = time.time()
        self._spool.report(gap, gap_event(self._name, gap, changed, now), now)
        self._arrived.set()

    def _changed(self, gap: Gap) -> list[Change]:
        """What happened, as far as Marathon says. An error here never stops the relay."""
        found: list[Change] = []
        until = time.monotonic() + _LOOK_SECONDS
        try:
            for change in islice(changes(self._marathon, gap), _MOST_CHANGES):
                found.append(change)
                if time.monotonic() > until:
                    break
        except MarathonError as error:
            self._log.write("changes_unknown", reason=f"{error}.")
        return found


def gap_event(relay: str, gap: Gap, changed: list[Change], now: float) -> bytes:
    """The line that reports a gap."""
    event = {
        "eventType": "relay_gap",
        "timestamp": iso(now),
        "relay": relay,
        "from": iso(gap.began),
        "to": iso(gap.ended),
        "cause": gap.cause,
        "changed": changed,
    }
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")  # JSON may carry what is no valid Unicode


def changes(marathon: Marathon, gap: Gap) -> Iterator[Change]:
    """What happened in the gap, according to Marathon: tasks of apps that failed (the last of each
    app, 0.7.6+), versions of apps that were made, and the deployments that run now.
    """
    for deployment in marathon.deployments():
        yield {
            "what": "deployment_running",
            "deployment": _text(deployment.get("id")),
            "version": _text(deployment.get("version")),
            "apps": [_text(app) for app in _list(deployment.get("affectedApps"))[:_MOST_CHANGES]],
        }

    def within(time_: object) -> bool:
        at = seconds(time_)
        return at is not None and gap.began <= at <= gap.ended

    apps = marathon.apps()
    for app in apps:
        failure = app.get("lastTaskFailure")
        if isinstance(failure, dict) and within(failure.get("timestamp")):
            yield _failure(app, failure)
    made = [app for app in apps if (seconds(app.get("version")) or 0) >= gap.began]
    for app in made[:_MOST_LOOKED_AT]:
        yield from _versions(marathon, _text(app.get("id")), within)


def _failure(app: Change, failure: Change) -> Change:
    names = ("timestamp", "taskId", "state", "host", "message", "version")
    parts = {name: _text(failure[name]) for name in names if failure.get(name)}
    return {"what": "task_failed", "app": _text(app.get("id"))} | parts


def _versions(marathon: Marathon, app: str, within: Callable[[object], bool]) -> Iterator[Change]:
    for version in marathon.versions(app):
        if within(version):
            yield {"what": "version_made", "app": app, "version": _text(version)}


def _text(value: object) -> str:
    return str(value or "")[:_MESSAGE_CHARACTERS]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
