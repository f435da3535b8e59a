"""A soak: a deployment, faults and requests by chance, and what must hold behind them."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from examples.process import started
from tests.deployment import Deployment, deployed
from tests.processes import MemspanProcess
from tests.servers import PostgresServer, RedisServer, free_port, running
from tests.soak.demands import Demands
from tests.soak.mishaps import Mishaps
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
    with tempfile.TemporaryDirectory(prefix="memspan-soak-") as home, _staffed(Path(home)) as (deployment, workers):
        demands = Demands(deployment.client, rng)
        mishaps = Mishaps(deployment, workers, rng)
        _disturbed(demands, mishaps, rng, time.monotonic() + 60 * minutes)
        judged(deployment, demands, mishaps)


@contextlib.contextmanager
def _staffed(home: Path) -> Iterator[tuple[Deployment, list[MemspanProcess]]]:
    """A deployment with some workers of one process each; its API keeps its address when it is started again."""
    postgres, redis = PostgresServer(), RedisServer()
    with running(postgres), running(redis), deployed(home, postgres, redis, 1, port=free_port()) as deployment:
        variables = {"MEMSPAN_DATABASE_URL": deployment.database_url, "MEMSPAN_REDIS_URL": redis.url}
        command = ("worker", "--concurrency", "1")
        with contextlib.ExitStack() as stack:
            more = [
                MemspanProcess(home / f"worker {number}", *command, **variables) for number in range(2, WORKERS + 1)
            ]
            for each in more:
                stack.enter_context(started(each))
            deployment.staffed(WORKERS)
            yield deployment, [deployment.worker, *more]


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
