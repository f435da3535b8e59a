"""Hostile bodies are refused for what they are, and for little work: what bounds that is counted in calls."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from pydantic import TypeAdapter

from memspan.experiment.flaws import flaws
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.limits import Limits
from memspan.validation.places import LISTED_ERRORS
from service.app import ROUTERS
from service.errors import Problem
from service.middleware.body import Reader
from service.middleware.excerpt import Caps
from tests.contract.problems import told
from tests.contract.stage import Stage
from tests.hostile import ASKED, GRID, SEARCH, SPECS, raw

MOST_CALLS = 200_000
"""Python calls while a body is refused: some 50 ms. Walking the grid took tens of millions."""
LIMITS = Limits()
LONGEST_ANSWER = 100_000


@contextmanager
def counted() -> Iterator[list[int]]:
    """How many Python functions are called meanwhile."""
    calls = [0]

    def note(frame: FrameType, event: str, argument: Any) -> None:
        calls[0] += event == "call"

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


ADAPTER = TypeAdapter(ExperimentSpec)
READER = Reader(ADAPTER, Caps(ADAPTER), {"limits": LIMITS}, lambda spec: flaws(spec, LIMITS))
assert READER.caps.schema, "made once a process"


@pytest.mark.parametrize("body", SPECS.values(), ids=SPECS)
def test_a_hostile_spec_is_refused_after_little_work(body: bytes) -> None:
    if body.count(b",") >= 100_000:
        return  # refused by its size before anything is read
    with pytest.raises(Problem) as refused, counted() as calls:
        READER.read(body)
    assert calls[0] <= MOST_CALLS
    assert len(refused.value.errors) <= LISTED_ERRORS


@pytest.mark.parametrize("body", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("path", ["/experiments", "/experiments?dry_run=true"])
def test_a_hostile_spec_gets_a_small_problem(stage: Stage, path: str, body: bytes) -> None:
    before = stage.rows()
    answer = stage.client.post(path, content=body)
    problem = told(answer, answer.status_code)
    assert answer.status_code in (400, 413, 422)
    assert len(answer.content) < LONGEST_ANSWER
    assert len(problem.get("errors", [])) <= LISTED_ERRORS
    assert stage.rows() == before


OTHER_POSTS = [
    f"{route.path.format(id='{id}', kind='latch')}"
    for module in ROUTERS
    for route in module.router.routes
    if "POST" in getattr(route, "methods", ())
]


@pytest.mark.parametrize("path", sorted({path for path in OTHER_POSTS if path != "/experiments"}))
def test_no_post_is_taken_down_by_a_hostile_spec(stage: Stage, finished: dict[str, Any], path: str) -> None:
    run = stage.client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    name = checkpoint if path.startswith("/checkpoints") else finished["id"]
    for title, body in SPECS.items():
        answer = stage.client.post(path.replace("{id}", name), content=body)
        assert answer.status_code < 500, (title, answer.text)
        assert len(answer.content) < LONGEST_ANSWER, title


def test_a_grid_that_is_too_large_names_its_sizes(stage: Stage) -> None:
    problem = told(stage.client.post("/experiments?dry_run=true", content=raw(**GRID)), 422)
    (error,) = problem["errors"]
    assert (error["pointer"], error["code"], error["given"]) == ("#/lengths", "grid_too_large", 1_000)
    assert "81920000 runs (5 repeats x 1000 lengths x 256 models x 64 tasks); at most 100000" in error["message"]


def test_a_search_may_not_have_more_conditions_than_there_may_be_runs(stage: Stage) -> None:
    problem = told(stage.client.post("/experiments?dry_run=true", content=raw(**SEARCH)), 422)
    (error,) = problem["errors"]
    assert error["code"] == "grid_too_large"
    assert "conditions" in error["message"]
    assert "at most 100000 are allowed" in error["message"]


def test_probes_may_not_be_asked_more_often_than_there_may_be_runs(stage: Stage) -> None:
    problem = told(stage.client.post("/experiments?dry_run=true", content=raw(**ASKED)), 422)
    (error,) = problem["errors"]
    assert (error["pointer"], error["given"]) == ("#/probes", 32)
    assert "32 probes of 65536 conditions (256 models x 64 tasks x 4 lengths) are 2097152" in error["message"]


def test_what_is_not_listed_is_counted(stage: Stage) -> None:
    problem = told(stage.client.post("/experiments", content=SPECS["99 000 unknown fields"]), 422)
    assert (len(problem["errors"]), problem["more_errors"]) == (100, 98_900)
    assert problem["detail"].startswith("99000 values are wrong; the first 100 are listed")


def test_a_list_that_is_too_long_says_its_length_beside_what_else_is_wrong(stage: Stage) -> None:
    body = raw(tasks=[{"kind": "latch"}] + [{}] * 48_999, repeats=0)
    errors = {each["pointer"]: each for each in told(stage.client.post("/experiments", content=body), 422)["errors"]}
    assert errors["#/tasks"]["message"] == "tasks must be at most 64 items long, not 49000."
    assert errors["#/tasks/1/kind"]["code"] == "missing"
    assert errors["#/repeats"]["code"] == "out_of_range"


def uncapped(schema: Any, place: str = "#") -> Iterator[str]:
    """Lists of a JSON Schema that may be of any length, and objects that may have any fields."""
    if isinstance(schema, dict):
        if schema.get("type") == "array" and "maxItems" not in schema:
            yield place
        if (
            schema.get("type") == "object"
            and schema.get("additionalProperties", True)
            and "maxProperties" not in schema
        ):
            yield place
        for name, part in schema.items():
            if name not in ("default", "example", "examples"):
                yield from uncapped(part, f"{place}/{name}")
    elif isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from uncapped(part, f"{place}/{index}")


def referred(openapi: dict[str, Any], part: Any) -> set[str]:
    """The names of all schemas that a part of the description leads to."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        for name in _names(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(openapi["components"]["schemas"][name])
    return found


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rpartition("/")[2]
        for each in part.values():
            yield from _names(each)
    elif isinstance(part, list):
        for each in part:
            yield from _names(each)


def test_every_list_of_every_body_has_a_cap(stage: Stage) -> None:
    openapi = stage.client.get("/openapi.json").json()
    operations = [operation for path in openapi["paths"].values() for operation in path.values()]
    bodies = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    assert len(bodies) >= 6
    names = {name for body in bodies for name in referred(openapi, body)}
    places = [
        f"{name}: {place}" for name in sorted(names) for place in uncapped(openapi["components"]["schemas"][name])
    ]
    assert not places


def test_the_whole_answer_fits_json(stage: Stage) -> None:
    answer = stage.client.post("/experiments", content=SPECS["unknown fields in every model"])
    assert json.loads(answer.content)["more_errors"] == 76_700
