"""Sender: notify people of incidents, so that nothing is sent twice and nothing never.

A message is claimed in the table before it is published, and the claim is taken back if it can't be
published. So of two that look at once only one sends. While nobody has noted that it was sent, the
claim says so; after a while such a message is sent once more, and says that it may be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib import log
from chalicelib.records import alert, words
from chalicelib.records.alert import Context, Facts, Opening
from chalicelib.records.incident import Incident, State, storm_name
from chalicelib.records.notification import Notification
from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.incidents import Incidents
from chalicelib.services.store import Window
from chalicelib.services.table import TableError
from chalicelib.services.topic import Topic

# If SNS's answer did not come, nobody knows whether it took the message: the claim stays.
_UNKNOWN = {"ReadTimeoutError", "ConnectionClosedError", "NotAnAnswer", "ResponseParserError"}


class NotSent(Exception):
    """SNS did not take a message."""


@dataclass(frozen=True)
class Notice:
    """One incident that people are to be notified of. ``after``: it, once they have been."""

    incident: Incident
    after: Incident
    facts: Facts
    again: bool = False


class Sender:
    """Sends the messages of one stage."""

    def __init__(self, incidents: Incidents, topic: Topic, sent: AlertsSent) -> None:
        self._incidents = incidents
        self._topic = topic
        self._sent = sent

    def notify(
        self, state: State, notices: Sequence[Notice], context: Context, now: datetime
    ) -> int:
        """Send one message about incidents, or as few as SNS takes. Returns how many; 0 if somebody
        else sends it. Raises NotSent and TableError.
        """
        claimed: list[tuple[Notice, Incident]] = []
        try:
            self._claim(state, notices, claimed, now)
            if not claimed:
                return 0
            sent = [notice for notice, _ in claimed]
            if state == "resolved":
                context = self._with_storms(notices, sent, context)
            messages = _messages(state, sent, context)
        except Exception:
            self._take_back(claimed)
            raise
        for n, each in enumerate(messages):
            self._publish(each, claimed if n == 0 else [])  # one part was sent: the claim stays
        cluster = notices[0].incident.cluster
        self._confirm(claimed, words.headline(cluster, messages[0].subject))
        counts = {notice.after.subject: notice.after.count for notice, _ in claimed}
        for each in messages:
            self._sent.note(cluster, state, each, now, counts)
        return len(messages)

    def _claim(
        self,
        state: State,
        notices: Sequence[Notice],
        claimed: list[tuple[Notice, Incident]],
        now: datetime,
    ) -> None:
        for each in notices:
            wanted = replace(each.after, sending=now)
            written = self._incidents.write(each.incident, wanted, if_unmoved=state == "resolved")
            if written:
                claimed.append((each, written))
            elif not claimed:  # two looks at once: the one that gets the first sends all
                return

    def _with_storms(
        self, notices: Sequence[Notice], sent: Sequence[Notice], context: Context
    ) -> Context:
        """What was notified together, and is not over, or is now."""
        left = {each.after.storm for each in notices if each not in sent}
        open_ = context.storms | {each for each in left if each}
        over = {each.after.storm for each in sent} - open_
        cluster = notices[0].incident.cluster
        ended = [
            Opening(each.severity, each.apps)
            for storm in over
            if storm
            for each in self._sent.newest_first(cluster, Window.between(storm, storm))
            if storm_name(storm) in each.incidents
        ]
        return replace(context, storms=open_, ended=tuple(ended))

    def _publish(self, message: Notification, claimed: list[tuple[Notice, Incident]]) -> None:
        (result,) = self._topic.publish([message], ())
        if result.outcome == "sent":
            return
        if result.outcome == "failed" and result.reason not in _UNKNOWN:
            self._take_back(claimed)
        raise NotSent(result.reason)

    def _confirm(self, claimed: list[tuple[Notice, Incident]], headline: str) -> None:
        for _, written in claimed:
            self._incidents.write(written, replace(written, sending=None, headline=headline))

    def _take_back(self, claimed: list[tuple[Notice, Incident]]) -> None:
        try:
            for notice, written in claimed:
                self._incidents.write(written, notice.incident)
        except TableError as error:
            log.warning("a claim stays", claims=len(claimed), reason=error.code)


def _messages(state: State, notices: Sequence[Notice], context: Context) -> list[Notification]:
    if len(notices) == 1:
        (one,) = notices
        made = [alert.of_one(state, one.after, one.facts, context)]
    else:
        made = alert.of_many(state, [(each.after, each.facts) for each in notices], context)
    return [alert.again(each) for each in made] if any(e.again for e in notices) else made
