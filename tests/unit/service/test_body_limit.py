"""Body limit: 413 by the announced length, while streaming, and never over an answer already begun."""

from collections.abc import Iterator

import anyio
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.middleware.body_limit import BodyLimit
from service.middleware.handlers import install_handlers


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_handlers(app)
    app.add_middleware(BodyLimit, max_bytes=10)

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/swallow")
    async def swallow(request: Request) -> str:
        try:
            await request.body()
        except Exception:
            return "fine"
        return "read"

    @app.post("/ignore")
    async def ignore() -> str:
        return "unread"

    return TestClient(app)


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"12345"


def test_a_body_up_to_the_cap_is_read(client: TestClient) -> None:
    assert client.post("/read", content=b"1234567890").json() == 10
    assert client.post("/read", content=chunks(2)).json() == 10


def test_an_announced_excess_is_refused_with_cap_and_size(client: TestClient) -> None:
    answer = client.post("/ignore", content=b"12345678901")
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "10 bytes" in answer.json()["detail"]
    assert "11 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/read", "/swallow"])
def test_an_unannounced_excess_is_refused_whatever_the_route_makes_of_it(client: TestClient, path: str) -> None:
    answer = client.post(path, content=chunks(3))
    assert answer.status_code == 413
    assert "10 bytes" in answer.json()["detail"]


def test_an_answer_that_has_begun_is_cut_and_not_replaced() -> None:
    sent: list[Message] = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": (await receive())["body"], "more_body": True})

    async def receive() -> Message:
        return {"type": "http.request", "body": b"12345", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    with pytest.raises(Exception, match="at most 10 bytes"):
        anyio.run(BodyLimit(echo, max_bytes=10), scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"] + ["http.response.body"] * 2


def test_a_length_that_is_no_number_is_counted_instead(client: TestClient) -> None:
    assert client.post("/read", content=chunks(3), headers={"content-length": "+3"}).status_code == 413


def test_streams_pass(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)

    @client.app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    assert client.get("/stream").text == "ab"
