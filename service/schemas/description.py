"""The OpenAPI document: what FastAPI can't know of it is added here."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from service.middleware.body_schema import REFERENCE, merge_body_schemas
from service.middleware.credentials import SESSION_COOKIE, TOKEN_HEADER
from service.middleware.scopes import needed
from service.middleware.trust import OPEN_PATHS
from service.schemas.examples import EXAMPLES
from service.schemas.problem import DESCRIPTIONS, MEDIA, Problem

TAGS = {
    "experiments": "What a user posts: every task with every model at every length, several times.",
    "runs": "Single repeats and their metrics.",
    "results": "What the runs say: scores with intervals, memory spans, probes; as pages, JSON, tables and figures.",
    "checkpoints": "Stored models: weights, predictions and questions.",
    "datasets": "Series and sequences of your own: files that are read, described and trained on.",
    "probes": "Questions to stored models, and their answers.",
    "studies": "Questions from the literature: their experiments are started together, their claims judged by numbers.",
    "catalogue": "The tasks, models and probes that there are.",
    "access": "Keys that let clients in, and what was done with them.",
    "operating": "For those who run the service.",
}
CHANGING = frozenset({"post", "put", "patch", "delete"})
GENERATED = ("HTTPValidationError", "ValidationError")
SAYS_NOTHING = "Successful Response"
PAGE = "A page of the list; `next_cursor`, given as `cursor`, leads to the next one."
KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a token of the client's own: the same request sent again with it happens once",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
LOCATION = {"Location": {"description": "where it is", "schema": {"type": "string"}}}
LINK = {"Link": {"description": 'the next page, rel="next"; left out on the last', "schema": {"type": "string"}}}
SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of this service (`memspan keys create`); none is needed while there is none. Each has a "
        "scope: read looks, run also submits and changes its own, admin does everything.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "A browser's, begun at `/login`; what it changes needs the token of its pages, too "
        f"(`{TOKEN_HEADER}`).",
    },
}
SECURITY: list[dict[str, list[str]]] = [{"key": []}, {"session": []}, {}]
"""one of them, or none while there is no key"""
ETAG = {"ETag": {"description": "send it as If-None-Match", "schema": {"type": "string"}}}


def described(app: FastAPI) -> dict[str, Any]:
    """The whole document of an application."""
    tags = [{"name": name, "description": text} for name, text in TAGS.items()]
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=tags
    )
    merge_body_schemas(document)
    _complete_components(document["components"])
    document["security"] = SECURITY
    for path, method, operation in operations(document):
        _complete(operation, method, open_to_all=path in OPEN_PATHS)
        _tell_scope(operation, method, path)
        _tell_answers(operation, document["components"]["schemas"])
    used = {tag for _, _, operation in operations(document) for tag in operation.get("tags", [])}
    document["tags"] = [tag for tag in tags if tag["name"] in used]
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of all operations."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete_components(components: dict[str, Any]) -> None:
    """Add problems and examples; leave out FastAPI's own shape of errors, which nobody is answered."""
    schemas = components["schemas"]
    for name in GENERATED:
        schemas.pop(name, None)
    _, problem = models_json_schema([(Problem, "serialization")], ref_template=REFERENCE + "{model}")
    schemas |= problem["$defs"]
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    content = {MEDIA: {"schema": {"$ref": REFERENCE + "Problem"}}}
    components["securitySchemes"] = SCHEMES
    components["responses"] = {
        f"problem-{status}": {"description": text, "content": content} for status, text in DESCRIPTIONS.items()
    }


def _complete(operation: dict[str, Any], method: str, open_to_all: bool) -> None:
    """Add what holds for whole classes of operations."""
    if method == "post":
        operation.setdefault("parameters", []).append(KEY)
    responses = operation["responses"]
    answers = {status: answer for status, answer in responses.items() if not _is_problem(answer)}
    found = {int(status) for status, answer in responses.items() if MEDIA in answer.get("content", {})}
    found |= _common(operation, method, open_to_all)
    problems = {str(status): {"$ref": f"#/components/responses/problem-{status}"} for status in sorted(found)}
    operation["responses"] = {**answers, **problems}
    _add_headers(answers)


def _tell_scope(operation: dict[str, Any], method: str, path: str) -> None:
    """Say which scope an operation needs; what everybody is served needs none."""
    if path in OPEN_PATHS:
        operation["security"] = []
    else:
        operation["x-scope"] = needed(method.upper(), path)


def _tell_answers(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say what is answered where FastAPI says that there is an answer."""
    for answer in operation["responses"].values():
        if answer.get("description") == SAYS_NOTHING:
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").removeprefix(REFERENCE)
            told = PAGE if name.startswith("Page_") else schemas.get(name, {}).get("description")
            answer["description"] = told or f"{operation['summary']}."


def _is_problem(answer: dict[str, Any]) -> bool:
    """Whether an answer is a problem, or the error that FastAPI thinks it would give."""
    content = answer.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return MEDIA in content or schema.get("$ref") == REFERENCE + GENERATED[0]


def _common(operation: dict[str, Any], method: str, open_to_all: bool) -> set[int]:
    """The problems that an operation shares with others of its form."""
    found = set() if open_to_all else {401, 403, 421, 429, 503}
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
        found.add(422)
    if method in CHANGING:
        found.add(507)
    return found | ({400, 409, 413, 422} if method == "post" else set())


def _add_headers(answers: dict[str, Any]) -> None:
    """The headers that answers carry."""
    for status, answer in answers.items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        headers = {**(LOCATION if status == "201" else {}), **(LINK if "Page_" in schema.get("$ref", "") else {})}
        if "304" in answers and status in ("200", "304"):
            headers |= ETAG
        if headers:
            answer.setdefault("headers", {}).update(headers)
