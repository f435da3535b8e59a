"""Evidence: the stored rows of experiments as results and claims need them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

from memspan.claims.evidence import Evidence, ExperimentEvidence, History
from memspan.engine.condition import Condition
from memspan.experiment.run_row import RunRow
from service.operations import ids
from service.operations.specs import grid_of, spec_of
from service.storage import metrics, probes, runs
from service.storage.database import Connection
from service.storage.experiments import ExperimentRecord
from service.storage.probes import ProbeRecord
from service.storage.runs import ResultRecord
from service.storage.states import ACTIVE
from service.storage.studies import StudyExperiment

ROWS_AT_ONCE = 2_000
"""runs that are read together: some 4 MB"""


def run_row(row: ResultRecord) -> RunRow:
    """A stored run as the results need it."""
    values = {name: float(value) for name, value in (row.metrics or {}).items()}
    done = (row.diverged_at, row.seconds, row.engine, row.round, row.processor, row.by_lag)
    return RunRow(row.condition, row.repeat, row.state, values, *done)


def run_rows(connection: Connection, experiment: int) -> list[RunRow]:
    """All runs of an experiment."""
    return [run_row(each) for each in runs.for_results(connection, experiment)]


def rows_by_condition(connection: Connection, experiment: int, grid: int, repeats: int) -> Iterator[list[RunRow]]:
    """All runs of an experiment, those of a condition together, of which no more than some are held at once.

    Args:
        grid: how many conditions it has, of ``repeats`` runs each.
    """
    together = max(1, ROWS_AT_ONCE // max(1, repeats))
    for start in range(0, grid, together):
        found = runs.for_results(connection, experiment, range(start, start + together))
        found.sort(key=lambda row: row.condition)  # of a condition they stay in the order in which they were queued
        for _, some in groupby(found, key=lambda row: row.condition):
            yield [run_row(each) for each in some]


def readings(connection: Connection, experiment: ExperimentRecord) -> list[dict[str, Any]]:
    """The probes over all repeats of an experiment's conditions, as its results show them."""
    conditions = grid_of(experiment)
    return [_reading(each, conditions[each.condition]) for each in probes.of_conditions(connection, experiment.key)]


def _reading(row: ProbeRecord, condition: Condition) -> dict[str, Any]:
    return {
        "id": ids.public(ids.PROBE, row.key),
        "kind": row.kind,
        "spec": row.spec,
        "task": condition.task.model_dump(mode="json"),
        "model": condition.model.model_dump(mode="json"),
        "length": condition.length,
        "checkpoint": row.checkpoint_kind,
        "n": row.n,
        "state": row.state,
        "reason": row.detail,
        "result": row.result,
    }


def gathered(connection: Connection, scale: str, rows: Sequence[StudyExperiment]) -> Evidence:
    """What the experiments of one group found, by their names in the study; usable while the connection is."""
    return Evidence(scale, {row.study_part: _experiment_evidence(connection, row) for row in rows})


def _experiment_evidence(connection: Connection, row: StudyExperiment) -> ExperimentEvidence:
    found, asked = run_rows(connection, row.key), readings(connection, row)
    stored, over = _histories(connection, row.key), row.state not in ACTIVE
    return ExperimentEvidence(row.study_part, spec_of(row), found, asked, stored, over)


def _histories(connection: Connection, experiment: int) -> Callable[[int], Mapping[int, History]]:
    """Reads the epochs of a condition when a claim asks for them, once."""

    @cache
    def of_condition(position: int) -> Mapping[int, History]:
        return metrics.histories(connection, experiment, position)

    return of_condition
