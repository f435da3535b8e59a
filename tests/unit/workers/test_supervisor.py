"""The supervisor of local workers, with real children."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.local_workers import LocalWorkers
from service.operations.context import Context
from service.operations.health import known_workers
from service.queue.bell import NoBell
from service.settings import Settings
from service.storage.database import Database
from service.supervisor import Supervisor
from tests.databases import migrate
from tests.processes import gone, kill
from tests.waiting import until

MORE_THAN_A_PIPE_HOLDS = 70_000


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """A context that the children find in their environment."""
    url = f"sqlite:///{tmp_path / 'memspan.db'}"
    migrate(url)
    for name, value in {"HOME": str(tmp_path), "DATABASE_URL": url, "LEASE_SECONDS": "2"}.items():
        monkeypatch.setenv(f"MEMSPAN_{name}", value)
    database = Database(url)
    yield Context(Settings(), database, NoBell())
    database.close()


def pid_of_worker(context: Context, other_than: int = 0) -> int:
    """The process of the one worker, once there is one."""
    return int(
        until(lambda: next((row.pid for row in known_workers(context) if row.pid != other_than), 0), 60, "a worker")
    )


def test_a_dead_worker_is_replaced_and_a_stopped_one_keeps_nobody_waiting(context: Context) -> None:
    workers = LocalWorkers(1)
    with Supervisor(workers, context):
        first = pid_of_worker(context)
        kill(first)
        second = pid_of_worker(context, other_than=first)
        until(lambda: len(known_workers(context)) == 1, 30, "the dead one to be forgotten")
        kill(second, signal.SIGSTOP)
        ringing = threading.Thread(target=ring, args=(workers,), daemon=True)
        ringing.start()
        ringing.join(60)
        waiting = ringing.is_alive()
        kill(second, signal.SIGCONT)
        assert not waiting, "a worker that does not listen must not stop who rings"
    assert gone(first)
    assert gone(second)
    assert known_workers(context) == [], "a worker that was told to leave signs off"


def ring(workers: LocalWorkers) -> None:
    for _ in range(MORE_THAN_A_PIPE_HOLDS):
        workers.wake()
