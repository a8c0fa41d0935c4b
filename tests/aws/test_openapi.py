"""The description of the API: it is valid, it is served, and the API does what it says."""

import json
from collections.abc import Iterator
from typing import Any

from ops import ROOT
from ops.stage import access

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case

from chalicelib.records.record import SUMMARY
from chalicelib.records.summary import Summary
from chalicelib.services.clusters import Cluster
from chalicelib.services.tokens import mint
from chalicelib.web import openapi
from local.scenario import CREATED, FAILED, SCALED
from local.system import System
from tests.support.alone import api_of_many
from tests.support.records import keep, record
from tests.support.web import get

schema: Any = schemathesis.openapi.from_dict(openapi.document())


@pytest.fixture(scope="module")
def served(aws: str) -> Iterator[System]:
    """An API with something to see."""
    with api_of_many() as made:
        made.stage.clusters.claim(Cluster("prod", "http://m", "f"))
        keep(made.stage.store, *(record(**each) for each in (*CREATED, *SCALED, *FAILED)))
        yield made


@pytest.fixture(scope="module")
def tokens(served: System) -> dict[str, str]:
    """A token for each way to be let in."""
    publisher = mint()
    served.stage.tokens.add(publisher, "publisher", "prod", "test")
    return {"get": access.grant(served.stage, "test", "", None)[0], "post": publisher}


def test_the_model_of_a_summary_has_the_fields_that_a_summary_has() -> None:
    assert tuple(Summary.model_fields) == SUMMARY


def test_the_document_is_valid_and_is_the_one_in_the_documentation(served: System) -> None:
    document = get(served.api, "/openapi.json").json
    OpenAPIV31SpecValidator(document).validate()
    assert document == json.loads((ROOT / "docs" / "openapi.json").read_text())


@pytest.mark.usefixtures("unhurried")
@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload")
@schema.parametrize()  # type: ignore[untyped-decorator]
@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_the_api_does_what_its_description_says(
    case: Case[Any], served: System, tokens: dict[str, str]
) -> None:
    # Only the API itself can make a cursor that it takes.
    assume(
        (case.meta and case.meta.generation.mode.is_negative) or "cursor" not in (case.query or {})
    )
    token = tokens["post" if case.method == "POST" else "get"]
    case.call_and_validate(
        base_url=served.api,
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
