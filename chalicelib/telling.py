"""Telling: send a message about incidents, so that nothing is told twice and nothing never.

A message is claimed in the table before it is published, and the claim is taken back if it can't be
published. So of two that look at once only one tells. If the function is killed in between, the
next message of that incident tells everything since it began. Where there is no next one, it is
noted afterwards that the message was sent. While that note is missing, the message waits to be sent
once more, and says so.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib import log, times
from chalicelib.records.incident import Incident
from chalicelib.records.notification import Notification
from chalicelib.services.incidents import Claim, Incidents
from chalicelib.services.table import TableError
from chalicelib.services.topic import Topic

# If SNS's answer did not come, nobody knows whether it took the message: the claim stays.
_UNKNOWN = {"ReadTimeoutError", "ConnectionClosedError", "NotAnAnswer", "ResponseParserError"}

Compose = Callable[[list[Incident]], Notification]


class NotTold(Exception):
    """SNS did not take a message."""


class Telling:
    """Sends the messages of one stage."""

    def __init__(self, incidents: Incidents, topic: Topic) -> None:
        self._incidents = incidents
        self._topic = topic

    def tell(
        self,
        incidents: Sequence[Incident],
        compose: Compose,
        now: datetime,
        *,
        over: bool = False,
        last: bool = False,
    ) -> bool:
        """Send one message about incidents. ``over``: they have ended. ``last``: no other message
        of them will follow. Returns whether it was sent; not if somebody else tells of them. Raises
        NotTold and TableError.
        """
        claims: list[Claim] = []
        try:
            claims = self._incidents.claim(incidents, times.iso(now), over=over, last=last)
            if not claims:
                return False
            message = compose([each.before for each in claims])
        except Exception:
            self._take_back(claims)
            raise
        self._publish(message, claims)
        if last:
            self._incidents.confirm(claims)
        return True

    def _publish(self, message: Notification, claims: list[Claim]) -> None:
        (result,) = self._topic.publish([message], ())
        if result.outcome == "sent":
            return
        if result.outcome == "failed" and result.reason not in _UNKNOWN:
            self._take_back(claims)
        raise NotTold(result.reason)

    def _take_back(self, claims: list[Claim]) -> None:
        try:
            self._incidents.unclaim(claims)
        except TableError as error:
            log.warning("a claim stays", claims=len(claims), reason=error.code)
