"""All workers are restarted one after the other, as an upgrade does, while work comes in."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.process import started
from tests.deployment import Deployment, deployed
from tests.faults.disturbance import SHORT, attempts, ends_undisturbed, lasting, under_way
from tests.processes import MemspanProcess
from tests.servers import PostgresServer, RedisServer, running

ROUNDS = 2
BRIEF = {**lasting(3), "lengths": [8, 16]}


@pytest.fixture
def staff(tmp_path: Path, postgres: PostgresServer) -> Iterator[tuple[Deployment, list[MemspanProcess]]]:
    """A deployment whose three workers have a process each."""
    redis = RedisServer()
    with running(redis), deployed(tmp_path, postgres, redis, concurrency=1) as deployment:
        variables = {"MEMSPAN_DATABASE_URL": deployment.database_url, "MEMSPAN_REDIS_URL": redis.url}
        more = [MemspanProcess(tmp_path / f"worker {n}", "worker", "--concurrency", "1", **variables) for n in (2, 3)]
        with started(more[0]), started(more[1]):
            deployment.staffed(3)
            yield deployment, [deployment.worker, *more]


@pytest.mark.long
def test_all_workers_may_be_restarted_in_turn_under_load(staff: tuple[Deployment, list[MemspanProcess]]) -> None:
    deployment, workers = staff
    client = deployment.client
    posted = [(client.submit(lasting(40)), lasting(40))]
    under_way(client, posted[0][0])
    for _ in range(ROUNDS):
        for worker in workers:
            for spec in (SHORT, BRIEF):
                posted.append((client.submit(spec), spec))
            worker.send(signal.SIGTERM)
            assert worker.wait(90) == 0
            worker.start()
    for name, spec in posted:
        ends_undisturbed(client, name, spec)
    assert max(attempts(client, posted[0][0])) >= 2
    deployment.staffed(3)
