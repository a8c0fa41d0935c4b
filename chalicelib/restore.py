"""Restore: stores spilled events in the table, with the id and time of their first receipt."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from chalicelib import log, times
from chalicelib.marathon.reading import read
from chalicelib.records.record import record_of
from chalicelib.records.spilled import Chunk, Spilled, from_message, join
from chalicelib.services.aws import ServiceError
from chalicelib.services.queues import DeadLetters
from chalicelib.services.store import Store
from chalicelib.services.table import TableError
from chalicelib.services.tokens import Tokens

Outcome = Literal["Restored", "Refused", "Parked", "Gathered"]


class Restore:
    """Brings the spill queue of one stage into its table."""

    def __init__(self, tokens: Tokens, store: Store, dead_letters: DeadLetters) -> None:
        self._tokens = tokens
        self._store = store
        self._dead_letters = dead_letters

    def run(self, messages: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
        """Restore a batch of SQS messages from Lambda. The answer has the form that Lambda wants:
        the ids of the messages that must come again.
        """
        again: list[dict[str, str]] = []
        counts: dict[str, float] = {}
        for message in messages:
            try:
                outcome = self.restore(message["body"])
            except ServiceError as error:
                log.warning("not restored yet", reason=error.code)
                again.append({"itemIdentifier": message["messageId"]})
            else:
                counts[outcome] = counts.get(outcome, 0) + 1
        log.metrics({"Restored": 0, "NotRestoredYet": len(again), **counts})
        return {"batchItemFailures": again}

    def restore(self, message: str) -> Outcome:
        """Restore one message. Raises TableError and QueueError if it must come again."""
        try:
            chunk = from_message(message)
            cluster = chunk.cluster or self._cluster(chunk)
            if not cluster:
                log.warning("a spilled event's token was not valid when it came", id=chunk.id)
                return "Refused"
            data = self._gather(cluster, chunk)
            if data is None:
                return "Gathered"
            self._put(cluster, join(chunk, data))
        except ValueError as error:
            return self._park(message, str(error))
        except TableError as error:
            if not error.permanent:
                raise
            return self._park(message, error.code)
        return "Restored"

    def _cluster(self, chunk: Chunk) -> str:
        """The cluster of a token that could not be checked when its event came; empty if the token
        was not valid then. Raises ValueError if the table does not know the token. The event was
        acknowledged, and the table may have been lost and made anew.
        """
        token = self._tokens.find(chunk.token_hash)
        if token is None:
            raise ValueError("the table does not know its token")
        valid = token.role == "publisher" and token.valid_at(times.from_iso(chunk.received_at))
        return token.cluster if valid else ""

    def _gather(self, cluster: str, chunk: Chunk) -> list[bytes] | None:
        """All parts of the body, or None while some are still on the queue. The part that comes
        last finds the others.
        """
        if chunk.parts == 1:
            return [chunk.data]
        names = [f"spill-{chunk.digest}-{n}" for n in range(chunk.parts)]
        self._store.put_part(cluster, chunk.id, names[chunk.part], chunk.data)
        return self._store.parts(cluster, chunk.id, names)

    def _put(self, cluster: str, spilled: Spilled) -> None:
        received_at = times.from_iso(spilled.received_at)
        reading = read(spilled.body)
        self._store.put(record_of(spilled.id, cluster, received_at, reading, spilled.body))

    def _park(self, message: str, reason: str) -> Outcome:
        self._dead_letters.park_spilled(message, reason)
        log.error("a spilled event can't be stored; parked", reason=reason)
        return "Parked"
