"""Ranges: the part of a file that a header asks for."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
from fastapi.responses import StreamingResponse
from starlette.requests import Request
from starlette.responses import Response

from service.operations.checkpoints import Weights
from service.routes.ranges import RangeNotSatisfiable, ranged

DATA = b"0123456789"


def asked(value: str, **headers: str) -> tuple[int, bytes]:
    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in {"range": value, **headers}.items()]
    weights = Weights(None, sha256(DATA).hexdigest(), len(DATA), DATA)  # type: ignore[arg-type]
    answer = ranged(Request({"type": "http", "headers": raw}), weights, '"tag"', {})
    body = asyncio.run(gathered(answer))
    assert answer.headers["content-length"] == str(len(body))
    return answer.status_code, body


async def gathered(answer: Response) -> bytes:
    """The body of an answer that is sent in parts."""
    assert isinstance(answer, StreamingResponse)
    return b"".join([bytes(part) async for part in answer.body_iterator])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "part"),
    [("bytes=0-0", b"0"), ("bytes=3-5", b"345"), ("bytes=9-", b"9"), ("bytes=-1", b"9"), ("bytes=-99", DATA),
     ("bytes=0-99", DATA), ("bytes= 1 - 2", b"12"), ("bytes=000000000000000000000000000001-2", b"12")],
)  # fmt: skip
def test_a_range_is_cut_out(value: str, part: bytes) -> None:
    assert asked(value) == (206, part)


@pytest.mark.parametrize("value", ["", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "items=1-2", "bytes=１-２"])
def test_what_is_no_single_range_is_ignored(value: str) -> None:
    assert asked(value) == (200, DATA)


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=5-4", "bytes=-0", "bytes=" + "9" * 10_000 + "-"])
def test_a_range_outside_is_a_problem_with_the_size(value: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        asked(value)
    assert caught.value.headers["Content-Range"] == "bytes */10"
    assert len(caught.value.detail) < 200


def test_a_range_of_an_older_file_is_the_whole() -> None:
    assert asked("bytes=1-2", if_range='"tag"') == (206, b"12")
    assert asked("bytes=1-2", if_range='"older"') == (200, DATA)
