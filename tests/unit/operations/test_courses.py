"""What results are told of the course of training: from the database the same as from the runs themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memspan.experiment import course as courses_of_science
from memspan.experiment.learning import courses
from service.operations import courses as operations
from service.operations import finish_runs, results
from service.storage import experiments
from tests.scenes import Scene, outcome

TASKS: list[dict[str, Any]] = [{"kind": "latch"}, {"kind": "first_last"}]


def trained(scene: Scene, epochs: int) -> tuple[int, dict[tuple[int, int], dict[str, list[float]]]]:
    """An experiment whose runs validated some numbers, and these."""
    key = scene.submit(tasks=TASKS, lengths=[2, 4], training={"epochs": epochs, "train_size": 32})
    told: dict[tuple[int, int], dict[str, list[float]]] = {}
    rng = np.random.default_rng(epochs)
    while (claimed := scene.try_claim()) is not None:
        measured = {}
        for repeat in claimed.runs:
            lines = {name: rng.random(epochs).tolist() for name in ("validation_loss", "validation_accuracy")}
            told[claimed.position, repeat] = lines
            measured[repeat] = [
                (epoch, {name: values[epoch - 1] for name, values in lines.items()}) for epoch in range(1, epochs + 1)
            ]
        outcomes = {repeat: outcome() for repeat in claimed.runs}
        finish_runs.finish(scene.context, claimed, outcomes, 1.0, measured, claimed.placement.engine)
    return key, told


@pytest.mark.parametrize("epochs", [1, 5, 90])
def test_the_database_tells_the_same_course_as_the_runs(scene: Scene, epochs: int) -> None:
    key, told = trained(scene, epochs)
    with scene.context.database.reading() as connection:
        row = experiments.get(connection, key)
        assert row is not None
        reader = operations.StoredCourses(connection, row)
        stored = {position: found for position in range(4) if (found := reader.of(position)) is not None}
    expected = courses(operations.spec_of(row), told)
    assert stored.keys() == expected.keys() == {0, 1, 2, 3}
    for position, each in expected.items():
        assert stored[position].epochs == each.epochs
        assert stored[position].repeats == each.repeats
        np.testing.assert_array_equal(stored[position].values, each.values)
        assert stored[position].first_met == each.first_met


def test_the_criterion_is_met_first_at_any_epoch_however_few_are_looked_at(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courses_of_science, "ALL", 0)
    monkeypatch.setattr(operations, "ALL", 0)
    key, told = trained(scene, 40)
    with scene.context.database.reading() as connection:
        row = experiments.get(connection, key)
        assert row is not None
        reader = operations.StoredCourses(connection, row)
        for position, each in courses(operations.spec_of(row), told).items():
            found = reader.of(position)
            assert found is not None
            assert len(each.epochs) < 40
            assert dict(found.first_met) == dict(each.first_met)


def test_conditions_are_read_together_and_let_go_whatever_they_are_asked_by(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = trained(scene, 5)
    monkeypatch.setattr(operations, "VALUES_AT_ONCE", 2 * 2 * 5)
    asked = list[range]()
    real = operations.metrics.after_epochs

    def noted(connection: Any, experiment: int, conditions: range, *others: Any) -> Any:
        asked.append(conditions)
        return real(connection, experiment, conditions, *others)

    monkeypatch.setattr(operations.metrics, "after_epochs", noted)
    with scene.context.database.reading() as connection:
        row = experiments.get(connection, key)
        assert row is not None
        reader = operations.StoredCourses(connection, row)
        assert all(reader.of(position) is not None for position in (0, 1, 1, 2, 3))
    assert asked == [range(2), range(2, 4)]


def test_results_count_the_ends_of_runs_that_have_succeeded(scene: Scene) -> None:
    key = scene.submit(repeats=3)
    scene.finish_all()
    (condition,) = results.results_document(scene.context, key)["conditions"]
    assert condition["convergence"]["runs"]["converged"] == 3  # all solved
    assert condition["budget"]["steps"] == 4
