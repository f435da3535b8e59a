"""Pools: bounded threads, a bounded queue, and a sentence for those who find it full."""

from __future__ import annotations

import threading

import anyio
import pytest

from service.errors import Busy
from service.pools import Pool, Pools


class Gate:
    """Work that lasts until it is let go, and knows how many did it at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        if not self.open.wait(30):
            raise TimeoutError
        with self._lock:
            self.inside -= 1
        return "done"


def test_no_more_threads_compute_than_a_pool_has() -> None:
    gate, pool, answers = Gate(), Pool("to be tried", threads=2, waiting=10), []

    async def ask() -> None:
        answers.append(await pool.run(gate))

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(9):
                group.start_soon(ask)
            while gate.inside < 2:
                await anyio.sleep(0.001)
            assert pool.inside == 9
            gate.open.set()

    anyio.run(all_of_them)
    assert answers == ["done"] * 9
    assert gate.most == 2
    assert pool.inside == 0


def test_a_full_pool_says_how_many_wait_and_when_to_come_again() -> None:
    gate, pool = Gate(), Pool("to be tried", threads=1, waiting=2)

    async def fill() -> Busy:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(pool.run, gate)
            while pool.inside < 3:
                await anyio.sleep(0.001)
            with pytest.raises(Busy) as refused:
                await pool.run(gate)
            gate.open.set()
        return refused.value

    problem = anyio.run(fill)
    assert (problem.status, problem.code, problem.headers) == (503, "busy", {"Retry-After": "1"})
    assert problem.detail.startswith("3 requests wait to be tried already, and no more may (MEMSPAN_MAX_WAITING).")


def test_what_fails_or_goes_away_leaves_room() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def run() -> int:
        pool = Pool("to be tried", threads=1, waiting=1)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await pool.run(fail)
        with anyio.move_on_after(0):
            await pool.run(fail)
        return pool.inside

    assert anyio.run(run) == 0


def test_each_kind_of_work_has_a_pool_of_its_own() -> None:
    pools = Pools(waiting=7)
    every = pools.by_name().values()
    assert len({id(pool) for pool in every}) == len(every) == 10
    assert all(pool.waiting == 7 and pool.threads >= 1 and pool.most == 7 + pool.threads for pool in every)


def test_a_stream_takes_a_thread_for_each_piece_and_is_one_request_inside() -> None:
    pool = Pool("to be tried", threads=1, waiting=0)

    async def read() -> list[int]:
        pieces, found = pool.stream(iter([1, 2, 3])), list[int]()
        async for piece in pieces:
            assert pool.inside == 1
            with pytest.raises(Busy):
                await anext(pool.stream(iter([4])))
            found.append(piece)
        return found

    assert anyio.run(read) == [1, 2, 3]
    assert pool.inside == 0


def test_a_stream_that_nobody_reads_to_its_end_leaves_its_pool() -> None:
    pool = Pool("to be tried", threads=1, waiting=0)

    async def read() -> None:
        pieces = pool.stream(iter([1, 2, 3]))
        assert await anext(pieces) == 1
        await pieces.aclose()

    anyio.run(read)
    assert pool.inside == 0
