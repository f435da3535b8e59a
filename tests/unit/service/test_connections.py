"""Connections: requests that don't arrive in time are ended, and who only waits makes room for who asks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from uvicorn.server import ServerState

from service.connections import Allowance, Connections, bounded

HEAD = b"POST /%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
GET = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOON = 20.0
"""seconds in which all that is awaited has come, on any machine"""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was sent; /stream says ten things slowly, /long says nothing for ever."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    else:
        return
    if scope["path"] == "/long":
        await receive()
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"transfer-encoding", b"chunked")]})
    for _ in range(10 if scope["path"] == "/stream" else 0):
        await send({"type": "http.response.body", "body": b"still there", "more_body": True})
        await asyncio.sleep(0.02)
    await send({"type": "http.response.body", "body": b"got " + body})


class Client:
    """One plain connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), SOON)

    async def rest(self) -> bytes:
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), SOON)
        return b"reset"


Connect = Callable[[], Awaitable[Client]]


@contextlib.asynccontextmanager
async def served(book: Connections) -> AsyncIterator[Connect]:
    """A server with these connections in this very loop."""
    configuration = uvicorn.Config(app, log_config=None, access_log=False, http=bounded(book))
    configuration.load()
    state = ServerState()
    make = configuration.http_protocol_class

    def protocol() -> asyncio.Protocol:
        return make(config=configuration, server_state=state, app_state={})  # type: ignore[call-arg]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients: list[Client] = []

    async def connect() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
        return clients[-1]

    try:
        yield connect
    finally:
        for client in clients:
            client.writer.close()
        server.close()
        while state.tasks:
            await asyncio.sleep(0.01)


def allowance(**changes: float) -> Allowance:
    values = {"most": 100, "most_per_client": 100, "head_seconds": 60.0, "body_seconds": 60.0, "body_rate": 1_000.0}
    return Allowance(**(values | changes))  # type: ignore[arg-type]


def told(answer: bytes) -> dict[str, object]:
    """The problem document of a raw answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    document: dict[str, object] = json.loads(body)
    assert head.split()[1] == str(document["status"]).encode()
    phrase = {408: b"Request Timeout", 503: b"Service Unavailable"}[int(str(document["status"]))]
    assert head.partition(b"\r\n")[0].endswith(phrase)
    assert f"x-request-id: {document['request_id']}".encode() in head.lower()
    assert str(document["instance"]).startswith("/")
    return document


def run(book: Connections, story: Callable[[Connect], Awaitable[None]]) -> None:
    async def main() -> None:
        async with served(book) as connect:
            await story(connect)

    asyncio.run(main())
    assert book.count == 0
    assert not book.open


def test_who_says_nothing_is_left() -> None:
    async def story(connect: Connect) -> None:
        assert await (await connect()).rest() == b""

    run(Connections(allowance(head_seconds=0.05)), story)


def test_half_a_head_is_told_that_it_took_too_long() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        client.send(b"GET / HTTP/1.1\r\nHost: loc")
        problem = told(await client.rest())
        assert (problem["status"], problem["type"]) == (408, "/problems/request-timeout")
        assert "within 0.05 s" in str(problem["detail"])

    run(Connections(allowance(head_seconds=0.05)), story)


def test_a_body_that_comes_too_slowly_is_ended() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        client.send(HEAD % b"some" + b"123")
        with capture_logs() as lines:
            problem = told(await client.rest())
        assert (problem["status"], problem["instance"]) == (408, "/some")
        (line,) = [line for line in lines if line["event"] == "connection_ended"]
        assert (line["status"], line["path"], line["request_id"]) == (408, "/some", problem["request_id"])
        assert "or come at 1000 bytes a second" in str(problem["detail"])

    run(Connections(allowance(body_seconds=0.05)), story)


def test_a_body_that_comes_steadily_may_take_its_time() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        client.send(HEAD % b"")
        for byte in b"0123456789":
            await asyncio.sleep(0.03)
            client.send(bytes([byte]))
        assert b"got 0123456789" in await client.until(b"0\r\n\r\n")

    run(Connections(allowance(body_seconds=0.05, body_rate=0.1)), story)


def test_a_kept_connection_has_the_same_time_for_its_next_head() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        for _ in range(3):
            client.send(GET % b"")
            assert b"200 OK" in await client.until(b"0\r\n\r\n")
        client.send(b"GET")
        assert told(await client.rest())["status"] == 408

    run(Connections(allowance(head_seconds=0.2)), story)


def test_pipelined_requests_are_answered_in_turn() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        client.send(HEAD % b"" + b"first one." + HEAD % b"" + b"then this." + GET % b"")
        for body in (b"first one.", b"then this.", b""):
            assert b"got " + body in await client.until(b"0\r\n\r\n")

    run(Connections(allowance()), story)


def test_an_answer_may_take_longer_than_any_request() -> None:
    async def story(connect: Connect) -> None:
        client = await connect()
        client.send(GET % b"stream")
        assert (await client.until(b"0\r\n\r\n")).count(b"still there") == 10

    run(Connections(allowance(head_seconds=0.05, body_seconds=0.05)), story)


@pytest.mark.parametrize("caps", [{"most": 5}, {"most_per_client": 5}])
def test_who_waits_longest_makes_room_for_who_comes(caps: dict[str, float]) -> None:
    async def story(connect: Connect) -> None:
        held = [await connect() for _ in range(5)]
        for client in held[1:]:
            client.send(b"GET / HT" if client is held[1] else HEAD % b"" + b"1")
        for _ in range(20):
            asking = await connect()
            asking.send(GET % b"")
            assert b"200 OK" in await asking.until(b"0\r\n\r\n")
        assert await held[0].rest() in (b"", b"reset")
        assert book.count <= 5

    book = Connections(allowance(**caps))
    run(book, story)


def test_where_all_are_being_answered_one_more_is_told_to_come_again() -> None:
    async def story(connect: Connect) -> None:
        held = [await connect() for _ in range(3)]
        for client in held:
            client.send(GET % b"long")
        while sum(len(each) for each in book.open.values()) < 3 or book._waiting:
            await asyncio.sleep(0.01)
        answer = await (await connect()).rest()
        assert told(answer)["type"] == "/problems/busy"
        assert b"Retry-After: 1" in answer

    book = Connections(allowance(most=3))
    run(book, story)


@pytest.mark.parametrize(
    ("descriptors", "most", "each"), [(1_024, 768, 672), (1_048_576, 8_192, 4_096), (300, 44, 39), (100, 1, 1)]
)
def test_no_more_connections_are_allowed_than_there_are_descriptors(descriptors: int, most: int, each: int) -> None:
    found = Allowance(8_192, 4_096).within(descriptors, 256)
    assert (found.most, found.most_per_client) == (most, each)
