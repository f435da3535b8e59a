"""Courses: what the runs of a stored experiment validated by epoch, as far as results need it."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from memspan.experiment.course import ALL, Course, bound_of, course, judged_by, looked_at
from memspan.experiment.learning import SPLIT, first_met
from service.operations.specs import grid_of, spec_of
from service.storage import metrics
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord

VALUES_AT_ONCE = 20_000
"""numbers that are read together: some 2 MB"""


class StoredCourses:
    """Reads the courses of an experiment's conditions, those of neighbours together, and holds no more than some.

    Usable while the connection is.
    """

    def __init__(self, connection: Connection, row: ExperimentRecord) -> None:
        self._connection, self._key = connection, row.key
        self._spec, self._grid = spec_of(row), grid_of(row)
        self._epochs = looked_at(self._spec.training.most_epochs)
        self._together = max(1, VALUES_AT_ONCE // (self._spec.repeats * len(self._epochs)))
        self._held, self._found = range(0), dict[int, Course]()

    def of(self, position: int) -> Course | None:
        """The course of a condition; None where no run of it has succeeded."""
        if position not in self._held:
            self._held = range(position, min(position + self._together, len(self._grid)))
            self._found = self._read(self._held)
        return self._found.get(position)

    def _read(self, positions: range) -> dict[int, Course]:
        measures = {position: judged_by(self._spec, self._grid[position]) for position in positions}
        names = sorted(set(measures.values()))
        read = metrics.after_epochs(self._connection, self._key, positions, SPLIT, names, self._epochs)
        found = {}
        for position, values in groupby(sorted(read, key=itemgetter(0)), itemgetter(0)):
            own = [(repeat, epoch, value) for _, repeat, name, epoch, value in values if name == measures[position]]
            found[position] = course(self._epochs, own, self._first_met(position, own))
        return found

    def _first_met(self, position: int, values: Sequence[tuple[int, int, float]]) -> dict[int, int]:
        """By repeat; where not all epochs are read, from the database."""
        above, bound = bound_of(self._spec, self._grid[position])
        if self._spec.training.most_epochs <= ALL:
            return first_met(values, above, bound)
        name = judged_by(self._spec, self._grid[position])
        return dict(metrics.first_met(self._connection, self._key, position, SPLIT, name, above, bound))
