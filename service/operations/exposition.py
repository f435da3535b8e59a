"""The exposition: what Prometheus is told, of this process, of all workers, of what waits and of disks.

What is read from the database is read at most every two seconds, however many ask.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from service.counts import SLICE_BOUNDS, Amounts, Counted
from service.operations import health, room
from service.operations.context import Context
from service.storage import counters, depths, workers
from service.storage.database import stored_bytes
from service.storage.database_errors import DatabaseError
from service.storage.depths import QueueDepth
from service.storage.states import ENDED_RUN, Reason
from service.storage.workers import WorkerRecord

MEDIA = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Stored:
    """What the database knows."""

    queues: Sequence[QueueDepth]
    workers: Sequence[WorkerRecord]
    totals: Amounts
    bytes: int


class _Told(Collector):
    """Families that are known already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(context: Context) -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Told(list(_families(context))))
    return generate_latest(context.meters.registry) + generate_latest(registry)


def _families(context: Context) -> Iterator[Metric]:
    yield from _disks(context)
    broker = context.lately("broker", context.bell.works)
    if broker is not None:
        yield GaugeMetricFamily("memspan_broker_up", "Whether the broker answers.", value=broker)
    try:
        stored: Stored = context.lately("stored", lambda: _read(context))
    except DatabaseError:
        yield GaugeMetricFamily("memspan_database_up", "Whether the database answers.", value=0)
        return
    yield GaugeMetricFamily("memspan_database_up", "Whether the database answers.", value=1)
    yield GaugeMetricFamily("memspan_database_bytes", "Size of the database.", value=stored.bytes)
    yield from _queues(stored.queues)
    yield from _workers(stored.workers)
    yield from _counts(stored.totals)


def _read(context: Context) -> Stored:
    with context.database.reading() as connection:
        return Stored(
            depths.of_queues(connection),
            workers.known(connection),
            counters.totals(connection),
            stored_bytes(connection),
        )


def _disks(context: Context) -> Iterator[Metric]:
    """The file systems of the home and of an embedded database."""
    gauges = {
        "memspan_disk_free_bytes": "Bytes that may still be written where something lies.",
        "memspan_disk_size_bytes": "Size of the file system that something lies on.",
        "memspan_disk_minimum_free_bytes": "Free bytes below which nothing is taken on (MEMSPAN_MINIMUM_FREE).",
    }
    families = [GaugeMetricFamily(name, text, labels=["disk"]) for name, text in gauges.items()]
    for disk in room.disks(context):
        values = (disk.free_bytes, disk.total_bytes, room.minimum(context, disk))
        for family, value in zip(families, values, strict=True):
            family.add_metric([disk.name], value)
    yield from families


def _queues(rows: Sequence[QueueDepth]) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "memspan_queue_depth", "Runs (in the queue probe: probes) that wait for a worker.", labels=["queue"]
    )
    leased = GaugeMetricFamily(
        "memspan_queue_leased", "Runs (in the queue probe: probes) that a worker holds.", labels=["queue"]
    )
    oldest = GaugeMetricFamily("memspan_queue_oldest_wait_seconds", "Age of the oldest that waits.", labels=["queue"])
    for row in rows:
        depth.add_metric([row.queue], row.waiting)
        leased.add_metric([row.queue], row.leased)
        oldest.add_metric([row.queue], row.oldest_wait_seconds or 0)
    yield from (depth, leased, oldest)


def _workers(rows: Sequence[WorkerRecord]) -> Iterator[Metric]:
    counts: dict[tuple[str, str], int] = {(state, "cpu"): 0 for state in health.WORKER_STATES}
    memory: dict[str, int] = {}
    for row in rows:
        place = (health.state(row), row.device)
        counts[place] = counts.get(place, 0) + 1
        memory[row.host] = memory.get(row.host, 0) + (row.memory_bytes or 0)
    working = GaugeMetricFamily("memspan_workers", "Workers that have beaten lately.", labels=["state", "device"])
    for (state, device), count in counts.items():
        working.add_metric([state, device], count)
    yield working
    resident = GaugeMetricFamily(
        "memspan_workers_resident_memory_bytes", "Memory that the workers of a host have resident.", labels=["host"]
    )
    for host, value in memory.items():
        resident.add_metric([host], value)
    yield resident
    largest = max((row.memory_bytes or 0 for row in rows), default=0)
    yield GaugeMetricFamily("memspan_largest_worker_resident_memory_bytes", "Of the largest worker.", value=largest)
    limit = max((row.memory_limit or 0 for row in rows), default=0)
    text = "Memory that a worker may take, of the one that may take most (MEMSPAN_WORKER_MEMORY)."
    yield GaugeMetricFamily("memspan_worker_memory_limit_bytes", text, value=limit)
    oldest = max((row.age for row in rows), default=0.0)
    yield GaugeMetricFamily("memspan_oldest_beat_seconds", "Since the worker beat that has been silent longest.",
                            value=max(0.0, oldest))  # fmt: skip


COUNTERS: Mapping[Counted, tuple[str, str, str | None, Sequence[str]]] = {
    Counted.RUNS_ENDED: ("memspan_runs_ended", "Runs that ended, by state.", "state", ENDED_RUN),
    Counted.RUNS_FAILED: ("memspan_runs_failed", "Runs that failed, by reason.", "reason", tuple(Reason)),
    Counted.PROBES_ENDED: ("memspan_probes_ended", "Probes that ended, by state.", "state", ENDED_RUN),
    Counted.LEASES_LOST: ("memspan_lost_leases", "Rows whose worker was lost.", "rows", ("runs", "probes")),
    Counted.WORKERS_DIED: ("memspan_worker_deaths", "Workers that died under their parent.", None, ()),
    Counted.LOOPS: ("memspan_loops", "Loops of the fused engine that workers needed, by where they had them from.",
                    "source", ("compiled", "disk")),
}  # fmt: skip
"""for each count its name, what it is, the label and the values that are told from the start"""


def _counts(totals: Amounts) -> Iterator[Metric]:
    for counted, (name, text, label, values) in COUNTERS.items():
        family = CounterMetricFamily(name, text, labels=[label] if label else [])
        found = {value: amount for (each, value), amount in totals.items() if each is counted}
        for value in dict.fromkeys((*values, *found) if label else ("",)):
            family.add_metric([value] if label else [], found.get(value, 0.0))
        yield family
    yield _slices(totals)


def _slices(totals: Amounts) -> Metric:
    """Buckets of a histogram hold all that is below their bound."""
    below, buckets = 0.0, []
    for bound in SLICE_BOUNDS:
        below += totals.get((Counted.SLICES, str(bound)), 0.0)
        buckets.append(("+Inf" if bound == float("inf") else str(bound), below))
    seconds = totals.get((Counted.SLICE_SECONDS, ""), 0.0)
    text = "Seconds of training between two stores of where a worker stands."
    return HistogramMetricFamily("memspan_slice_seconds", text, buckets=buckets, sum_value=seconds)
