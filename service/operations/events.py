"""Reading what happened to an experiment."""

from dataclasses import dataclass
from typing import Any

from service.operations.context import Context
from service.operations.experiments import found
from service.operations.times import rfc3339
from service.storage import events, experiments
from service.storage.states import ACTIVE


@dataclass(frozen=True)
class Happening:
    """One event, numbered within its experiment."""

    sequence: int
    at: str
    type: str
    body: dict[str, Any]


def check(context: Context, key: int) -> None:
    """NotFound when there is no such experiment."""
    with context.database.reading() as connection:
        found(connection, key)


def after(context: Context, key: int, sequence: int, limit: int) -> list[Happening]:
    """The next events behind ``sequence``."""
    with context.database.reading() as connection:
        rows = events.after(connection, key, sequence, limit)
    return [Happening(row.sequence, rfc3339(row.at) or "", row.type, row.body) for row in rows]


def over(context: Context, key: int) -> bool:
    """Whether nothing more will happen: the experiment has ended, or is gone."""
    with context.database.reading() as connection:
        row = experiments.get(connection, key)
    return row is None or row.state not in ACTIVE


def newest(context: Context, key: int) -> int:
    """The number of the newest event; 0 where there is none."""
    with context.database.reading() as connection:
        row = experiments.get(connection, key)
    return int(row.event_sequence) if row else 0
