"""Budgets and convergence in results."""

from __future__ import annotations

import math
from typing import Any

import pytest

import memspan
from memspan.experiment.course import budget_epochs, looked_at, tail_epochs
from memspan.experiment.learning import courses
from memspan.experiment.results import document
from memspan.experiment.run import parse
from memspan.experiment.run_row import RunRow

SPEC = parse({"tasks": [{"kind": "latch"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [2, 8],
              "repeats": 4,
              "training": {"epochs": 4, "train_size": 100, "batch_size": 16, "validation_size": 400}})  # fmt: skip
SOLVED, CHANCE = [0.5, 0.8, 0.99, 1.0], [0.5, 0.51, 0.49, 0.5]
SLOWER = [0.5, 0.5, 0.6, 0.995]
FALLING = [[0.5, 0.6, 0.7, 0.8], [0.52, 0.61, 0.69, 0.81], [0.5, 0.6, 0.71, 0.79], [0.5, 0.62, 0.72, 0.82]]


def measured(*curves: list[list[float]], **fields: Any) -> dict[str, Any]:
    """Results of runs whose validated accuracy went so, the test being as the last epoch."""
    rows = [
        RunRow(position, repeat, "succeeded", {"test_accuracy": curve[-1], "validation_accuracy": curve[-1]}, **fields)
        for position, of_repeats in enumerate(curves)
        for repeat, curve in enumerate(of_repeats)
    ]
    histories = {
        (position, repeat): {"validation_accuracy": curve}
        for position, of_repeats in enumerate(curves)
        for repeat, curve in enumerate(of_repeats)
    }
    return document(SPEC, rows, (), courses(SPEC, histories))


def test_every_span_and_score_carries_its_budget() -> None:
    found = measured([SOLVED] * 4, [CHANCE] * 4)
    expected = {
        "optimizer": "adam", "learning_rate": 0.001, "tuned": None,
            "batch_size": 16, "data": "fixed", "until": None, "epochs": 4,
        "steps": 28, "sequences": 400,
    }  # fmt: skip
    assert [each["budget"] for each in (*found["conditions"], *found["spans"])] == [expected] * 3


def test_conditions_tell_how_many_repeats_came_to_which_end() -> None:
    first, second = measured([SOLVED, SOLVED, CHANCE, SOLVED], FALLING)["conditions"]
    assert first["convergence"]["state"] == "converged"
    assert first["convergence"]["runs"] == {
        "converged": 3, "improving": 0, "diverged": 0, "no_better_than_chance": 1, "unknown": 0,
    }  # fmt: skip
    assert second["convergence"]["state"] == "improving"
    assert second["convergence"]["runs"]["improving"] == 4


def test_a_span_that_any_of_its_lengths_may_still_change_is_improving() -> None:
    (span,) = measured([SOLVED] * 4, FALLING)["spans"]
    assert span["convergence"]["state"] == "improving"
    assert span["convergence"]["conditions"] == {
        "converged": 1, "improving": 1, "diverged": 0, "no_better_than_chance": 0, "unknown": 0,
    }  # fmt: skip


def test_a_span_that_ends_at_lengths_that_were_never_learnt_says_so() -> None:
    (span,) = measured([SOLVED] * 4, [CHANCE] * 4)["spans"]
    assert span["convergence"]["state"] == "no_better_than_chance"
    (solved,) = measured([SOLVED] * 4, [SOLVED] * 4)["spans"]
    assert solved["convergence"]["state"] == "converged"


def test_the_span_is_told_for_each_smaller_budget() -> None:
    (span,) = measured([SOLVED] * 4, [CHANCE, SLOWER, SLOWER, SLOWER])["spans"]
    told = [(each["epochs"], each["steps"], each["span"], each["censored"]) for each in span["by_budget"]]
    assert told == [
        (1, 7, 2.0, "below"),
        (2, 14, 2.0, "below"),
        (3, 21, pytest.approx(4.0, rel=0.02), None),
        (4, 28, 8.0, "above"),
    ]


def test_a_run_that_diverged_solves_nothing_at_any_budget() -> None:
    (span,) = measured([SOLVED] * 4, [SOLVED] * 4, diverged_at=4)["spans"]
    assert {each["censored"] for each in span["by_budget"]} == {"below"}
    assert span["convergence"]["runs"]["diverged"] == 8


def test_without_the_course_of_training_nothing_is_claimed_of_it() -> None:
    rows = [RunRow(0, repeat, "succeeded", {"test_accuracy": 0.7}) for repeat in range(4)]
    found = document(SPEC, rows)
    assert found["conditions"][0]["convergence"]["state"] == "unknown"
    assert found["conditions"][1]["convergence"]["state"] is None
    assert found["spans"][0]["by_budget"] == []


def test_one_repeat_has_no_interval() -> None:
    (first, second), (span,) = (measured([SOLVED], [CHANCE])[name] for name in ("conditions", "spans"))
    for each in (first, second):
        assert (each["success"]["low"], each["success"]["high"]) == (None, None)
        assert each["metrics"]["test_accuracy"]["low"] is None
    assert (span["low"], span["high"], span["written"]) == (None, None, "4")
    assert second["convergence"]["state"] == "no_better_than_chance"


def test_a_censored_span_is_written_as_one() -> None:
    (span,) = measured([SOLVED] * 4, [SOLVED] * 4)["spans"]
    assert (span["span"], span["written"], span["censored"]) == (8.0, "> 8.0 (7.6 to > 8.0)", "above") or (
        span["written"].startswith("> 8")
    )


def test_tables_show_open_ends_as_open() -> None:
    results = memspan.run({**SPEC.model_dump(mode="json"), "repeats": 2, "report": {"solved_if": {
        "metric": "test_accuracy", "at_least": 0.0}}})  # fmt: skip
    (row,) = results.spans
    assert row["high"] == math.inf
    assert row["written"].startswith("> 8")
    assert (row["optimizer"], row["learning_rate"], row["steps"]) == ("adam", 0.001, 28)
    assert {each["convergence"] for each in results.conditions} == {"converged"}


def test_a_regression_is_judged_by_its_loss() -> None:
    spec = parse({"tasks": [{"kind": "first_last"}], "models": [{"kind": "rnn", "hidden_size": 1}], "lengths": [4],
                  "repeats": 3, "training": {"epochs": 3}})  # fmt: skip
    losses = [[2.0, 1.99, 2.01], [2.0, 0.5, 0.01], [2.0, 1.0, 0.5]]
    rows = [RunRow(0, r, "succeeded", {"test_loss": each[-1]}) for r, each in enumerate(losses)]
    histories = {(0, r): {"validation_loss": each} for r, each in enumerate(losses)}
    (found,) = document(spec, rows, (), courses(spec, histories))["conditions"]
    assert found["convergence"]["runs"] == {
        "converged": 1, "improving": 0, "diverged": 0, "no_better_than_chance": 1, "unknown": 1,
    }  # fmt: skip


def test_many_epochs_are_looked_at_in_part() -> None:
    assert looked_at(64) == tuple(range(1, 65))
    many = looked_at(100_000)
    assert len(many) < 50
    assert many[0] == 1
    assert many[-1] == 100_000
    assert set(tail_epochs(100_000)) <= set(many)
    steps = {later - former for former, later in zip(tail_epochs(100_000), tail_epochs(100_000)[1:], strict=False)}
    assert len(steps) == 1, "evenly spread"
    assert budget_epochs(5) == (1, 2, 3, 4, 5)
    assert len(budget_epochs(1_000)) <= 12
