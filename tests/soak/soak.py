"""A soak: a deployment, faults and requests by chance, and what must hold behind them."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from examples.process import started
from tests.deployment import Deployment, deployed
from tests.faults.host import OURS, Host, ProcessOnHost, joined, obstacle
from tests.processes import MemspanProcess
from tests.servers import PostgresServer, RedisServer, free_port, running
from tests.soak.demands import Demands
from tests.soak.mishaps import Mishaps
from tests.soak.people import ADMIN, introduced
from tests.soak.verdict import judged

WORKERS = 3
MISHAPS_SHARE = 0.3
"""of what happens"""
MOST_PAUSE_SECONDS = 1.0
"""between two of them"""


def soaked(minutes: float, seed: int) -> None:
    """Disturb a deployment for some minutes.

    Raises:
        AssertionError: something did not end by itself, or is wrong; the seed is printed first.
    """
    print(f"soak of {minutes:g} minutes with SOAK_SEED={seed}", flush=True)
    rng = random.Random(seed)  # noqa: S311 - it chooses what happens, and must be repeatable
    with (
        tempfile.TemporaryDirectory(prefix="memspan-soak-") as home,
        _staffed(Path(home)) as (made, workers, host),
    ):
        people = introduced(made)
        deployment = replace(made, client=people[ADMIN])
        demands = Demands(people, rng)
        mishaps = Mishaps(deployment, workers, rng, host)
        _disturbed(demands, mishaps, rng, time.monotonic() + 60 * minutes)
        judged(deployment, demands, mishaps)


@contextlib.contextmanager
def _staffed(home: Path) -> Iterator[tuple[Deployment, list[MemspanProcess], Host | None]]:
    """A deployment with some workers of one process each; its API keeps its address when it is started again.

    The last worker has a host of its own, which can be cut off, where such hosts can be made.
    """
    with contextlib.ExitStack() as stack:
        host = None if obstacle() else stack.enter_context(joined())
        address = OURS if host else None
        postgres, redis = PostgresServer(address), RedisServer(address)
        stack.enter_context(running(postgres))
        stack.enter_context(running(redis))
        deployment = stack.enter_context(deployed(home, postgres, redis, 1, port=free_port()))
        variables = {"MEMSPAN_DATABASE_URL": deployment.database_url, "MEMSPAN_REDIS_URL": redis.url}
        more = [
            _worker(home / f"worker {number}", host if number == WORKERS else None, variables)
            for number in range(2, WORKERS + 1)
        ]
        for each in more:
            stack.enter_context(started(each))
        deployment.staffed(WORKERS)
        yield deployment, [deployment.worker, *more], host


def _worker(home: Path, host: Host | None, variables: Mapping[str, str]) -> MemspanProcess:
    command = ("worker", "--concurrency", "1")
    if host is None:
        return MemspanProcess(home, *command, **variables)
    there = ProcessOnHost(home, *command, **variables)
    there.host = host
    return there


def _disturbed(demands: Demands, mishaps: Mishaps, rng: random.Random, deadline: float) -> None:
    """One thing after the other, at least one experiment among them."""
    demands.post()
    begun = time.monotonic()
    while time.monotonic() < deadline:
        source = mishaps if rng.random() < MISHAPS_SHARE else demands
        said = source.next()
        print(f"{time.monotonic() - begun:7.1f} s  {said}", flush=True)
        time.sleep(rng.uniform(0, MOST_PAUSE_SECONDS))
    mishaps.healed()
