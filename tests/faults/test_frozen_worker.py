"""A Celery worker that is frozen, and wakes up when its work was done elsewhere."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.deployment import Deployment
from tests.faults.disturbance import ENOUGH_SECONDS, SPEC, attempts, ends_undisturbed, holder, under_way
from tests.processes import FAST, kill
from tests.waiting import until

PROMISED_SECONDS = float(FAST["MEMSPAN_LEASE_SECONDS"]) + 15
OPEN = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE state = 'idle in transaction' AND datname = %s AND now() - state_change > interval '0.02 s'
"""


def test_what_a_frozen_worker_writes_when_it_wakes_up_is_refused(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(SPEC)
    under_way(client, name)
    zombie = holder(client, name)["pid"]
    kill(zombie, signal.SIGSTOP)
    try:
        ends_undisturbed(client, name)
    finally:
        kill(zombie, signal.SIGCONT)
    until(lambda: '"fate": "LOST"' in deployment.worker.said(), 60, "the frozen worker to notice that it is too late")
    ends_undisturbed(client, name)
    assert attempts(client, name) == {2}


@pytest.mark.long
def test_a_worker_that_is_frozen_while_it_writes_holds_nobody_up(staffed_deployment: Deployment) -> None:
    """It has locked rows that others wait for: PostgreSQL ends its unit of work, and with it the locks."""
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(SPEC)
    under_way(client, name)
    zombie = holder(client, name)["pid"]
    frozen = until(lambda: stopped_within_a_unit_of_work(deployment, zombie), ENOUGH_SECONDS, "it to write")
    try:
        until(lambda: attempts(client, name) == {2}, PROMISED_SECONDS, f"its work to move, {frozen} or not")
        ends_undisturbed(client, name)
    finally:
        kill(zombie, signal.SIGCONT)
    deployment.staffed(2)
    ends_undisturbed(client, name)
    assert attempts(client, name) == {2}


def stopped_within_a_unit_of_work(deployment: Deployment, pid: int) -> Any:
    """Stop a worker; what it holds open in the database, or nothing, and then it runs on for a moment."""
    kill(pid, signal.SIGSTOP)
    with deployment.postgres.connect() as connection:
        database = deployment.database_url.rpartition("/")[2]
        seen = set(connection.execute(OPEN, [database]).fetchall())
        if seen:
            time.sleep(0.3)  # whoever isn't frozen goes on meanwhile
            seen &= set(connection.execute(OPEN, [database]).fetchall())
    if not seen:
        kill(pid, signal.SIGCONT)
    return seen
