"""Comparisons over experiments: all their models on the same tasks, and every difference of their specs."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from memspan.experiment.comparing import MOST, comparisons
from memspan.experiment.contestant import Contestant
from memspan.experiment.differences import differences
from memspan.experiment.digest import digests
from memspan.experiment.results import contestants, reported
from memspan.interfaces.json_numbers import jsonable
from service.errors import FieldError, Unprocessable
from service.operations import ids
from service.operations.context import Context
from service.operations.courses import StoredCourses
from service.operations.evidence import rows_by_condition
from service.operations.experiments import found
from service.operations.specs import grid_of, spec_of
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord

FIELD = "#/experiments"


def compared(context: Context, keys: Sequence[int]) -> dict[str, Any]:
    """Every two models of some experiments on one task.

    Raises:
        NotFound: there is no such experiment.
        Unprocessable: more models of a task than are compared.
    """
    with context.database.reading() as connection:
        rows = [found(connection, key) for key in keys]
        own = list[Contestant]()
        for row in rows:
            own += _contestants(connection, row, len(own))
    _require_few(own)
    compared, rankings = comparisons(own)
    specs = {ids.public(ids.EXPERIMENT, row.key): row.spec for row in rows}
    answer: dict[str, Any] = jsonable(
        {
            "experiments": [
                {"id": ids.public(ids.EXPERIMENT, row.key), "name": row.name, "state": row.state} for row in rows
            ],
            "differences": differences(specs),
            "comparisons": compared,
            "rankings": rankings,
        }
    )
    return answer


def _contestants(connection: Connection, row: ExperimentRecord, first: int) -> list[Contestant]:
    """The models of an experiment that have finished runs."""
    spec, grid = spec_of(row), grid_of(row)
    rows = rows_by_condition(connection, row.key, len(grid), spec.repeats)
    known = digests(spec, grid, reported(grid, rows, {}), StoredCourses(connection, row).of)
    name = ids.public(ids.EXPERIMENT, row.key)
    return contestants(spec, [(grid[position], digest) for position, digest in sorted(known.items())], name, first)


def _require_few(own: Sequence[Contestant]) -> None:
    task, count = max(Counter(each.task for each in own).items(), key=lambda item: item[1], default=(None, 0))
    if task is not None and count > MOST:
        message = f"These experiments have {count} models on the task {task.kind}; at most {MOST} are compared at once."
        raise Unprocessable(message, errors=[FieldError(FIELD, "too_many", message)])
