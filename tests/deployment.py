"""A deployment: PostgreSQL, Redis, ``memspan api`` and ``memspan worker``, all real."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from examples.process import started
from tests.processes import Client, MemspanProcess
from tests.servers import PostgresServer, RedisServer
from tests.waiting import until

SILENT_SECONDS = 1.5
"""more than two beats of the short lease"""
DATABASE = itertools.count()


@dataclass(frozen=True)
class Deployment:
    """All its processes; ``client`` talks to the API."""

    postgres: PostgresServer
    redis: RedisServer
    api: MemspanProcess
    worker: MemspanProcess
    client: Client
    database_url: str

    @property
    def broker(self) -> Redis:
        return Redis(port=self.redis.port)

    def staffed(self, count: int, seconds: float = 90) -> None:
        """Wait until so many worker processes are there and none of them works."""
        until(
            lambda: len([worker for worker in self.client.workers() if _is_idle(worker)]) == count,
            seconds,
            f"{count} idle workers",
        )


def _is_idle(worker: Any) -> bool:
    """Whether a worker waits; one that was killed with its parent stays in the list for a while."""
    return bool(worker["state"] == "idle" and worker["beat_age_seconds"] < SILENT_SECONDS)


@contextlib.contextmanager
def deployed(
    home: Path, postgres: PostgresServer, redis: RedisServer, concurrency: int = 2, port: int = 0, **variables: str
) -> Iterator[Deployment]:
    """A deployment over running servers, on a database of its own."""
    name = f"deployment{next(DATABASE)}"
    variables = {"MEMSPAN_DATABASE_URL": postgres.create(name), "MEMSPAN_REDIS_URL": redis.url, **variables}
    api = MemspanProcess(home / "api", "api", "--port", str(port), **variables)
    worker = MemspanProcess(home / "worker", "worker", "--concurrency", str(concurrency), **variables)
    with started(api), started(worker):
        made = Deployment(postgres, redis, api, worker, Client(api.address()), variables["MEMSPAN_DATABASE_URL"])
        made.staffed(concurrency)
        yield made
