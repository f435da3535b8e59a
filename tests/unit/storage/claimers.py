"""Claimers: workers that claim all they can get, each over a database connection of its own."""

from __future__ import annotations

from service.storage import leases
from service.storage.database import Database
from service.storage.leases import Holder


def claim_all(url: str, worker: str) -> list[int]:
    """Claim until nothing waits; the keys of the runs."""
    database, claimed = Database(url), []
    number = 0
    while _something_waits(database):
        number += 1
        with database.writing() as connection:
            keys = [stack.key for stack in leases.next_stacks(connection, ["cpu"])]
            rows = leases.claim_stacks(connection, Holder(f"{worker}-{number}", worker, 60), keys)
            claimed += [row.key for row in rows]
    database.close()
    return claimed


def _something_waits(database: Database) -> bool:
    with database.reading() as connection:
        return "cpu" in leases.waiting_queues(connection)
