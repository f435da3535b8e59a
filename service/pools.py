"""Pools: how many requests compute at once, by what they compute, and how many wait for that.

A request that computes for a second takes a thread of its own pool, not one that short ones need; those that find its
pool full are told so at once instead of waiting for ever. Threads of one process share one interpreter lock: what is
computed in Python gains nothing from many.
"""

import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from service.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")

CORES = os.cpu_count() or 1
WAITING = 128
"""requests that may wait for each pool, unless a setting says otherwise"""


class Pool:
    """Some threads for one kind of work, and a bounded queue before them.

    Args:
        work: what is done, as a sentence goes on: "to be checked".
        threads: how many do it at once.
        waiting: how many may wait for that.
    """

    def __init__(self, work: str, threads: int, waiting: int) -> None:
        self.work, self.threads, self.waiting = work, threads, waiting
        self.inside = 0
        """requests that compute or wait"""
        self._lock = threading.Lock()
        self._limiter = CapacityLimiter(threads)

    async def run(self, action: Callable[[], T]) -> T:
        """What the action returns, made in one of the threads.

        Raises:
            Busy: as many as may wait do.
        """
        self._enter()
        try:
            return await run_sync(action, limiter=self._limiter)
        finally:
            with self._lock:
                self.inside -= 1

    async def stream(self, pieces: Iterator[T]) -> AsyncGenerator[T, None]:
        """The pieces of something long, each made in one of the threads: between two of them others have their turn.

        It is one request inside from its first piece to its last.

        Raises:
            Busy: as many as may wait do, at the first piece.
        """
        self._enter()
        try:
            done = object()
            while (piece := await run_sync(next, pieces, done, limiter=self._limiter)) is not done:
                yield cast(T, piece)
        finally:
            with self._lock:
                self.inside -= 1

    @property
    def most(self) -> int:
        """Requests that may be inside."""
        return self.threads + self.waiting

    def _enter(self) -> None:
        with self._lock:
            if self.inside >= self.most:
                raise Busy(
                    f"{self.inside} requests wait {self.work} already, and no more may (MEMSPAN_MAX_WAITING). "
                    "Ask again soon."
                )
            self.inside += 1


@dataclass(frozen=True)
class Pools:
    """The pools of a process. Small ones, since each thread that computes delays all others."""

    waiting: int = WAITING
    checks: Pool = field(init=False)
    plans: Pool = field(init=False)
    submissions: Pool = field(init=False)
    results: Pool = field(init=False)
    figures: Pool = field(init=False)
    files: Pool = field(init=False)
    predictions: Pool = field(init=False)
    uploads: Pool = field(init=False)
    imports: Pool = field(init=False)
    health: Pool = field(init=False)

    def __post_init__(self) -> None:
        made = {
            "checks": ("to be checked", max(1, CORES // 4)),
            "plans": ("for a plan", 1),
            "submissions": ("to be stored", 4),
            "results": ("for results", max(2, CORES // 4)),
            "figures": ("for figures", max(2, CORES // 4)),
            "files": ("for figures as files", 1),
            "predictions": ("for predictions", 1),
            "uploads": ("for their files to be read", 2),
            "imports": ("to be imported", 1),
            "health": ("to learn how the service is", 2),
        }
        for name, (work, threads) in made.items():
            object.__setattr__(self, name, Pool(work, threads, self.waiting))

    def by_name(self) -> dict[str, Pool]:
        """All of them."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Pool)}
