"""A worker's container that is killed and started again: what it held goes on at once, not when its lease ends."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.deployment import Deployment, deployed
from tests.faults.disturbance import ENOUGH_SECONDS, attempts, ends_undisturbed, lasting, under_way
from tests.processes import descendants, gone, kill
from tests.servers import PostgresServer, RedisServer, running
from tests.waiting import until

LEASE_SECONDS = 600
"""ten times as long as by default, so that on the slowest machine too nothing moves because a lease has ended"""
STUDY = lasting(40)
"""some 11 s"""
HELD = """
SELECT count(*), coalesce(min(lease_until) - extract(epoch FROM clock_timestamp()), 0) FROM stacks
WHERE state = 'running'
"""


@pytest.fixture
def patient(tmp_path: Path, postgres: PostgresServer) -> Iterator[Deployment]:
    """A deployment whose one worker process has long leases."""
    redis = RedisServer()
    with (
        running(redis),
        deployed(tmp_path, postgres, redis, concurrency=1, MEMSPAN_LEASE_SECONDS=str(LEASE_SECONDS)) as deployment,
    ):
        yield deployment


@pytest.mark.long
def test_what_a_killed_container_held_is_taken_back_when_it_starts_again(
    patient: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    client, worker = patient.client, patient.worker
    undisturbed = seconds_of(patient)
    begun = time.monotonic()
    name = client.submit(STUDY)
    under_way(client, name)
    for pid in (family := [worker.pid, *descendants(worker.pid)]):
        kill(pid, signal.SIGKILL)  # as a container ends: all its processes at once
    worker.wait()
    until(lambda: all(gone(pid) for pid in family), 20, "its processes to be gone")
    stacks, left = held(patient)
    assert stacks == 1
    worker.start()
    until(lambda: attempts(client, name) == {2}, ENOUGH_SECONDS, "its work to go on")
    assert time.monotonic() - begun < left, "the lease had ended meanwhile"
    assert worker.said().count("worker_inherited") == 1
    ends_undisturbed(client, name, STUDY)
    disturbed = time.monotonic() - begun
    with capsys.disabled():
        print(f"\n{undisturbed:.1f} s undisturbed, {disturbed - undisturbed:.1f} s more killed and started")
    assert attempts(client, name) == {2}


def seconds_of(deployment: Deployment) -> float:
    """How long the study takes when nothing happens to it."""
    begun = time.monotonic()
    name = deployment.client.submit(STUDY)
    assert deployment.client.ended(name, ENOUGH_SECONDS)["state"] == "succeeded"
    return time.monotonic() - begun


def held(deployment: Deployment) -> tuple[int, float]:
    """How many stacks are held, and for how many seconds more at least."""
    with psycopg.connect(deployment.database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(HELD).fetchone()
    assert found is not None
    return int(found[0]), float(found[1])
