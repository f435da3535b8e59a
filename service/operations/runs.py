"""What a user may see of runs."""

from itertools import groupby

from memspan.engine.condition import Condition
from service.errors import NotFound
from service.operations import ids
from service.operations.context import Context
from service.operations.experiments import found
from service.operations.specs import condition_of, grid_of
from service.storage import checkpoints, metrics, runs
from service.storage.checkpoints import CheckpointOfRun
from service.storage.metrics import MetricRecord
from service.storage.runs import RunRecord, WholeRunRecord
from service.storage.states import RunState


def listing(
    context: Context, key: int, after: int | None, limit: int, state: RunState | None
) -> tuple[list[RunRecord], tuple[Condition, ...]]:
    """Runs of an experiment with the grid that their conditions are positions of."""
    with context.database.reading() as connection:
        row = found(connection, key)
        return runs.page(connection, key, after, limit, state), grid_of(row)


def look(context: Context, key: int) -> tuple[WholeRunRecord, Condition, list[CheckpointOfRun]]:
    """A run, its condition and its checkpoints, or NotFound."""
    with context.database.reading() as connection:
        row = runs.get(connection, key)
        if row is None:
            raise NotFound(f"There is no run {ids.public(ids.RUN, key)}.")
        condition = condition_of(row)
        return row, condition, checkpoints.of_run(connection, key)


def metrics_of(context: Context, key: int, most: int | None) -> list[MetricRecord]:
    """A run's metrics by split, name and epoch; at most ``most`` of each series."""
    with context.database.reading() as connection:
        if runs.get(connection, key) is None:
            raise NotFound(f"There is no run {ids.public(ids.RUN, key)}.")
        rows = metrics.of_run(connection, key)
    series = groupby(rows, key=lambda row: (row.split, row.name))
    return [row for _, values in series for row in thinned(list(values), most)]


def thinned(values: list[MetricRecord], most: int | None) -> list[MetricRecord]:
    """The first, the last and evenly spaced others, at most ``most`` in all."""
    if most is None or len(values) <= most:
        return values
    step = (len(values) - 1) / (most - 1)
    return [values[round(position * step)] for position in range(most)]
