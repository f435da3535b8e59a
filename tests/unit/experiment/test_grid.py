"""Grids of conditions."""

from __future__ import annotations

from memspan.experiment.grid import conditions
from tests.unit.experiment.test_flaws import spec


def test_the_grid_is_tasks_by_models_by_lengths_in_this_order() -> None:
    grid = conditions(
        spec(tasks=[{"kind": "latch"}, {"kind": "first_last"}], models=[{"kind": "rnn"}, {"kind": "gru"}])
    )
    assert [(c.task.kind, c.model.kind, c.length) for c in grid] == [
        (task, model, length) for task in ("latch", "first_last") for model in ("rnn", "gru") for length in (5, 10)
    ]


def test_conditions_carry_how_they_are_trained_and_scored() -> None:
    (condition, _) = conditions(spec(seed=3, report={"checkpoint": "best"}, training={"epochs": 2}))
    assert (condition.seed, condition.checkpoint, condition.training.epochs) == (3, "best", 2)
