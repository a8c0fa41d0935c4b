"""The gate: lets a request in by its token, and remembers for a while what it found."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from chalicelib import times
from chalicelib.services.tokens import Role, Token, Tokens, hash_of, well_formed

ACCEPTED_SECONDS = 60
REFUSED_SECONDS = 5
REMEMBERED = 1024


class Refused(Exception):
    """The token is missing or wrong."""


@dataclass(frozen=True, slots=True)
class _Memory:
    token: Token | None
    until: float


class Gate:
    """Decides who comes in. Its memory is bounded: a flood of wrong tokens pushes out the old."""

    def __init__(self, tokens: Tokens, role: Role) -> None:
        self._tokens = tokens
        self._role = role
        self._memory: OrderedDict[str, _Memory] = OrderedDict()

    def remembered(self, token: str | None) -> Token | None:
        """The token, if it was accepted a short time ago; None if that isn't known.

        Raises Refused for what can't be a token, or was refused a short time ago.
        """
        if token is None or not well_formed(token):
            raise Refused
        memory = self._memory.get(hash_of(token))
        if memory is None or memory.until <= time.monotonic():
            return None
        if memory.token is None:
            raise Refused
        return memory.token

    def admit(self, token: str) -> Token:
        """The token, looked up in the table. Raises Refused, TableError."""
        key = hash_of(token)
        found = self._tokens.find(key)
        valid = found is not None and found.role == self._role and found.valid_at(times.now())
        accepted = found if valid else None
        seconds = ACCEPTED_SECONDS if accepted else REFUSED_SECONDS
        self._memory[key] = _Memory(accepted, time.monotonic() + seconds)
        self._memory.move_to_end(key)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        if accepted is None:
            raise Refused
        return accepted
