"""Data of tasks: the data sets that specs name, found for whoever plans, trains or asks."""

import re
from collections.abc import Iterator

from memspan.datasets.shelf import found, supplied_by
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.experiment.flaw import Flaw
from memspan.experiment.own_data import Look, looked_at, looked_into
from memspan.experiment.spec import ExperimentSpec
from memspan.interfaces.task import TaskSpec
from memspan.tables.table import Sequences, Table
from memspan.tasks.series import Series
from service.errors import FieldError, Unprocessable
from service.operations import ids
from service.operations.context import Context
from service.storage import checkpoints, datasets
from service.storage.database import Connection


def supply(context: Context) -> None:
    """Let tasks of this process have the data sets that are stored, kept in its home."""

    def pieces(sha256: str) -> Iterator[bytes] | None:
        with context.database.reading() as connection:
            return _pieces(context, sha256) if datasets.is_stored(connection, sha256) else None

    supplied_by(pieces, context.settings.home)


def _pieces(context: Context, sha256: str) -> Iterator[bytes]:
    """Each read by itself: a slow disk must not keep a transaction open."""
    number = 0
    while True:
        with context.database.reading() as connection:
            piece = checkpoints.piece(connection, sha256, number)
        if piece is None:
            return
        yield piece
        number += 1


def looking(context: Context) -> Look:
    """Finds data sets by what specs call them."""

    def look(name: str) -> tuple[str, Table | Sequences]:
        key = _key(name)
        with context.database.reading() as connection:
            row = None if key is None else datasets.get(connection, key)
        if row is None:
            raise DatasetUnavailable(f"There is no data set {name[:60]!r}: send its file to /datasets first.")
        return row.sha256, found(row.sha256)

    return look


def _key(name: str) -> int | None:
    given = re.fullmatch(rf"{ids.DATASET}-([1-9][0-9]{{0,17}})", name)
    return int(given[1]) if given else None


def with_data(context: Context, spec: ExperimentSpec) -> tuple[ExperimentSpec, list[Flaw]]:
    """The spec with what its data sets tell, and what is wrong with that."""
    return looked_into(spec, looking(context))


def settled(context: Context, spec: ExperimentSpec) -> ExperimentSpec:
    """The same for a spec that was checked; Unprocessable where its data sets changed meanwhile."""
    found_spec, flaws = with_data(context, spec)
    if flaws:
        pointers = ["#/" + "/".join(map(str, flaw.path)) for flaw in flaws]
        errors = [
            FieldError(pointer, flaw.code, flaw.message, flaw.given)
            for pointer, flaw in zip(pointers, flaws, strict=True)
        ]
        raise Unprocessable(errors[0].message, errors=errors)
    return found_spec


def sampled(context: Context, task: TaskSpec, length: int) -> TaskSpec | Flaw:
    """A task of which examples are asked, with what its data set tells."""
    return looked_at(task, length, looking(context))


def names_of(spec: ExperimentSpec) -> tuple[str, ...]:
    """The data sets that a spec uses."""
    return tuple(dict.fromkeys(task.dataset for task in spec.tasks if isinstance(task, Series)))


def require(connection: Connection, spec: ExperimentSpec) -> None:
    """Keep the data sets of a spec from being deleted until the unit of work ends.

    Raises:
        Unprocessable: one was deleted just now.
    """
    for name in sorted(names_of(spec)):
        key = _key(name)
        if key is None or datasets.lock(connection, key) is None:
            message = f"The data set {name} was deleted."
            raise Unprocessable(message, errors=[FieldError("#/tasks", "data_unavailable", message, name)])
