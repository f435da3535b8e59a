"""Rate limits: counted by key, told in every answer, and by Redis for all processes where there is one."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest
from pydantic import ValidationError

from service.errors import TooManyRequests
from service.middleware.rate_limits import FAILURES, RateLimits, headers
from service.settings import Settings
from tests.servers import RedisServer, free_port


def limits(rate: str = "5/minute", submissions: str = "2/minute", **settings: Any) -> RateLimits:
    return RateLimits(Settings(rate_limit=rate, submission_rate_limit=submissions, **settings))


async def refused(limited: RateLimits, name: str, submits: bool = False) -> TooManyRequests | None:
    try:
        await limited.take(name, submits)
    except TooManyRequests as problem:
        return problem
    return None


def test_a_key_is_told_how_many_requests_remain() -> None:
    async def ask() -> list[dict[str, str]]:
        limited = limits()
        return [dict(headers(await limited.take("lab", submits))) for submits in (False, False, True)]

    first, second, third = asyncio.run(ask())
    assert first["RateLimit-Policy"] == '"requests";q=5;w=60'
    assert re.fullmatch(r'"requests";r=4;t=([1-9]|[1-5]\d|60)', first["RateLimit"])
    assert '"requests";r=3;' in second["RateLimit"]
    assert third["RateLimit-Policy"] == '"requests";q=5;w=60, "submissions";q=2;w=60'
    assert '"submissions";r=1;' in third["RateLimit"]


def test_what_is_too_much_says_when_to_ask_again_and_is_nobody_elses() -> None:
    async def ask() -> tuple[TooManyRequests | None, ...]:
        limited = limits()
        for _ in range(5):
            assert await refused(limited, "lab") is None
        return await refused(limited, "lab"), await refused(limited, "other")

    problem, other = asyncio.run(ask())
    assert other is None
    assert problem is not None
    assert "more than 5 requests of the key 'lab' within 60 s" in problem.detail
    assert 1 <= int(problem.headers["Retry-After"]) <= 60
    assert '"requests";r=0;' in problem.headers["RateLimit"]


def test_submissions_have_a_limit_of_their_own() -> None:
    async def ask() -> list[bool]:
        limited = limits()
        return [await refused(limited, "lab", submits) is None for submits in (True, True, True, False)]

    assert asyncio.run(ask()) == [True, True, False, True]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [("10.0.0.1", "10.0.0.2", False), ("2001:db8::1", "2001:db8::2", True), ("2001:db8::1", "2001:db8:0:1::1", False)],
)
def test_failures_are_counted_by_address_of_ipv6_by_network(first: str, second: str, same: bool) -> None:
    async def fails() -> bool:
        limited = limits()
        for _ in range(int(FAILURES.partition("/")[0])):
            await limited.fail(first)
        with pytest.raises(TooManyRequests, match="without a key that works"):
            await limited.fail(first)
        try:
            await limited.fail(second)
        except TooManyRequests:
            return True
        return False

    assert asyncio.run(fails()) is same


def test_two_processes_count_together_in_redis(redis: RedisServer) -> None:
    async def ask() -> list[bool]:
        both = [limits(redis_url=redis.url), limits(redis_url=redis.url)]
        found = [await refused(both[turn % 2], "shared") is None for turn in range(6)]
        for each in both:
            await each.close()
        return found

    assert asyncio.run(ask()) == [True] * 5 + [False]


def test_where_redis_is_away_each_process_counts_by_itself() -> None:
    async def ask() -> list[bool]:
        limited = limits(redis_url=f"redis://127.0.0.1:{free_port()}/0")
        began = time.monotonic()
        found = [await refused(limited, "lab") is None for _ in range(6)]
        assert time.monotonic() - began < 30, "it is not asked again for each request"
        await limited.close()
        return found

    assert asyncio.run(ask()) == [True] * 5 + [False]


@pytest.mark.parametrize("rate", ["", "many", "0/minute", "5", "5/fortnight", "-1/second"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValidationError):
        Settings(rate_limit=rate)
