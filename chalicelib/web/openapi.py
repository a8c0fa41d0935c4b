"""The description of the API in OpenAPI 3.1, made from the models and parameters of the code."""

import functools
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from chalicelib.records.story import Story
from chalicelib.records.summary import EVENT_ID
from chalicelib.web import models
from chalicelib.web.queries import (
    CLUSTER,
    OF_ALERTS,
    OF_DEPLOYMENTS,
    OF_INCIDENTS,
    PARAMETERS,
    Parameter,
)

_REF = "#/components/schemas/{model}"
_MODELS = (
    models.Events,
    models.Event,
    Story,
    models.Clusters,
    models.Deployments,
    models.Alerts,
    models.PastIncidents,
    models.Refusal,
    models.Receipt,
    models.Receipts,
    models.Health,
)

_ABOUT = """\
What Marathon's event bus sent, kept. Times are ISO 8601 in UTC. Everything that the API reads from
a reader is checked, and an error says what to do. Readers' tokens are made by `scripts/grant.py`,
publishers' by `scripts/register.py`.
"""

_REFUSALS = {
    "400": "Something in the request makes no sense.",
    "401": "No token.",
    "403": "The token is wrong, or is for another cluster.",
    "404": "There is no such thing, or no longer.",
    "413": "The request is too large.",
    "503": "AWS can't do it now: try again.",
}


@functools.cache
def document() -> dict[str, Any]:
    """The whole description."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in _MODELS], ref_template=_REF
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "marathon-events", "version": "1", "description": _ABOUT},
        "servers": [{"url": "./"}],
        "paths": {
            "/events": {
                "get": _list("A page of events, newest first", models.Events, PARAMETERS),
                "post": _post_events(),
            },
            "/events/{cluster}/{id}": {
                "get": _get(
                    "One event, whole",
                    models.Event,
                    _of_one({"type": "string", "pattern": EVENT_ID}),
                    404,
                )
            },
            "/deployments": {
                "get": _list(
                    "A page of deployments, newest first", models.Deployments, OF_DEPLOYMENTS
                )
            },
            "/deployments/{cluster}/{id}": {
                "get": _get("The story of a deployment", Story, _of_one({"type": "string"}), 404)
            },
            "/alerts": {
                "get": _list(
                    "A page of the alerts that people got, newest first", models.Alerts, OF_ALERTS
                )
            },
            "/incidents": {
                "get": _list(
                    "The incidents that people were notified of, newest first",
                    models.PastIncidents,
                    OF_INCIDENTS,
                )
            },
            "/clusters": {"get": _get("The Marathons, and what is wrong", models.Clusters, [])},
            "/callback": {"post": _post_callback()},
            "/health": {"get": _open("Whether the API runs", _json(models.Health))},
            "/openapi.json": {"get": _open("This document", {"type": "object"})},
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "reader": {"type": "http", "scheme": "bearer"},
                "publisher": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _get(
    summary: str, model: type, parameters: list[dict[str, Any]], *refusals: int
) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [{"reader": []}],
        "parameters": parameters,
        "responses": {
            "200": _answer("The answer.", _json(model)),
            "304": {"description": "It is still what the ETag in If-None-Match says."},
            **_refused(401, 403, *refusals, 503),
        },
    }


def _list(summary: str, model: type, table: Mapping[str, Parameter]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "query", "description": each.about, "schema": each.schema}
        for name, each in table.items()
    ]
    return _get(summary, model, parameters, 400, 404)


def _open(summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [],
        "responses": {"200": _answer("The answer.", schema)},
    }


def _post_events() -> dict[str, Any]:
    anything: dict[str, Any] = {"schema": {}}  # a line that is no event is kept, too
    lines = {"application/x-ndjson": anything, "text/plain": anything}
    return {
        "summary": "A relay posts events, one on each line",
        "security": [{"publisher": []}],
        "requestBody": {"content": lines},
        "responses": {
            "200": _answer("What became of each line.", _json(models.Receipts)),
            **_refused(400, 401, 403, 413, 503),
        },
    }


def _post_callback() -> dict[str, Any]:
    token = {"type": "string"}
    return {
        "summary": "Marathon posts one event, of any content type",
        "security": [],
        "parameters": [
            {
                "name": "token",
                "in": "query",
                "required": True,
                "schema": token,
                "description": "The publisher's token: Marathon can send no header of its own.",
            }
        ],
        "requestBody": {"content": {"*/*": {"schema": {}}}},
        "responses": {
            "200": _answer("It is stored.", _json(models.Receipt)),
            "202": _answer("It is kept until it can be stored.", _json(models.Receipt)),
            **_refused(403, 413, 503),
        },
    }


def _of_one(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": "cluster", "in": "path", "required": True, "schema": CLUSTER.schema},
        {"name": "id", "in": "path", "required": True, "schema": schema},
    ]


def _json(model: type) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refused(*statuses: int) -> dict[str, Any]:
    return {
        str(status): _answer(_REFUSALS[str(status)], _json(models.Refusal)) for status in statuses
    }
