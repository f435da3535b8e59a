"""How far an experiment is: by tallies of its rows, never by messages."""

from collections.abc import Sequence
from typing import Any

from memspan.training import most_epochs
from service.operations.specs import spec_of
from service.storage import clock, tallies
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.states import RunState
from service.storage.tallies import Counted

TIME_IS_UP = "The experiment used up its limits.max_seconds."
"""what is said of runs that were not done in time"""


def counts_of(connection: Connection, row: ExperimentRecord) -> dict[str, Any]:
    """Runs by state, and progress in epochs, of one experiment."""
    return counts_of_many(connection, [row])[row.key]


def counts_of_many(connection: Connection, rows: Sequence[ExperimentRecord]) -> dict[int, dict[str, Any]]:
    """The same for many: those that are finished have it stored, of the others it is kept by increments."""
    open_keys = [row.key for row in rows if row.counts is None]
    kept = tallies.of_experiments(connection, open_keys) if open_keys else {}
    return {row.key: row.counts if row.counts is not None else _counts(row, kept[row.key]) for row in rows}


def _counts(row: ExperimentRecord, counted: Counted) -> dict[str, Any]:
    epochs = round(counted.epochs, 2)
    return {
        "runs": {"total": row.runs, **{state.value: getattr(counted, state) for state in RunState}},
        "progress": {
            "completed": int(epochs) if epochs == int(epochs) else epochs,
            "total": row.runs * most_epochs(row.spec["training"]["epochs"]),
            "unit": "epochs",
        },
    }


def over_time(connection: Connection, row: ExperimentRecord) -> bool:
    """Whether an experiment has run for longer than its budget."""
    budget = spec_of(row).limits.max_seconds
    if budget is None or row.started_at is None:
        return False
    return clock.read(connection) > row.started_at + budget


def progress_body(counts: dict[str, Any], state: str, eta_seconds: float | None) -> dict[str, Any]:
    """The body of a progress event."""
    return {**counts, "state": state, "eta_seconds": eta_seconds}
