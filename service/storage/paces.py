"""SQL over paces: how long work takes on each machine, beside what the model of cost says."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

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
    work: str
    modelled: float
    measured: float


@dataclass(frozen=True)
class HandsRecord:
    """Workers of one machine and one kind that were heard of lately."""

    host: str
    device: str
    count: int


def note(connection: Connection, host: str, spent: Mapping[Work, tuple[float, float]]) -> None:
    """Add modelled and measured seconds to what is known of a machine; older ones fade."""
    for work, (modelled, measured) in spent.items():
        kept = 0.5 ** (modelled / REMEMBERED_SECONDS)
        statement = upsert(connection, paces).values(host=host, work=work, modelled=modelled, measured=measured)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[paces.c.host, paces.c.work],
                set_={
                    "modelled": paces.c.modelled * kept + modelled,
                    "measured": paces.c.measured * kept + measured,
                },
            )
        )


def known(connection: Connection) -> list[PaceRecord]:
    """What is known of all machines."""
    return every(connection, PaceRecord, reading(PaceRecord, paces))


def hands(connection: Connection, silent_seconds: float) -> list[HandsRecord]:
    """Workers that have beaten within so many seconds, counted by machine; one that serves no GPU queue has none."""
    served = select(workers.c.host, workers.c.device, workers.c.queues).where(
        workers.c.beat_at > now() - silent_seconds
    )
    found: dict[tuple[str, str], int] = {}
    for host, device, queues in connection.execute(served):
        place = (host, device if Queue.GPU in queues else "cpu")
        found[place] = found.get(place, 0) + 1
    return [HandsRecord(host, device, count) for (host, device), count in found.items()]
