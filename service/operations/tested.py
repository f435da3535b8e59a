"""Which conditions of an experiment have runs that its results are about."""

from service.operations.specs import grid_of
from service.storage import experiments
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord


def tested_of(connection: Connection, row: ExperimentRecord) -> set[int]:
    """Their positions in the grid; not those whose runs serve to choose a setting."""
    grid = grid_of(row)
    return {position for position in experiments.tested(connection, row.key) if grid[position].is_reported}
