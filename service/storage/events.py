"""Events: an append-only list for each experiment, numbered without gaps by its row."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from service.storage.clock import now
from service.storage.records import every, reading
from service.storage.tables import events, experiments


@dataclass(frozen=True)
class EventRecord:
    """An event; ``at`` in seconds since 1970 UTC."""

    sequence: int
    at: float
    type: str
    body: dict[str, Any]


WHOLE = reading(EventRecord, events)


def append(connection: Connection, experiment: int, *messages: tuple[str, dict[str, Any]]) -> None:
    """Add (type, body) messages. Locks the experiment's row, so numbers appear in the order of commits."""
    if not messages:
        return
    counter = experiments.c.event_sequence
    last = connection.execute(
        update(experiments)
        .where(experiments.c.key == experiment)
        .values(event_sequence=counter + len(messages))
        .returning(counter)
    ).scalar_one()
    first = last - len(messages) + 1
    connection.execute(
        insert(events),
        [
            {"experiment_key": experiment, "sequence": first + offset, "at": time, "type": kind, "body": body}
            for time in [connection.execute(select(now())).scalar_one()]
            for offset, (kind, body) in enumerate(messages)
        ],
    )


def after(connection: Connection, experiment: int, sequence: int, limit: int) -> list[EventRecord]:
    """The next events behind ``sequence``, oldest first."""
    statement = WHOLE.where(events.c.experiment_key == experiment, events.c.sequence > sequence)
    return every(connection, EventRecord, statement.order_by(events.c.sequence).limit(limit))


def of_type(connection: Connection, experiment: int, kind: str) -> list[EventRecord]:
    """The events of one type, oldest first."""
    statement = WHOLE.where(events.c.experiment_key == experiment, events.c.type == kind)
    return every(connection, EventRecord, statement.order_by(events.c.sequence))


def forget_progress(connection: Connection, experiment: int, before: int) -> None:
    """Drop the passing progress events of a finished experiment, up to ``before``."""
    connection.execute(
        delete(events).where(
            events.c.experiment_key == experiment, events.c.type == "progress", events.c.sequence < before
        )
    )
