"""Uploads: who brings a byte now and then gives his place to others, and nobody else loses it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message

from service.middleware import upload
from service.middleware.upload import AT_ONCE, Uploads

SCOPE = {"type": "http", "method": "POST", "path": "/datasets", "headers": [], "query_string": b""}


def uploads(folder: Path) -> Uploads:
    return Uploads(PlainTextResponse("read"), folder, {"/datasets": (1_000, "MEMSPAN_MAX_DATASET_BYTES")})


async def status(app: Uploads, more: asyncio.Event | None = None) -> int:
    """The answer to three bytes, of which the second comes only when there is ``more``."""
    parts, answers = [b"a", b"b", b"c"], []

    async def receive() -> Message:
        if len(parts) == 2 and more is not None:
            await more.wait()
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        answers.append(message)

    await app({**SCOPE, "state": {}}, receive, send)
    return int(answers[0]["status"])


async def slow_ones(app: Uploads, others: int) -> tuple[list[int], list[int], int]:
    """Answers to as many slow uploads as there are places, to others meanwhile, and to one afterwards."""
    more = asyncio.Event()
    slow = [asyncio.create_task(status(app, more)) for _ in range(AT_ONCE)]
    while app._inside < AT_ONCE:
        await asyncio.sleep(0)
    meanwhile = [await status(app) for _ in range(others)]
    more.set()
    return await asyncio.gather(*slow), meanwhile, await status(app)


def test_a_slow_upload_loses_its_place_where_somebody_found_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PATIENT_SECONDS", 0.0)
    assert asyncio.run(slow_ones(uploads(tmp_path), 1)) == ([503] * AT_ONCE, [503], 200)


def test_a_slow_upload_that_is_in_nobodys_way_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PATIENT_SECONDS", 0.0)
    assert asyncio.run(slow_ones(uploads(tmp_path), 0)) == ([200] * AT_ONCE, [], 200)


def test_an_upload_that_began_a_moment_ago_is_read(tmp_path: Path) -> None:
    assert asyncio.run(slow_ones(uploads(tmp_path), 1)) == ([200] * AT_ONCE, [503], 200)


def test_a_client_that_goes_away_is_no_failure_of_the_service(tmp_path: Path) -> None:
    parts = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
    answers: list[Message] = []

    async def receive() -> Message:
        return parts.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    asyncio.run(uploads(tmp_path)({**SCOPE, "state": {}}, receive, send))
    assert answers[0]["status"] == 400
    assert list(tmp_path.iterdir()) == []
