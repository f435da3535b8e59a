"""A Celery worker that is frozen, and wakes up when its work was done elsewhere."""

from __future__ import annotations

import signal
import time
from typing import Any

import psycopg
import pytest

from tests.deployment import Deployment
from tests.faults.disturbance import ENOUGH_SECONDS, attempts, ends_undisturbed, holder, lasting, noticed, under_way
from tests.processes import FAST, kill
from tests.waiting import until

PROMISED_SECONDS = float(FAST["MEMSPAN_LEASE_SECONDS"]) + 15
FROZEN = lasting(40)
OPEN = """
SELECT DISTINCT pid, xact_start FROM pg_stat_activity JOIN pg_locks USING (pid) JOIN pg_class ON pg_class.oid = relation
WHERE state = 'idle in transaction' AND mode = 'RowExclusiveLock' AND relname = 'metrics'
"""
"""who has written metrics and not yet said that it is done"""


def test_what_a_frozen_worker_writes_when_it_wakes_up_is_refused(staffed_deployment: Deployment) -> None:
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(FROZEN)
    under_way(client, name)
    zombie = holder(client, name)["pid"]
    said = deployment.worker.said()
    kill(zombie, signal.SIGSTOP)
    try:
        ends_undisturbed(client, name, FROZEN)
    finally:
        kill(zombie, signal.SIGCONT)
    until(lambda: noticed(deployment.worker, said), 120, "the frozen worker to notice")
    ends_undisturbed(client, name, FROZEN)
    assert attempts(client, name) == {2}


@pytest.mark.long
def test_a_worker_that_is_frozen_while_it_writes_holds_nobody_up(staffed_deployment: Deployment) -> None:
    """It has locked rows that others wait for: PostgreSQL ends its unit of work, and with it the locks."""
    deployment, client = staffed_deployment, staffed_deployment.client
    name = client.submit(FROZEN)
    under_way(client, name)
    zombie = holder(client, name)["pid"]
    until(lambda: stopped_within_a_unit_of_work(deployment, zombie), ENOUGH_SECONDS, "it to write")
    try:
        until(lambda: attempts(client, name) == {2}, PROMISED_SECONDS, "its work to move")
        ends_undisturbed(client, name, FROZEN)
    finally:
        kill(zombie, signal.SIGCONT)
    deployment.staffed(2)
    ends_undisturbed(client, name, FROZEN)
    assert attempts(client, name) == {2}


def stopped_within_a_unit_of_work(deployment: Deployment, pid: int) -> Any:
    """Stop a worker; what it holds open in the database, or nothing, and then it runs on for a moment."""
    kill(pid, signal.SIGSTOP)
    with psycopg.connect(deployment.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        seen = set(connection.execute(OPEN).fetchall())
        if seen:
            time.sleep(0.3)  # whoever isn't frozen goes on meanwhile
            seen &= set(connection.execute(OPEN).fetchall())
    if not seen:
        kill(pid, signal.SIGCONT)
    return seen
