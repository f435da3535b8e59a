"""A host that is cut off from everybody: packets are lost, and no connection ever ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.process import started
from tests.deployment import Deployment, deployed
from tests.faults.disturbance import ENOUGH_SECONDS, attempts, ends_undisturbed, holder, lasting, under_way
from tests.faults.host import OURS, Host, ProcessOnHost, joined, obstacle
from tests.processes import FAST
from tests.servers import PostgresServer, RedisServer, running
from tests.waiting import until

LEASE_SECONDS = float(FAST["MEMSPAN_LEASE_SECONDS"])
PROMISED_SECONDS = LEASE_SECONDS + 15
SPEC = lasting(40)


@dataclass(frozen=True)
class Divided:
    """A deployment with one worker process here and one on another host."""

    here: Deployment
    there: ProcessOnHost
    host: Host


@pytest.fixture
def divided(tmp_path: Path) -> Iterator[Divided]:
    reason = obstacle()
    if reason:
        pytest.skip(f"no host can be cut off: {reason}")
    with contextlib.ExitStack() as stack:
        host = stack.enter_context(joined())
        postgres, redis = PostgresServer(OURS), RedisServer(OURS)
        stack.enter_context(running(postgres))
        stack.enter_context(running(redis))
        here = stack.enter_context(deployed(tmp_path, postgres, redis, concurrency=1))
        variables = {"MEMSPAN_DATABASE_URL": here.database_url, "MEMSPAN_REDIS_URL": redis.url}
        there = ProcessOnHost(tmp_path / "there", "worker", "--concurrency", "1", **variables)
        there.host = host
        stack.enter_context(started(there))
        here.staffed(2)
        yield Divided(here, there, host)


@pytest.mark.long
def test_the_work_of_a_host_that_is_cut_off_moves_and_the_host_comes_back(divided: Divided) -> None:
    client = divided.here.client
    name = submitted_there(divided)
    lost = holder(client, name)["name"]
    divided.host.cut()
    moved = until(lambda: held_by_another(divided, name, lost), PROMISED_SECONDS, "its work to move")
    assert moved["name"] != lost
    ends_undisturbed(client, name, SPEC)
    assert attempts(client, name) == {2}
    divided.host.mend()
    until(lambda: lost in idle(divided), ENOUGH_SECONDS, "the host to come back by itself")
    ends_undisturbed(client, name, SPEC)
    assert attempts(client, name) == {2}
    ends_undisturbed(client, submitted_there(divided), SPEC)


def submitted_there(divided: Divided) -> str:
    """An experiment that trains on the other host: while it is claimed, the worker here is told to stop."""
    client, worker = divided.here.client, divided.here.worker
    worker.send(15)
    worker.wait()
    name = client.submit(SPEC)
    under_way(client, name)
    worker.start()
    until(lambda: len(client.workers()) == 2, ENOUGH_SECONDS, "the worker here to be back")
    return name


def held_by_another(divided: Divided, name: str, lost: str) -> Any:
    client = divided.here.client
    return next((each for each in client.workers() if each["state"] == "busy" and each["name"] != lost), None)


def idle(divided: Divided) -> set[str]:
    return {
        each["name"]
        for each in divided.here.client.workers()
        if each["state"] == "idle" and each["beat_age_seconds"] < LEASE_SECONDS
    }
