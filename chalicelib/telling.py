"""Telling: send a message about troubles, so that nothing is told twice and nothing never.

A message is claimed in the table before it is published, and the claim is taken back if it can't be
published. So of two that look at once only one tells. If the function is killed in between, the
next message of that trouble tells everything since it began. Where there is no next one, it is
noted afterwards that the message was sent. While that note is missing, the message waits to be sent
once more, and says so.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib import log, times
from chalicelib.records.notification import Notification
from chalicelib.records.trouble import Trouble
from chalicelib.services.aws import ServiceError
from chalicelib.services.topic import Topic
from chalicelib.services.troubles import Troubles

# If SNS's answer did not come, nobody knows whether it took the message: the claim stays.
_UNKNOWN = {"ReadTimeoutError", "ConnectionClosedError", "NotAnAnswer", "ResponseParserError"}

Compose = Callable[[list[Trouble]], Notification]

_Claimed = list[tuple[Trouble, Trouble]]
"""Troubles as they were before, and as they are now that we tell of them."""


class NotTold(Exception):
    """SNS did not take a message."""


class Telling:
    """Sends the messages of one stage."""

    def __init__(self, troubles: Troubles, topic: Topic) -> None:
        self._troubles = troubles
        self._topic = topic

    def tell(
        self,
        troubles: Sequence[Trouble],
        compose: Compose,
        now: datetime,
        *,
        over: bool = False,
        last: bool = False,
    ) -> bool:
        """Send one message about troubles. ``over``: they have ended. ``last``: no other message of
        them will follow. Returns whether it was sent; not if somebody else tells of them. Raises
        NotTold and TableError.
        """
        claimed: _Claimed = []
        try:
            for each in troubles:
                if after := self._troubles.claim(each, times.iso(now), over=over, last=last):
                    claimed.append((each, after))
                elif not claimed:
                    return False
            message = compose([before for before, _ in claimed])
        except Exception:
            self._take_back(claimed)
            raise
        self._publish(message, claimed)
        if last:
            for _, after in claimed:
                self._troubles.confirm(after)
        return True

    def _publish(self, message: Notification, claimed: _Claimed) -> None:
        (result,) = self._topic.publish([message], ())
        if result.outcome == "sent":
            return
        if result.outcome == "failed" and result.reason not in _UNKNOWN:
            self._take_back(claimed)
        raise NotTold(result.reason)

    def _take_back(self, claimed: _Claimed) -> None:
        for before, after in claimed:
            try:
                self._troubles.unclaim(after, before)
            except ServiceError as error:
                log.warning("a claim stays", subject=before.subject, reason=error.code)
