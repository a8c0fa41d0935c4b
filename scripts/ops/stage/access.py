"""Tokens: who may post, and who may read."""

import json
import time
from datetime import timedelta

from ops import options
from ops.cli import Failure
from ops.stage.resources import Stage

from chalicelib import times
from chalicelib.services import tokens
from chalicelib.services.tokens import Role, Token


def grant(stage: Stage, label: str, cluster: str, valid_for: timedelta | None) -> tuple[str, Token]:
    """A new reader token, and what the table knows of it. ``cluster``: the one that it reads; empty
    for all. Raises Failure.
    """
    if cluster:
        options.clusters(stage, cluster)
    token = tokens.mint()
    expires = int(time.time() + valid_for.total_seconds()) if valid_for else None
    return token, stage.tokens.add(token, "reader", cluster, label, expires)


def revoke(stage: Stage, beginning: str, role: Role | None = None) -> Token:
    """Revoke the one token whose hash begins with this text, of any role or of that one. Raises
    Failure.
    """
    found = [
        each
        for each in stage.tokens.all()
        if each.hash.startswith(beginning.lower()) and role in (None, each.role)
    ]
    if len(found) != 1:
        whose = f"{role} token" if role else "token"
        many = (
            f"Several {whose}s have hashes that begin"
            if found
            else f"No {whose} has a hash that begins"
        )
        raise Failure(f"{many} with {beginning!r}; see them with --list.")
    stage.tokens.revoke(found[0].hash)
    return found[0]


def line(token: Token) -> str:
    """A token in one line; of its secret only a hash is known."""
    return (
        f"token {token.hash[:12]}  {token.role} of {token.cluster or 'all'}  "
        f"made {token.created_at}  {_state(token)}  ({token.label})"
    )


def as_json(token: Token) -> str:
    """The same as a line of JSON."""
    values = {
        "hash": token.hash,
        "role": token.role,
        "cluster": token.cluster or None,
        "label": token.label,
        "created_at": token.created_at,
        "revoked_at": token.revoked_at,
        "expires_at": expiry(token),
        "valid": token.valid,
    }
    return json.dumps({name: value for name, value in values.items() if value is not None})


def expiry(token: Token) -> str | None:
    """Until when it is accepted, if it has an end."""
    if token.expires_at is None or token.revoked_at:
        return None
    return times.iso(times.from_epoch(token.expires_at))


def _state(token: Token) -> str:
    if token.revoked_at:
        return f"revoked {token.revoked_at}"
    end = expiry(token)
    return f"{'expired' if token.expired else 'valid until'} {end}" if end else "valid"
