"""Health: whether this process can do its work."""

from typing import Any

from service.operations import room
from service.operations.context import Context
from service.storage import depths, workers
from service.storage.database import stored_revision
from service.storage.database_errors import DatabaseError
from service.storage.depths import QueueDepth
from service.storage.workers import WorkerRecord

BROKER = {
    True: "up",
    False: "away: work is found by looking, which takes longer",
    None: "none: workers look for work by themselves",
}


WORKER_STATES = ("idle", "busy")


def readiness(context: Context, needed_revision: str | None) -> tuple[bool, dict[str, Any]]:
    """Whether requests can be served, and how each part is.

    A broker that is away only delays, and a disk with too little room is still read from: degraded, and ready.
    """
    database = _database(context, needed_revision)
    works, short = context.bell.works(), room.shortage(context)
    ready = database == "up"
    degraded = works is False or short is not None
    status = ("degraded" if degraded else "ok") if ready else "unavailable"
    disk = "enough room" if short is None else f"{short} Nothing new is taken on."
    return ready, {"status": status, "components": {"database": database, "broker": BROKER[works], "disk": disk}}


def _database(context: Context, needed: str | None) -> str:
    try:
        with context.database.reading() as connection:
            found = stored_revision(connection)
    except DatabaseError:
        return "away"
    if found != needed:
        return f"its schema is at {found or 'nothing'} and {needed} is needed: run memspan migrate"
    return "up"


def known_workers(context: Context) -> list[WorkerRecord]:
    """The workers that are known, with the seconds since each one's last beat."""
    with context.database.reading() as connection:
        return workers.known(connection)


def state(worker: WorkerRecord) -> str:
    """Whether a worker holds rows now."""
    return "idle" if worker.held is None else "busy"


def queue(context: Context) -> list[QueueDepth]:
    """For each queue what waits and what is leased."""
    with context.database.reading() as connection:
        return depths.of_queues(connection)
