"""Experiments whose runs end when they have converged."""

from __future__ import annotations

from typing import Any

import pytest

import memspan
from memspan.experiment.learning import courses, learning_curves
from memspan.experiment.placements import Placements
from memspan.experiment.plan import AT_MOST, plan
from memspan.experiment.results import document
from memspan.experiment.run import SpecMalformed, parse
from memspan.experiment.run_row import RunRow
from memspan.experiment.solving import steps_to_solve
from memspan.experiment.table import Results
from memspan.training import Training, Until, most_epochs

SPEC: dict[str, Any] = {
    "tasks": [{"kind": "latch"}],
    "models": [{"kind": "gru", "hidden_size": 2}],
    "lengths": [2, 5, 10],
    "repeats": 4,
    "training": {
        "epochs": {"until": "converged", "at_most": 30}, "train_size": 320, "validation_size": 200, "test_size": 300,
        "optimizer": {"kind": "adam", "learning_rate": 0.01},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return memspan.run(SPEC)


def test_a_spec_may_ask_for_epochs_until_runs_have_converged() -> None:
    training = parse(SPEC).training
    assert training.epochs == Until(until="converged", at_most=30)
    assert (training.most_epochs, training.until_converged) == (30, True)
    assert parse(parse(SPEC).model_dump_json()) == parse(SPEC), "what is shown can be posted again"
    assert (Training(epochs=3).most_epochs, Training().until_converged) == (3, False)
    assert [most_epochs(each) for each in (7, {"until": "converged", "at_most": 9})] == [7, 9]


@pytest.mark.parametrize(
    ("epochs", "told"),
    [
        ({"until": "converged"}, "training.epochs.at_most: at_most is missing."),
        ({"until": "solved", "at_most": 5}, "training.epochs.until: until must be 'converged', not 'solved'."),
        ({"until": "converged", "at_most": 0}, "training.epochs.at_most: at_most must be between 1 and 100000, not 0."),
        ({"until": "converged", "at_most": 9, "x": 1}, "training.epochs.x: x is not a field known here."),
        ([3], "training.epochs: epochs must be a whole number, not a list."),
        (2.5, "training.epochs: epochs must be a whole number, not 2.5."),
    ],
)
def test_what_is_wrong_with_it_is_said_in_its_place(epochs: Any, told: str) -> None:
    with pytest.raises(SpecMalformed) as error:
        parse({**SPEC, "training": {"epochs": epochs}})
    assert str(error.value) == told


def test_the_plan_counts_all_epochs_and_says_so() -> None:
    found = plan(Placements(parse(SPEC)))
    fixed = plan(Placements(parse({**SPEC, "training": {**SPEC["training"], "epochs": 30}})))
    assert found.estimated_seconds == fixed.estimated_seconds
    assert AT_MOST in found.basis
    assert AT_MOST not in fixed.basis


def test_runs_that_ended_by_themselves_have_converged_and_tell_their_steps(results: Results) -> None:
    first = results.document["conditions"][0]
    assert first["convergence"]["runs"]["converged"] == 4
    assert first["metrics"]["steps"]["high"] < 600
    assert first["budget"] | {"until": "converged", "epochs": 30, "steps": 600} == first["budget"]
    solved = [row for row in results.rows if row.condition == 0]
    assert {row.metrics["steps"] / 20 for row in solved} == {
        len(results.epochs[0, row.repeat]["validation_loss"]) for row in solved
    }


def test_a_run_that_never_left_guessing_was_trained_to_the_last(results: Results) -> None:
    last = results.document["conditions"][2]
    assert last["convergence"]["runs"]["no_better_than_chance"] > 0
    stuck = [row for row in results.rows if row.condition == 2 and row.metrics["test_accuracy"] < 0.6]
    assert stuck
    assert {row.metrics["steps"] for row in stuck} == {600.0}


def test_steps_to_solve_are_told_with_those_that_were_never_seen_to(results: Results) -> None:
    first, *_, last = (each["steps_to_solve"] for each in results.document["conditions"])
    assert (first["solved"], first["n"], first["censored"]) == (4, 4, None)
    assert first["low"] <= first["median"] <= first["high"] < 600
    assert last["solved"] < 4


def test_a_smaller_budget_has_runs_that_ended_as_they_ended(results: Results) -> None:
    (span,) = results.document["spans"]
    assert [(each["epochs"], each["steps"]) for each in span["by_budget"]][-1] == (30, 600)


def test_a_run_that_solved_it_between_two_budgets_counts_from_the_next_one_on() -> None:
    spec = parse({**SPEC, "lengths": [2, 8]})
    late, early = [*[0.5] * 22, 1.0, 1.0, 1.0], [0.5, 1.0, 1.0, 1.0]
    rows, histories = [], {}
    for position, curve in ((0, early), (1, late)):
        for repeat in range(4):
            metrics = {"test_accuracy": 1.0, "validation_accuracy": 1.0, "steps": 20.0 * len(curve)}
            rows.append(RunRow(position, repeat, "succeeded", metrics))
            histories[position, repeat] = {"validation_accuracy": curve}
    (span,) = document(spec, rows, (), courses(spec, histories))["spans"]
    told = {each["epochs"]: each["censored"] for each in span["by_budget"]}
    assert told[1] == "below"
    assert told[22] is None
    assert told[30] == "above"


def test_learning_curves_keep_runs_that_have_ended(results: Results) -> None:
    curves = learning_curves(results.spec, results.epochs)
    first = next(each for each in curves if (each["length"], each["name"]) == (5, "accuracy"))
    assert first["n"] == 4
    assert first["mean"][-1] > 0.98


def test_steps_to_solve_of_plain_training_are_told_too() -> None:
    spec = parse({**SPEC, "lengths": [2], "training": {"epochs": 4, "train_size": 160}})
    curves = [[0.5, 1.0, 1.0, 1.0], [0.5, 0.9, 0.995, 0.9], [0.5, 0.5, 1.0, 1.0], [0.5] * 4]
    rows = [RunRow(0, r, "succeeded", {"test_accuracy": each[-1]}) for r, each in enumerate(curves)]
    histories = {(0, r): {"validation_accuracy": each} for r, each in enumerate(curves)}
    (found,) = document(spec, rows, (), courses(spec, histories))["conditions"]
    assert found["steps_to_solve"] == {
        "median": 30.0, "low": 20.0, "high": None, "censored": None, "solved": 3, "n": 4,
    }  # fmt: skip


def test_a_run_that_diverged_never_solves_it() -> None:
    assert steps_to_solve(((40, False), (10, True))) == {
        "median": 40, "low": 10.0, "high": None, "censored": "above", "solved": 1, "n": 2,
    }  # fmt: skip
    assert steps_to_solve(((10, True),)) == {
        "median": 10.0, "low": None, "high": None, "censored": None, "solved": 1, "n": 1,
    }  # fmt: skip
    assert steps_to_solve(()) is None
