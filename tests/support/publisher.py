"""Who sends events to an API, as Marathon or a relay does."""

import uuid
from typing import Any

from chalicelib.records.record import Record
from chalicelib.services import tokens
from local.system import System
from tests.support.web import request

_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}


class Publisher:
    """A cluster of its own, with a token that writes for it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.cluster = f"c{uuid.uuid4().hex[:12]}"
        self.token = self.grant("publisher")

    def grant(self, role: Any) -> str:
        """Another token of the cluster."""
        made = tokens.mint()
        self.system.stage.tokens.add(made, role, self.cluster, "test")
        return made

    def post(
        self, body: bytes, headers: dict[str, str] | None = None, token: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send an event as Marathon does."""
        path = f"/callback?token={self.token if token is None else token}"
        return request(self.system.api, "POST", path, body, headers or _JSON)

    def post_lines(self, body: bytes, token: str | None = None) -> tuple[int, dict[str, Any]]:
        """Send many events as a relay does."""
        headers = _LINES | {"Authorization": f"Bearer {token or self.token}"}
        return request(self.system.api, "POST", "/events", body, headers)

    def stored(self, id_: str) -> Record:
        """The record of an event. Fails where there is none."""
        record = self.system.stage.store.get(self.cluster, id_)
        assert record is not None
        return record
