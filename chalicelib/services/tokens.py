"""Tokens: who may post for which cluster, and who may read. The table knows hashes alone."""

import contextlib
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib import times
from chalicelib.records import items
from chalicelib.services.table import ConditionFailed, Table

Role = Literal["publisher", "reader"]

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")

# A day longer than the spill queue keeps an event that the token brought.
KEPT_AFTER_REVOCATION = timedelta(days=15)

# The clocks of the operator, of Lambda and of Marathon differ: a token counts as made so long
# before its item says so.
CLOCK_SKEW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Token:
    """What the table knows of a token. A reader's ``cluster`` is empty: it may read all."""

    hash: str
    role: Role
    cluster: str
    label: str
    created_at: str
    revoked_at: str | None = None

    @property
    def valid(self) -> bool:
        """Whether it has not been revoked, by whose clock ever."""
        return self.revoked_at is None

    def valid_at(self, time: datetime) -> bool:
        """Whether the token had been made and not yet revoked."""
        made = times.from_iso(self.created_at) - CLOCK_SKEW
        return made <= time and (self.revoked_at is None or times.iso(time) < self.revoked_at)


def mint() -> str:
    """A new token: 32 random bytes, base64url, 43 characters."""
    return secrets.token_urlsafe(32)


def well_formed(token: str | None) -> bool:
    """Whether it could be a token at all."""
    return token is not None and _FORM.fullmatch(token) is not None


def hash_of(token: str) -> str:
    """What the table keeps of a token. Looking the hash up, rather than comparing tokens, leaves
    nothing to learn from the time that it takes.
    """
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """The tokens of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, token_hash: str) -> Token | None:
        """The token of that hash, by a consistent read."""
        values = self._table.get(_key(token_hash))
        return _token(values) if values else None

    def add(self, token: str, role: Role, cluster: str, label: str) -> Token:
        """Let a token in from now on."""
        known = Token(hash_of(token), role, cluster, label, times.iso(times.now()))
        item = _key(known.hash) | {
            "feed": {"S": "#tokens"},
            "feed_order": {"S": known.created_at},
            "kind": {"S": "token"},
            "role": {"S": role},
            "cluster": {"S": cluster},
            "label": {"S": label},
        }
        self._table.put(item)
        return known

    def revoke(self, token_hash: str) -> None:
        """Refuse a token from now on, within a minute everywhere; nothing to do if it is."""
        now = times.now()
        expires = int((now + KEPT_AFTER_REVOCATION).timestamp())
        with contextlib.suppress(ConditionFailed):
            self._table.update(
                _key(token_hash),
                "SET revoked_at = :now, expires_at = :expires",
                "attribute_exists(pk) AND attribute_not_exists(revoked_at)",
                {":now": {"S": times.iso(now)}, ":expires": {"N": str(expires)}},
            )

    def all(self) -> list[Token]:
        """Every token, the oldest first."""
        return [
            _token(values)
            for values in self._table.query("feed = :tokens", index="feed", tokens="#tokens")
        ]


def _key(token_hash: str) -> items.Item:
    return {"pk": {"S": f"#token|{token_hash}"}, "sk": {"S": "token"}}


def _token(values: dict[str, Any]) -> Token:
    return Token(
        hash=values["pk"].removeprefix("#token|"),
        role=values["role"],
        cluster=values["cluster"],
        label=values["label"],
        created_at=values["feed_order"],
        revoked_at=values.get("revoked_at"),
    )
