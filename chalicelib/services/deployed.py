"""What ``chalice deploy`` made of a stage, of which a copy is kept in its table."""

import json
from typing import Any

from chalicelib.services.table import Table

KEY = {"pk": {"S": "#stage"}, "sk": {"S": "deployed"}}


def read(table: Table) -> dict[str, Any] | None:
    """Chalice's own notes, ``{"resources": [{"name", "resource_type", …}], …}``; None if there are
    none. Raises TableError.
    """
    kept = table.get(KEY)
    noted: dict[str, Any] | None = json.loads(kept["record"]) if kept else None
    return noted


def rest_api(noted: dict[str, Any]) -> dict[str, Any] | None:
    """The API in such notes, or None."""
    resources = noted.get("resources", [])
    return next((each for each in resources if each.get("resource_type") == "rest_api"), None)


def address(api: dict[str, Any]) -> str:
    """The address of an API, without a slash at its end."""
    return str(api["rest_api_url"]).rstrip("/")


class Page:
    """Where the page of a stage is. Its functions can't know: they are made before the API."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._address = ""

    def address(self) -> str:
        """Its address, read once; empty while nothing is noted. Raises TableError."""
        if not self._address:
            api = rest_api(read(self._table) or {})
            self._address = address(api) if api else ""
        return self._address
