"""Handlers: every error is a problem document."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, HTTPException, Query
from psycopg.errors import DiskFull
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from structlog.testing import capture_logs

from service.errors import Conflict, Unavailable
from service.middleware.handlers import install_handlers

RAISED: dict[str, Exception] = {
    "problem": Conflict("The experiment is active."),
    "unavailable": Unavailable("Later.", retry_after_seconds=7),
    "teapot": HTTPException(418),
    "strange": HTTPException(499, "gone"),
    "unauthorized": HTTPException(401, "no key", headers={"X-A": "b"}),
    "slow": HTTPException(429, "too often", headers={"Retry-After": "9"}),
    "operational": OperationalError("select 1", {}, Exception("locked")),
    "full": OperationalError("insert", {}, DiskFull("No space left on device")),
    "interface": InterfaceError("select 1", {}, Exception("closed")),
    "pool": PoolTimeout("QueuePool limit"),
    "data": DataError("select 1", {}, Exception("NUL")),
    "unforeseen": ZeroDivisionError("the secret reason"),
}


class Broken:
    """A middleware that fails for one path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/middleware/"):
            raise RAISED[scope["path"].rpartition("/")[2]]
        await self.app(scope, receive, send)


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_handlers(app)
    app.add_middleware(Broken)

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        raise RAISED[name]

    @app.get("/experiments/{number}")
    def show(
        number: int, limit: Annotated[int, Query(ge=1, le=500)], state: Annotated[tuple[int, ...], Query()] = ()
    ) -> int:
        return number

    return TestClient(app, raise_server_exceptions=False)


def told(answer: Any) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    assert {"type", "title", "detail", "instance"} <= document.keys()
    return document


@pytest.mark.parametrize("place", ["raise", "middleware"])
@pytest.mark.parametrize(
    ("name", "status", "type_"),
    [
        ("problem", 409, "/problems/conflict"),
        ("unavailable", 503, "/problems/unavailable"),
        ("operational", 503, "/problems/unavailable"),
        ("interface", 503, "/problems/unavailable"),
        ("pool", 503, "/problems/unavailable"),
        ("data", 422, "/problems/unprocessable"),
        ("unauthorized", 401, "/problems/unauthorized"),
        ("teapot", 418, "/problems/i-m-a-teapot"),
        ("strange", 499, "/problems/status-499"),
        ("slow", 429, "/problems/too-many-requests"),
        ("unforeseen", 500, "/problems/internal"),
    ],
)
def test_every_error_is_a_problem_wherever_it_is_raised(
    client: TestClient, place: str, name: str, status: int, type_: str
) -> None:
    document = told(client.get(f"/{place}/{name}"))
    assert (document["status"], document["type"]) == (status, type_)
    assert document["instance"] == f"/{place}/{name}"


def test_a_disk_that_is_full_is_507_for_what_is_stored_and_503_for_what_is_read(client: TestClient) -> None:
    assert told(client.post("/middleware/full"))["type"] == "/problems/insufficient-storage"
    assert told(client.get("/middleware/full"))["type"] == "/problems/unavailable"


def test_headers_of_an_error_are_kept(client: TestClient) -> None:
    assert client.get("/raise/unavailable").headers["retry-after"] == "7"
    assert int(client.get("/raise/operational").headers["retry-after"]) > 0
    assert client.get("/raise/slow").headers["retry-after"] == "9"
    assert client.get("/raise/unauthorized").headers["x-a"] == "b"


def test_an_unforeseen_error_is_logged_and_not_told(client: TestClient, lines: list[Any]) -> None:
    answer = client.get("/raise/unforeseen")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (line,) = [line for line in lines if line["event"] == "unforeseen_error"]
    assert line["request_id"] == answer.json()["request_id"]
    assert isinstance(line["exc_info"], ZeroDivisionError)


def test_an_unknown_path_and_method_are_told_in_sentences(client: TestClient) -> None:
    assert told(client.get("/nowhere"))["detail"] == "There is nothing at /nowhere."
    answer = client.delete("/raise/x")
    assert answer.headers["allow"] == "GET, HEAD"
    assert told(answer)["detail"] == "/raise/x doesn't answer DELETE; it answers GET, HEAD."


def test_a_path_with_line_breaks_stays_on_one_line(client: TestClient) -> None:
    assert told(client.get("/no%0Awhere%22"))["instance"] == "/no%0Awhere%22"


def test_wrong_parameters_are_faults_of_query_and_path(client: TestClient) -> None:
    document = told(client.get("/experiments/x?limit=501&state=a"))
    assert document["status"] == 422
    assert [(fault["pointer"], fault["message"]) for fault in document["errors"]] == [
        ("{number}", "number must be a whole number, not 'x'."),
        ("?limit", "limit must be at most 500, not '501'."),
        ("?state", "state[0] must be a whole number, not 'a'."),
    ]


def test_a_missing_parameter_is_named(client: TestClient) -> None:
    (fault,) = told(client.get("/experiments/1"))["errors"]
    assert fault == {"pointer": "?limit", "code": "missing", "message": "limit is missing.", "given": None}
