"""SQL over paces: how long work takes on each machine, beside what the model of cost says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from memspan.experiment.fleet import Work
from service.queue_names import Queue
from service.storage.clock import now
from service.storage.records import every, reading
from service.storage.tables import paces, workers
from service.storage.upserts import upsert

REMEMBERED_SECONDS = 600.0
"""of work that a pace is made of: what came before counts half when as much has been done again"""


@dataclass(frozen=True)
class PaceRecord:
    """What one machine took for a kind of work.

    Attributes:
        modelled: seconds by the model of cost.
        measured: seconds that passed.
    """

    host: str
    work: Work
    modelled: float
    measured: float


@dataclass(frozen=True)
class StaffRecord:
    """Workers of one machine that were heard of lately.

    Attributes:
        cpu: how many train on their processors.
        gpu: how many train on a GPU.
        workers: how many there are; all answer probes.
    """

    host: str
    cpu: int
    gpu: int
    workers: int


def note(connection: Connection, host: str, spent: Mapping[Work, tuple[float, float]]) -> None:
    """Add modelled and measured seconds to what is known of a machine; older ones fade."""
    for work, (modelled, measured) in sorted(spent.items()):  # in one order, lest two workers wait for each other
        kept = 0.5 ** (modelled / REMEMBERED_SECONDS)
        row = {"host": host, "work": work, "modelled": modelled, "measured": measured}
        statement = upsert(connection, paces).values(noted_at=now(), **row)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[paces.c.host, paces.c.work],
                set_={
                    "modelled": paces.c.modelled * kept + modelled,
                    "measured": paces.c.measured * kept + measured,
                    "noted_at": now(),
                },
            )
        )


def known(connection: Connection, hosts: Sequence[str]) -> list[PaceRecord]:
    """What is known of some machines."""
    return every(connection, PaceRecord, reading(PaceRecord, paces).where(paces.c.host.in_(hosts)))


def forget(connection: Connection, seconds: float) -> None:
    """Drop what was noted so long ago: a container has another host name each time it starts."""
    connection.execute(delete(paces).where(paces.c.noted_at < now() - seconds))


def staff(connection: Connection, silent_seconds: float) -> list[StaffRecord]:
    """The workers that have beaten within so many seconds, by machine."""
    statement = select(workers.c.host, workers.c.device, workers.c.queues)
    found: dict[str, list[tuple[bool, bool]]] = {}
    for host, device, queues in connection.execute(statement.where(workers.c.beat_at > now() - silent_seconds)):
        found.setdefault(host, []).append((Queue.CPU in queues, Queue.GPU in queues and device != "cpu"))
    return [
        StaffRecord(host, sum(cpu for cpu, _ in each), sum(gpu for _, gpu in each), len(each))
        for host, each in found.items()
    ]
