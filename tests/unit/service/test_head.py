"""HEAD: the headers of GET and nothing else."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio.lowlevel
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse, StreamingResponse
from starlette.testclient import TestClient

from service.middleware.handlers import install_handlers
from service.middleware.head import Head

closed: list[str] = []


def session() -> Iterator[str]:
    try:
        yield "open"
    finally:
        closed.append("session")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    closed.clear()
    app = FastAPI()
    install_handlers(app)
    app.add_middleware(Head)
    (tmp_path / "file").write_bytes(b"x" * 300_000)

    @app.get("/x")
    def show() -> str:
        return "body"

    @app.get("/endless")
    async def endless(held: str = Depends(session)) -> StreamingResponse:
        async def ticks() -> AsyncIterator[str]:
            while True:
                yield held
                await anyio.lowlevel.checkpoint()

        return StreamingResponse(ticks(), media_type="text/event-stream")

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(tmp_path / "file")

    return TestClient(app)


def test_head_has_the_headers_of_get_and_no_body(client: TestClient) -> None:
    head, get = client.head("/x"), client.get("/x")
    assert (head.status_code, dict(head.headers), head.content) == (200, dict(get.headers), b"")


def test_head_of_an_endless_stream_ends_and_closes_what_it_held(client: TestClient) -> None:
    assert client.head("/endless").headers["content-type"].startswith("text/event-stream")
    assert closed == ["session"]


def test_head_of_a_file_tells_its_length(client: TestClient) -> None:
    answer = client.head("/file")
    assert (answer.headers["content-length"], answer.content) == ("300000", b"")


def test_head_of_nothing_is_a_404(client: TestClient) -> None:
    answer = client.head("/nowhere")
    assert (answer.status_code, answer.content) == (404, b"")
