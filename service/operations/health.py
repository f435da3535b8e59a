"""Health: whether this process can do its work."""

from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

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


def readiness(context: Context, needed_revision: str | None) -> tuple[bool, dict[str, Any]]:
    """Whether requests can be served, and how each part is. A broker that is away only delays: degraded, ready."""
    database = _database(context, needed_revision)
    works = context.bell.works()
    ready = database == "up"
    status = ("degraded" if works is False else "ok") if ready else "unavailable"
    return ready, {"status": status, "components": {"database": database, "broker": BROKER[works]}}


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


def exposition(context: Context) -> bytes:
    """What waits and who works, in Prometheus' text format."""
    registry = CollectorRegistry()
    waiting = Gauge("memspan_queue_waiting", "Rows that wait for a worker.", ["queue"], registry=registry)
    leased = Gauge("memspan_queue_leased", "Rows that a worker holds.", ["queue"], registry=registry)
    oldest = Gauge("memspan_queue_oldest_wait_seconds", "Age of the oldest waiting row.", ["queue"], registry=registry)
    for row in queue(context):
        waiting.labels(row.queue).set(row.waiting)
        leased.labels(row.queue).set(row.leased)
        oldest.labels(row.queue).set(row.oldest_wait_seconds or 0)
    working = Gauge("memspan_workers", "Workers that have beaten lately.", ["state", "device"], registry=registry)
    for worker in known_workers(context):
        working.labels(state(worker), worker.device).inc()
    return generate_latest(registry)
