"""Body turns: large bodies are let in as long as all together have few enough bytes, small ones always."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from service.errors import Busy
from service.middleware import body_turns
from service.middleware.body_turns import SMALL_BYTES, BodyTurns

LARGE = 10 * SMALL_BYTES


class Application:
    """Reads its body, waits to be let go, answers."""

    def __init__(self) -> None:
        self.inside = self.most = self.served = 0
        self.refused: list[Busy] = []
        self.open = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            while (await receive()).get("more_body", False):
                pass
        except Busy as problem:
            self.refused.append(problem)
            self.inside -= 1
            raise
        await self.open.wait()
        self.inside -= 1
        self.served += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})


def scope_of(size: int | None) -> dict[str, Any]:
    header = (b"transfer-encoding", b"chunked") if size is None else (b"content-length", str(size).encode())
    return {"type": "http", "method": "POST", "path": "/", "headers": [header], "state": {}}


async def body() -> Message:
    return {"type": "http.request", "body": b"x", "more_body": False}


async def silence() -> Message:
    await anyio.sleep_forever()
    raise AssertionError


async def ask(turns: BodyTurns, size: int | None, statuses: list[int], receive: Receive = body) -> None:
    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await turns(scope_of(size), receive, send)


def story(told: Callable[[Application, BodyTurns], Awaitable[None]], waiting: int = 100) -> None:
    async def main() -> None:
        app = Application()
        turns = BodyTurns(app, most_bytes=3 * LARGE, largest=LARGE, waiting=waiting)
        await told(app, turns)
        assert turns.used_bytes == 0

    anyio.run(main)


@pytest.mark.parametrize("size", [LARGE, None, 100 * LARGE])
def test_no_more_large_bodies_are_read_at_once_than_fit(size: int | None) -> None:
    async def told(app: Application, turns: BodyTurns) -> None:
        statuses: list[int] = []
        async with anyio.create_task_group() as group:
            for each in [size] * 20:
                group.start_soon(ask, turns, each, statuses)
            await anyio.wait_all_tasks_blocked()
            assert app.inside == 3
            group.start_soon(ask, turns, SMALL_BYTES, statuses)
            await anyio.wait_all_tasks_blocked()
            assert app.inside == 4
            app.open.set()
        assert (statuses, app.most, app.served) == ([200] * 21, 4, 21)

    story(told)


def test_where_too_many_wait_one_more_is_told_to_come_again() -> None:
    async def told(app: Application, turns: BodyTurns) -> None:
        statuses: list[int] = []
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(ask, turns, LARGE, statuses)
            await anyio.wait_all_tasks_blocked()
            assert statuses == [503]
            app.open.set()
        assert sorted(statuses) == [200] * 5 + [503]

    story(told, waiting=2)


def test_who_waits_for_ever_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(app: Application, turns: BodyTurns) -> None:
        statuses: list[int] = []
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask, turns, LARGE, statuses)
            while not statuses:
                await anyio.sleep(0.01)
            assert statuses == [503]
            app.open.set()
        assert not turns.contended

    monkeypatch.setattr(body_turns, "PATIENT_SECONDS", 0.05)
    story(told)


def test_who_sends_nothing_keeps_a_turn_only_while_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told(app: Application, turns: BodyTurns) -> None:
        statuses: list[int] = []
        app.open.set()

        async def stall() -> None:
            with pytest.raises(Busy, match="too slowly while others waited"):
                await ask(turns, LARGE, statuses, silence)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(stall)
            await anyio.sleep(0.2)
            assert app.inside == 3, "nobody waits yet"
            monkeypatch.setattr(body_turns, "PATIENT_SECONDS", 60.0)
            for _ in range(4):
                group.start_soon(ask, turns, LARGE, statuses)
            while len(statuses) < 4:
                await anyio.sleep(0.01)
            while len(app.refused) < 3:
                group.start_soon(ask, turns, 3 * LARGE, statuses)
                await anyio.sleep(0.05)
        assert set(statuses) == {200}

    monkeypatch.setattr(body_turns, "PATIENT_SECONDS", 0.05)
    monkeypatch.setattr(body_turns, "LOOK_SECONDS", 0.01)
    story(told)
