"""A host whose clock is an hour wrong: leases are measured by the database's clock alone."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.process import started
from tests.deployment import Deployment, deployed
from tests.faults.disturbance import attempts, ends_undisturbed, lasting, under_way
from tests.processes import MemspanProcess, descendants, kill
from tests.servers import PostgresServer, RedisServer, running

HOUR = 3_600
LEASE_SECONDS = "6"
"""so that on a busy machine too no lease is lost but by a wrong clock"""
SPEC = lasting(25)
NOW = [sys.executable, "-c", "import threading, time; threading.Event().wait(0.01); print(time.time())"]
"""tells the time behind a wait, which some releases of the library break"""


def shifted(seconds: int) -> dict[str, str]:
    """Variables that make a process and its children see another time of day, while their seconds last as long."""
    return {
        "LD_PRELOAD": library(),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
    }


def library() -> str:
    """The program library that shifts clocks: of the test requirements, else of this machine."""
    spec = importlib.util.find_spec("libfaketime")
    packaged = Path(spec.origin).parent / "vendor/libfaketime/src" if spec and spec.origin else Path("/nowhere")
    places = [packaged, *Path("/usr/lib").glob("*/faketime"), Path("/usr/lib/faketime"), Path("/usr/lib64/faketime")]
    for place in places:
        if (place / "libfaketime.so.1").exists() and _works(str(place / "libfaketime.so.1")):
            return str(place / "libfaketime.so.1")
    pytest.skip("no clock can be set wrong: there is no libfaketime that works here (of the package faketime)")


def _works(path: str) -> bool:
    environment = {**os.environ, "LD_PRELOAD": path, "FAKETIME": "+7200s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    shown = subprocess.run(NOW, env=environment, capture_output=True, text=True, check=False)
    return not shown.stderr and float(shown.stdout) > float(subprocess.check_output(NOW)) + HOUR


@pytest.fixture(params=[HOUR, -HOUR], ids=["an hour ahead", "an hour behind"])
def confused(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer
) -> Iterator[tuple[Deployment, MemspanProcess]]:
    """A deployment with a worker process whose clock is right and one whose clock is wrong."""
    wrong = shifted(request.param)
    redis = RedisServer()
    with (
        running(redis),
        deployed(tmp_path, postgres, redis, concurrency=1, MEMSPAN_LEASE_SECONDS=LEASE_SECONDS) as deployment,
    ):
        variables = {
            "MEMSPAN_DATABASE_URL": deployment.database_url,
            "MEMSPAN_REDIS_URL": redis.url,
            "MEMSPAN_LEASE_SECONDS": LEASE_SECONDS,
        }
        other = MemspanProcess(tmp_path / "wrong", "worker", "--concurrency", "1", **variables, **wrong)
        with started(other):
            deployment.staffed(2)
            yield deployment, other


@pytest.mark.long
def test_a_clock_that_is_an_hour_wrong_changes_nothing(confused: tuple[Deployment, MemspanProcess]) -> None:
    """Leases by that clock would end at once, and a run is lost three times at most; or they would not end at all."""
    deployment, wrong = confused
    client = deployment.client
    for name in [client.submit(SPEC) for _ in range(2)]:
        ends_undisturbed(client, name, SPEC)
        for run in client.runs(name):
            assert run["started_at"] <= run["finished_at"]
    deployment.worker.send(signal.SIGTERM)
    deployment.worker.wait(90)
    name = client.submit(SPEC)
    under_way(client, name)
    family = [wrong.pid, *descendants(wrong.pid)]
    for pid in family:
        kill(pid)
    wrong.wait()
    deployment.worker.start()
    ends_undisturbed(client, name, SPEC)
    assert min(attempts(client, name)) >= 2
