"""An experiment's counter of events is the number of its last event."""

from collections.abc import Iterator

from sqlalchemy import Connection, Select, func, select, update

from service.storage.checks import AT_ONCE
from service.storage.experiments import THERE
from service.storage.tables import events, experiments

ADVICE = "memspan doctor --mend sets the counter to the last event."


def find(connection: Connection) -> Iterator[str]:
    """Experiments whose counter stands elsewhere."""
    for key, counter, last in connection.execute(_wrong()):
        yield f"exp-{key} counts {counter} events, and its last one has the number {last or 0}."


def mend(connection: Connection) -> int:
    """Set some counters; an event that is being written waits for it."""
    keys = [row.key for row in connection.execute(_wrong().limit(AT_ONCE))]
    for key in keys:
        connection.execute(select(experiments.c.key).where(experiments.c.key == key).with_for_update())
        last = select(func.coalesce(func.max(events.c.sequence), 0)).where(events.c.experiment_key == key)
        connection.execute(
            update(experiments).where(experiments.c.key == key).values(event_sequence=last.scalar_subquery())
        )
    return len(keys)


def _wrong() -> Select[int, int, int]:
    last = select(func.max(events.c.sequence)).where(events.c.experiment_key == experiments.c.key).scalar_subquery()
    counted = select(experiments.c.key, experiments.c.event_sequence, last)
    return counted.where(THERE, experiments.c.event_sequence != func.coalesce(last, 0)).order_by(experiments.c.key)
