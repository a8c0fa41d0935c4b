"""Tokens: who may post for which cluster, and who may read. The table holds only their hashes."""

import contextlib
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib import times
from chalicelib.records import items
from chalicelib.services.table import ConditionFailed, Table

Role = Literal["publisher", "reader"]

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")

# A day longer than the spill queue keeps an event that came with the token.
KEPT_AFTER_REVOCATION = timedelta(days=15)

# The clocks of the operator, of Lambda and of Marathon differ: so a token counts as made this much
# earlier than its item says.
CLOCK_SKEW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Token:
    """What the table knows about a token. A reader's ``cluster`` is empty if it may read all.
    ``expires_at``: in seconds since the epoch; of a revoked one, when the table forgets it.
    """

    hash: str
    role: Role
    cluster: str
    label: str
    created_at: str
    revoked_at: str | None = None
    expires_at: int | None = None

    @property
    def valid(self) -> bool:
        """Whether it has neither been revoked nor expired."""
        return self.revoked_at is None and not self.expired

    @property
    def expired(self) -> bool:
        """Whether its time is over. The table deletes it only days later."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def valid_at(self, moment: datetime) -> bool:
        """Whether the token had been made and not yet been revoked at that time."""
        made = times.from_iso(self.created_at) - CLOCK_SKEW
        return made <= moment and (self.revoked_at is None or times.iso(moment) < self.revoked_at)


def mint() -> str:
    """A new token: 32 random bytes, base64url, 43 characters."""
    return secrets.token_urlsafe(32)


def well_formed(token: str | None) -> bool:
    """Whether the text has the form of a token."""
    return token is not None and _FORM.fullmatch(token) is not None


def hash_of(token: str) -> str:
    """The hash that the table keeps for a token. Because the hash is looked up and tokens are not
    compared, the time that this takes reveals nothing.
    """
    return hashlib.sha256(token.encode()).hexdigest()


class Tokens:
    """The tokens of one stage. Every method raises TableError."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, token_hash: str) -> Token | None:
        """The token with that hash, by a consistent read."""
        values = self._table.get(_key(token_hash))
        return _token(values) if values else None

    def add(
        self, token: str, role: Role, cluster: str, label: str, expires_at: int | None = None
    ) -> Token:
        """Accept a token from now on, until ``expires_at`` (seconds since the epoch) if given."""
        created_at = times.iso(times.now())
        known = Token(hash_of(token), role, cluster, label, created_at, expires_at=expires_at)
        item = _key(known.hash) | {
            "feed": {"S": "#tokens"},
            "feed_order": {"S": known.created_at},
            "kind": {"S": "token"},
            "role": {"S": role},
            "cluster": {"S": cluster},
            "label": {"S": label},
        }
        if expires_at is not None:
            item["expires_at"] = {"N": str(expires_at)}
        self._table.put(item)
        return known

    def revoke(self, token_hash: str) -> None:
        """Refuse a token from now on, within a minute everywhere. Does nothing if it is already
        revoked.
        """
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
        expires_at=values.get("expires_at"),
    )
