"""Layers: the whole edge around one application."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel
from starlette.testclient import TestClient
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from service.middleware.access_log import AccessLog
from service.middleware.body import json_body
from service.middleware.idempotency import Began, Mismatch, Replay, Running, StoredHeaders
from service.middleware.install import install_middleware
from service.settings import Settings
from tests.unit.middleware.rings import MemoryKeyring


class Thing(BaseModel):
    size: int


class OnlyNew:
    """A ledger that has never heard of any key; it fails where the database would be down."""

    def begin(self, key: str, fingerprint: str, now: datetime) -> Began | Replay | Running | Mismatch:
        if key == "down":
            raise ConnectionError("database down")
        return Began()

    def finish(self, key: str, status: int, headers: StoredHeaders, body: bytes) -> None:
        """Forget."""

    def abandon(self, key: str) -> None:
        """Forget."""


def application() -> FastAPI:
    app = FastAPI()
    install_middleware(app, Settings(max_body_bytes=100), OnlyNew(), MemoryKeyring())

    @app.get("/x")
    def show(request: Request) -> dict[str, Any]:
        return {"id": request.state.request_id, "logged": get_contextvars()["request_id"]}

    @app.post("/things")
    def make(thing: Annotated[Thing, Depends(json_body(Thing))]) -> Thing:
        return thing

    @app.get("/page", response_class=HTMLResponse)
    def page() -> str:
        return "<p>hello</p>"

    @app.get("/drawing")
    def drawing() -> Response:
        return Response("<svg/>", media_type="image/svg+xml")

    @app.get("/health/live")
    def live() -> str:
        return "alive"

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def halves() -> AsyncIterator[str]:
            yield "half"
            raise ZeroDivisionError

        return StreamingResponse(halves())

    return app


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def client() -> TestClient:
    return TestClient(application(), base_url="http://localhost:8000", client=("127.0.0.1", 1))


@pytest.mark.parametrize("path", ["/x", "/nowhere", "/broken", "/page"])
def test_every_answer_carries_a_request_id_and_is_not_sniffed(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    if answer.headers["content-type"] == "application/problem+json":
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_sane_request_id_is_kept_and_known_everywhere(client: TestClient) -> None:
    answer = client.get("/x", headers={"x-request-id": "trace-1/2:3"})
    assert answer.headers["x-request-id"] == "trace-1/2:3"
    assert answer.json() == {"id": "trace-1/2:3", "logged": "trace-1/2:3"}


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'a"b', "<script>"])
def test_any_other_request_id_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/x", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 32


def test_pages_have_a_strict_policy_and_drawings_run_nothing(client: TestClient) -> None:
    policy = client.get("/page").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "sandbox" in client.get("/drawing").headers["content-security-policy"]
    assert "content-security-policy" not in client.get("/x").headers


def test_strangers_and_strange_hosts_are_refused_before_their_body_is_read() -> None:
    stranger = TestClient(application(), base_url="http://localhost", client=("10.0.0.1", 1))
    assert stranger.post("/things", content=b"x" * 1_000).status_code == 401
    rebound = TestClient(application(), base_url="http://evil.example", client=("127.0.0.1", 1))
    assert rebound.post("/things", content=b"x" * 1_000).status_code == 421


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}])
def test_bodies_are_capped_with_and_without_a_key(client: TestClient, key: dict[str, str]) -> None:
    assert client.post("/things", content=b"x" * 101, headers=key).status_code == 413
    assert client.post("/things", content=iter([b"x" * 60] * 2), headers=key).status_code == 413
    assert client.post("/things", content=b'{"size": 1}', headers=key).json() == {"size": 1}


def test_an_error_in_a_layer_is_answered_like_any_other(client: TestClient) -> None:
    answer = client.post("/things", content=b"{}", headers={"Idempotency-Key": "down"})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "database down" not in answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_half_an_answer_is_cut(client: TestClient) -> None:
    with pytest.raises(ZeroDivisionError):
        client.get("/half")


def test_one_line_is_logged_for_each_request_with_its_true_status(client: TestClient, lines: list[Any]) -> None:
    answers = [client.get("/x?q=private"), client.get("/no%0Ahere"), client.get("/broken"), client.head("/x")]
    logged = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in logged] == [
        ("GET", "/x", 200),
        ("GET", "/no%0Ahere", 404),
        ("GET", "/broken", 500),
        ("HEAD", "/x", 200),
    ]
    assert [line["request_id"] for line in logged] == [answer.headers["x-request-id"] for answer in answers]


def test_health_is_logged_at_debug_level(client: TestClient, lines: list[Any]) -> None:
    client.get("/health/live")
    client.head("/health/live")
    assert [line["log_level"] for line in lines] == ["debug", "debug"]


def test_milliseconds_are_those_of_the_clock(lines: list[Any]) -> None:
    app = FastAPI()
    app.add_middleware(AccessLog, clock=itertools.count(0.0, 0.25).__next__)
    TestClient(app).get("/x")
    assert lines[0]["ms"] == 250.0


def test_a_page_of_another_site_and_a_foreign_host_are_refusals_that_are_noted() -> None:
    app, keyring = FastAPI(), MemoryKeyring()
    install_middleware(app, Settings(), OnlyNew(), keyring)
    client = TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1))
    assert client.post("/experiments", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/experiments", headers={"Host": "evil.example"}).status_code == 421
    assert [(entry.action, entry.path, entry.status, entry.address) for entry in keyring.refused] == [
        ("refused", "/experiments", 403, "127.0.0.1"),
        ("refused", "/experiments", 421, "127.0.0.1"),
    ]
    assert all(entry.request_id for entry in keyring.refused)
