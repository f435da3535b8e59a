"""The OpenAPI document: valid, complete, and changed only on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from service.middleware.trust import OPEN_PATHS
from service.operations.action import Action
from service.schemas.description import operations
from tests.contract.stage import Stage

SNAPSHOT = Path(__file__).with_name("openapi.json")
RENEW = "python -m tests.contract.test_openapi"
UNDESCRIBED = {"/", "/docs", "/openapi.json", "/login", "/logout"}
"""pages and this document itself"""


@pytest.fixture(scope="module")
def document(stage: Stage) -> dict[str, Any]:
    """The document as a client gets it."""
    answer = stage.client.get("/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def outline(document: dict[str, Any]) -> dict[str, Any]:
    """What clients rely on: of each operation its id, parameters, whether it takes a body, and its statuses."""
    return {
        f"{method.upper()} {path}": {
            "id": operation["operationId"],
            "parameters": sorted(f"{each['in']} {each['name']}" for each in operation.get("parameters", [])),
            "body": "requestBody" in operation,
            "statuses": sorted(operation["responses"]),
        }
        for path, method, operation in operations(document)
    }


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OPENAPI_31_VALIDATOR.validate(document)


def test_the_document_is_the_one_that_was_agreed(document: dict[str, Any]) -> None:
    """A change of it is a change of the contract: look at it, then renew the snapshot with the command in RENEW."""
    assert outline(document) == json.loads(SNAPSHOT.read_text()), f"if it is meant: {RENEW}"


def test_every_action_of_the_audit_trail_is_described(document: dict[str, Any]) -> None:
    described = document["components"]["schemas"]["Deed"]["properties"]["action"]["description"]
    assert set(described.removeprefix("one of ").split(", ")) == set(Action)
    known = {operation["operationId"] for _, _, operation in operations(document)}
    without_request = {"log_in", "log_out", "abolish_keys", "put_retention_rule", "remove_retention_rule",
                       "drop_weights", "mend", "restore", "refused"}  # fmt: skip
    assert set(Action) - known == without_request


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_operation_is_named_told_and_tagged(document: dict[str, Any]) -> None:
    known = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for _, _, operation in operations(document):
        assert re.fullmatch(r"[a-z][a-z_]+", operation["operationId"])
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= known
        assert all(parameter.get("description") for parameter in operation.get("parameters", []))


def test_every_operation_declares_what_may_go_wrong(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        needed = set() if path in OPEN_PATHS else {"401", "421", "503"}
        needed |= {"404"} if "{" in path else set()
        needed |= {"400", "403", "409", "413", "422"} if method == "post" else set()
        needed |= {"415"} if "requestBody" in operation else set()
        assert needed <= set(operation["responses"]), f"{method} {path}"


def test_every_problem_is_a_problem_document(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and operation["operationId"] != "ready":
                assert answer == {"$ref": f"#/components/responses/problem-{status}"}


def test_every_body_and_every_main_answer_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, method, operation in operations(document):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"].values()
            assert any(each.get("examples") for each in content), f"{method} {path}"
    for name in (
        "Experiment",
        "Plan",
        "Results",
        "WholeRun",
        "Checkpoint",
        "Prediction",
        "Probe",
        "Samples",
        "Study",
        "StartedStudy",
        "StudyPlan",
        "Problem",
    ):
        assert schemas[name]["examples"], name


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    for schema, example in examples(document):
        whole = {**schema, "components": document["components"]}
        jsonschema.validate(example, whole, jsonschema.Draft202012Validator)


def examples(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """(schema, example) of all bodies and answers."""
    for _, _, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            yield from ((content["schema"], example["value"]) for example in content.get("examples", {}).values())
    for name, schema in document["components"]["schemas"].items():
        yield from (({"$ref": f"#/components/schemas/{name}"}, example) for example in schema.get("examples", []))


def test_every_example_of_a_body_is_accepted(document: dict[str, Any], stage: Stage) -> None:
    for path, method, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if path in ("/experiments", "/tasks/{kind}/samples", "/studies/{kind}/experiments") and method == "post":
                for example in content["examples"].values():
                    planning = "" if path.startswith("/tasks") else "?dry_run=true"
                    url = path.replace("{kind}", "latch") + planning
                    assert stage.client.post(url, json=example["value"]).status_code == 200


def test_no_answer_has_a_field_that_is_not_described(
    document: dict[str, Any], stage: Stage, finished: dict[str, Any]
) -> None:
    run = stage.client.get(finished["links"]["runs"]).json()["items"][0]["id"]
    checkpoint = stage.client.get(f"/runs/{run}").json()["checkpoints"][0]["id"]
    answers = {
        "Experiment": finished["links"]["self"],
        "Page_Experiment_": "/experiments",
        "Page_Run_": finished["links"]["runs"],
        "WholeRun": f"/runs/{run}",
        "Metrics": f"/runs/{run}/metrics",
        "Page_Summary_": "/results",
        "Results": finished["links"]["results"],
        "Checkpoint": f"/checkpoints/{checkpoint}",
        "Page_Probe_": "/probes",
        "Catalogue": "/models",
        "Studies": "/studies",
        "Study": "/studies/latch",
        "Entry": "/tasks/latch",
        "Queues": "/queue",
        "Health": "/health/ready",
    }
    for name, path in answers.items():
        answer = stage.client.get(path).json()
        assert list(undescribed(answer, {"$ref": f"#/components/schemas/{name}"}, document)) == []


def undescribed(value: Any, schema: dict[str, Any], document: dict[str, Any], at: str = "") -> Iterator[str]:
    """The places of an answer whose schema knows other fields only."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for each in value:
            yield from undescribed(each, schema.get("items", {}), document, at + "/")
    if isinstance(value, dict) and "properties" in schema:
        yield from (f"{at}.{name}" for name in value if name not in schema["properties"])
        for name in value.keys() & schema["properties"].keys():
            yield from undescribed(value[name], schema["properties"][name], document, f"{at}.{name}")


def test_every_described_path_is_served(document: dict[str, Any], stage: Stage) -> None:
    for path, method, _ in operations(document):
        answer = stage.client.request(method, re.sub(r"{\w+}", "nothing-there", path), follow_redirects=False)
        assert answer.status_code != 405, f"{method} {path}"


def test_every_served_path_is_described(document: dict[str, Any], stage: Stage) -> None:
    """FastAPI's own description of the routes, with those that are left out of ours."""
    served = {route.path for router in stage.app.router.routes for route in flat(router)}
    assert served - set(document["paths"]) - UNDESCRIBED <= {path for path in served if path.startswith("/static/")}


def flat(router: Any) -> list[Any]:
    """The routes behind a router, or the route itself."""
    inner = getattr(router, "original_router", None)
    return list(inner.routes) if inner is not None else [router]


def renew() -> None:
    """Write the snapshot anew."""
    import tempfile

    from tests.contract.stage import staged

    with tempfile.TemporaryDirectory() as home, staged(Path(home)) as stage:
        SNAPSHOT.write_text(json.dumps(outline(stage.app.openapi()), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    renew()
