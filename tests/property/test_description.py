"""Generated requests, sound and unsound: never a 5xx, and every answer is one that the OpenAPI document declares."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.app import create_app
from service.operations.context import Context
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database
from tests.property.conftest import Ground

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 25
"""of each operation and mode"""
LONGEST_WAIT, WAIT = 60, 0.1
"""seconds: what may be asked for, and what is asked for instead, since nobody works here"""


LONGEST_ADDRESS = 2**16
"""characters; the client sends no longer one, and no server reads it"""


def described() -> Any:
    """The application as its OpenAPI document describes it; that takes no database."""
    app = create_app(Context(Settings(database_url="sqlite://"), Database("sqlite://"), NoBell()))
    return schemathesis.openapi.from_dict(app.openapi())


OPERATIONS = {operation.ok().label: operation.ok() for operation in described().get_all_operations()}
CASES = [
    (label, mode)
    for label, operation in OPERATIONS.items()
    for mode in GenerationMode
    if mode.is_positive or operation.query or operation.body  # any text may stand in a path: none is unsound
]
OF_THINGS = [(label, mode) for label, mode in CASES if "{id}" in label and not label.startswith("DELETE")]


def send(case: schemathesis.Case, ground: Ground) -> httpx.Response:
    """The case as a request to the application in this process; an event stream is asked for as a page."""
    if isinstance(wait := (case.query or {}).get("wait"), int | float) and wait <= LONGEST_WAIT:
        case.query["wait"] = min(wait, WAIT)
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    assume(len(str(prepared.url)) <= LONGEST_ADDRESS)
    headers = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
    return ground.stage.client.request(
        str(prepared.method),
        str(prepared.url),
        headers={**headers, "Accept": "application/json"},
        content=prepared.body,
        follow_redirects=False,
    )


@pytest.mark.parametrize(("label", "mode"), CASES)
def test_no_request_meets_an_undeclared_answer(ground: Ground, label: str, mode: GenerationMode) -> None:
    @settings(max_examples=EXAMPLES)
    @given(OPERATIONS[label].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case) -> None:
        case.validate_response(send(case, ground), checks=CHECKS)

    hold()


@pytest.mark.parametrize(("label", "mode"), OF_THINGS)
def test_no_question_to_what_is_there_meets_an_undeclared_answer(
    ground: Ground, label: str, mode: GenerationMode
) -> None:
    there = next(name for start, name in ground.ids.items() if start in label)

    @settings(max_examples=EXAMPLES)
    @given(OPERATIONS[label].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case) -> None:
        case.path_parameters["id"] = there
        case.validate_response(send(case, ground), checks=CHECKS)

    hold()
