"""Deliver: sends what lies on a target's queue to the chat channel or pager that it is for.

A service that is busy, broken or silent is tried again, after the time that it names or longer and
longer ones. What it refuses for good, and what is too late, goes to the target's dead letters.
Nothing is sent twice but where a service's answer was lost, or Lambda delivered a message twice.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from chalicelib import log, times
from chalicelib.records.delivery import delivery
from chalicelib.services.messenger import Address, Answer, NoAddress
from chalicelib.services.targets import TargetError, Targets

Outcome = Literal["Delivered", "Undelivered", "NotDeliveredYet"]

_FIRST_PAUSE_SECONDS = 15
_LONGEST_PAUSE_SECONDS = 900
# A later alert helps nobody: the incident has been told again by then.
_TRIED_FOR = timedelta(hours=6)
_GONE = ("ParameterNotFound",)


class Deliver:
    """Delivers to the targets of one stage."""

    def __init__(self, targets: Targets, stage: str) -> None:
        self._targets = targets
        self._stage = stage

    def run(self, messages: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
        """Deliver SQS messages from Lambda. The answer has the form that Lambda wants: the ids of
        the messages that must come again.
        """
        counts: dict[str, float] = {"Delivered": 0, "Undelivered": 0, "NotDeliveredYet": 0}
        again: list[dict[str, str]] = []
        for message in messages:
            try:
                outcome = self._deliver(message)
            except TargetError as error:
                log.warning("not delivered yet", target=_target(message), reason=error.code)
                outcome = "NotDeliveredYet"
            counts[outcome] += 1
            if outcome == "NotDeliveredYet":
                again.append({"itemIdentifier": message["messageId"]})
        log.metrics(counts)
        return {"batchItemFailures": again}

    def _deliver(self, message: Mapping[str, Any]) -> Outcome:
        target = _target(message)
        answer = self._answer(target, message["body"])
        if answer.outcome == "sent":
            return "Delivered"
        late = _sent_at(message) + _TRIED_FOR < times.now()
        if answer.outcome == "never" or late:
            reason = f"given up, last {answer.reason}" if late else answer.reason
            self._targets.set_aside(target, message["body"], reason)
            log.error("not delivered", target=target, reason=reason)
            return "Undelivered"
        pause = max(_pause(message), answer.seconds)
        log.warning("not delivered yet", target=target, reason=answer.reason, seconds=pause)
        self._targets.again_in(target, message["receiptHandle"], pause)
        return "NotDeliveredYet"

    def _answer(self, target: str, body: str) -> Answer:
        """What came of sending. Raises TargetError where nothing could be tried."""
        try:
            address = Address(self._targets.address(target))
            return address.send(delivery(body), self._stage)
        except TargetError as error:
            if error.code not in _GONE:
                raise
            return Answer("never", "its address is not in the Parameter Store")
        except NoAddress as error:
            return Answer("never", f"its address can't be used: {error}")
        except ValueError as error:
            return Answer("never", str(error))


def _target(message: Mapping[str, Any]) -> str:
    """The id of the target whose queue it is."""
    return str(message["eventSourceARN"]).rpartition("-")[2]


def _sent_at(message: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(message["attributes"]["SentTimestamp"]) / 1000, UTC)


def _pause(message: Mapping[str, Any]) -> int:
    """Seconds until the next try: more with each."""
    times_received = int(message["attributes"]["ApproximateReceiveCount"])
    pauses = min(times_received - 1, 10)
    return int(min(_FIRST_PAUSE_SECONDS * 2**pauses, _LONGEST_PAUSE_SECONDS))
