"""PostgreSQL dies without a word, or loses one of its processes."""

from __future__ import annotations

import contextlib

import psycopg
import pytest

from tests.deployment import Deployment
from tests.faults.disturbance import attempts, ends_undisturbed, lasting, under_way
from tests.processes import kill
from tests.waiting import until

SPEC = lasting(30)
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


@pytest.mark.long
def test_postgresql_may_be_killed_three_times_while_an_experiment_runs(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(SPEC)
    done = 0.0
    for _ in range(3):
        done = under_way(client, name, beyond=done)
        deployment.postgres.kill()
        deployment.postgres.start()
        until(lambda: client.request("GET", "/health/ready").status_code == 200, 60, "the API to be back")
    ends_undisturbed(client, name, SPEC)
    deployment.staffed(2)
    ends_undisturbed(client, client.submit(lasting(1)), lasting(1))


@pytest.mark.long
def test_postgresql_may_lose_the_processes_that_serve_us(staffed_deployment: Deployment) -> None:
    """It then throws everybody out and recovers by itself."""
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(SPEC)
    done = 0.0
    for _ in range(3):
        done = under_way(client, name, beyond=done)
        with contextlib.suppress(psycopg.OperationalError), deployment.postgres.connect() as connection:
            for (pid,) in connection.execute(BACKENDS).fetchall():
                kill(pid)
        until(deployment.postgres.ready, 60, "PostgreSQL to have recovered")
        until(lambda: client.request("GET", "/health/ready").status_code == 200, 60, "the API to be back")
    ends_undisturbed(client, name, SPEC)
    assert attempts(client, name) <= {1, 2}
