"""The gate: lets a request in by its token, and remembers for a while what it found."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.services.tokens import Role, Token, hash_of, well_formed

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
    """Decides which requests are let in. ``find``: looks a token up by its hash. The number of
    remembered tokens is limited: a flood of wrong tokens pushes out the oldest.
    """

    def __init__(self, find: Callable[[str], Token | None], role: Role) -> None:
        self._find = find
        self._role = role
        self._memory: OrderedDict[str, _Memory] = OrderedDict()

    def admit(self, token: str | None) -> Token:
        """The token, as the table knows it. Raises Refused. If no answer is remembered, raises what
        ``find`` raises.
        """
        if token is None or not well_formed(token):
            raise Refused
        key = hash_of(token)
        memory = self._memory.get(key)
        if memory is None or memory.until <= time.monotonic():
            memory = self._look_up(key)
        if memory.token is None or not memory.token.valid:  # it may have expired meanwhile
            raise Refused
        return memory.token

    @property
    def remembered(self) -> int:
        """How many tokens it remembers."""
        return len(self._memory)

    def _look_up(self, key: str) -> _Memory:
        found = self._find(key)
        accepted = found if found and found.role == self._role and found.valid else None
        seconds = ACCEPTED_SECONDS if accepted else REFUSED_SECONDS
        memory = _Memory(accepted, time.monotonic() + seconds)
        self._memory[key] = memory
        self._memory.move_to_end(key)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return memory
