"""Deliver: sends what lies on a target's queue to the chat channel or pager that it is for.

A service that is busy, broken or silent is tried again, after the time that it names or longer and
longer ones. What it refuses for good, and what is too late, goes to the target's dead letters. An
alert that was overtaken is not sent: a pager would open again what is resolved.
Nothing is sent twice but where a service's answer was lost, or Lambda delivered a message twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

from chalicelib import log, times
from chalicelib.records.delivery import Delivery, delivery
from chalicelib.records.incident import State
from chalicelib.services.alerts_sent import AlertsSent
from chalicelib.services.aws import ServiceError
from chalicelib.services.messenger import Address, Answer, NoAddress
from chalicelib.services.store import Window
from chalicelib.services.targets import TargetError, Targets

Outcome = Literal["Delivered", "Outdated", "Undelivered", "NotDeliveredYet"]

_FIRST_PAUSE_SECONDS = 15
_LONGEST_PAUSE_SECONDS = 900
# A later alert helps nobody: the incident has been notified again by then.
_TRIED_FOR = timedelta(hours=6)
# So soon after an alert nothing can have overtaken it.
_FRESH = timedelta(minutes=2)
_GONE = ("ParameterNotFound",)


class Deliver:
    """Delivers to the targets of one stage. ``sent``: the alerts that were sent there."""

    def __init__(self, targets: Targets, sent: AlertsSent, stage: str) -> None:
        self._targets = targets
        self._sent = sent
        self._stage = stage

    def run(self, messages: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
        """Deliver SQS messages from Lambda. The answer has the form that Lambda wants: the ids of
        the messages that must come again.
        """
        counts: dict[str, float] = dict.fromkeys(get_args(Outcome), 0)
        again: list[dict[str, str]] = []
        for message in messages:
            try:
                outcome = self._deliver(message)
            except ServiceError as error:
                log.warning("not delivered yet", target=_target(message), reason=error.code)
                outcome = "NotDeliveredYet"
            counts[outcome] += 1
            if outcome == "NotDeliveredYet":
                again.append({"itemIdentifier": message["messageId"]})
        log.metrics(counts)
        return {"batchItemFailures": again}

    def _deliver(self, message: Mapping[str, Any]) -> Outcome:
        target = _target(message)
        try:
            alert = delivery(message["body"])
        except ValueError as error:
            return self._set_aside(message, str(error))
        still = self._not_overtaken(alert, _sent_at(message))
        if alert.incidents and not still:
            log.warning("outdated, so not sent", target=target)
            return "Outdated"
        answer = self._answer(target, replace(alert, incidents=still))
        if answer.outcome == "sent":
            return "Delivered"
        late = _sent_at(message) + _TRIED_FOR < times.now()
        if answer.outcome == "never" or late:
            reason = f"given up, last {answer.reason}" if late else answer.reason
            return self._set_aside(message, reason)
        pause = max(_pause(message), answer.seconds)
        log.warning("not delivered yet", target=target, reason=answer.reason, seconds=pause)
        self._targets.again_in(target, message["receiptHandle"], pause)
        return "NotDeliveredYet"

    def _set_aside(self, message: Mapping[str, Any], reason: str) -> Outcome:
        target = _target(message)
        self._targets.set_aside(target, message["body"], reason)
        log.error("not delivered", target=target, reason=reason)
        return "Undelivered"

    def _not_overtaken(self, alert: Delivery, sent_at: datetime) -> tuple[str, ...]:
        """Of its incidents, those of which no later alert said that they are over, or that they
        are not. Raises TableError.
        """
        if times.now() - sent_at < _FRESH:
            return alert.incidents
        now: dict[str, State] = {}
        for each in self._sent.newest_first(alert.cluster, Window.between(sent_at)):
            now = dict.fromkeys(each.incidents, each.state) | now
        return tuple(
            each
            for each in alert.incidents
            if each not in now or (now[each] == "resolved") == alert.is_over
        )

    def _answer(self, target: str, alert: Delivery) -> Answer:
        """What came of sending. Raises TargetError where nothing could be tried."""
        try:
            return Address(self._targets.address(target)).send(alert, self._stage)
        except TargetError as error:
            if error.code not in _GONE:
                raise
            return Answer("never", "its address is not in the Parameter Store")
        except NoAddress as error:
            return Answer("never", f"its address can't be used: {error}")


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
