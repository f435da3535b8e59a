"""Standings in Markdown: accuracies on several tasks, their means, and ranks with ties."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.claims.markdown import markdown
from memspan.claims.standings import standings, tells

TASKS = [{"kind": "latch"}, {"kind": "relay"}, {"kind": "first_last"}]
GOOD, NEAR, BAD = ({"kind": kind, "hidden_size": 8} for kind in ("lstm", "gru", "rnn"))
MEANS = {"lstm": 0.9, "gru": 0.899, "rnn": 0.4}


def condition(task: dict[str, Any], model: dict[str, Any], diverged: int = 0, **fields: Any) -> dict[str, Any]:
    accuracy = {"n": 5 - diverged, "mean": MEANS[model["kind"]], "std": 0.02}
    runs = {"total": 5, "succeeded": 5, "failed": 0, "diverged": diverged}
    found = {"task": task, "model": model, "length": 32, "metric": "test_accuracy", "runs": runs}
    return {**found, "metrics": {"test_accuracy": accuracy}, **fields}


def results(*changed: dict[str, Any]) -> dict[str, Any]:
    asked = [condition(task, model) for task in TASKS for model in (BAD, GOOD, NEAR)]
    chance = {"name": "chance", "metric": "test_accuracy", "value": 0.25}
    return {
        "conditions": [*changed, *asked[len(changed) :]],
        "baselines": [{"task": task, **chance} for task in TASKS],
    }


def test_the_best_mean_comes_first_and_what_is_not_told_apart_is_tied() -> None:
    heads, rows = standings(results())
    assert heads == ["model", "latch", "relay", "first_last", "mean over tasks", "rank"]
    assert [(row[0], row[-1]) for row in rows] == [("lstm", "1"), ("gru", "1"), ("rnn", "3")]


def test_each_cell_has_students_interval() -> None:
    """.9 ± 2.776 x .02 / sqrt(5) of a task; over three the error is sqrt(3) smaller, with 12 degrees of freedom."""
    _, rows = standings(results())
    assert rows[0][1] == "0.900 (0.875 to 0.925)"
    assert rows[0][-2] == "0.900 (0.889 to 0.911)"


def test_a_run_that_diverged_counts_as_a_guess() -> None:
    _, rows = standings(results(condition(TASKS[0], BAD, diverged=1)))
    assert rows[-1][1].startswith("0.37 ")


@pytest.mark.parametrize(
    "other",
    [
        {"metric": "test_loss"},
        {"metrics": {}},
        {"length": 64, "task": {"kind": "latch"}, "model": GOOD},
    ],
)
def test_there_are_none_of_other_metrics_or_several_lengths(other: dict[str, Any]) -> None:
    assert tells(results())
    assert not tells({**results(), "conditions": [*results()["conditions"], condition(TASKS[0], BAD) | other]})


def test_there_are_none_of_two_tasks() -> None:
    form = results()
    assert not tells({**form, "conditions": [each for each in form["conditions"] if each["task"] != TASKS[0]]})


def test_those_of_all_experiments_stand_right_behind_the_claims() -> None:
    budget = {"optimizer": "adam", "learning_rate": 0.01, "steps": 400, "epochs": 8, "batch_size": 32}
    more = {"budget": {**budget, "sequences": 12_800, "data": "fresh"}, "parameters": 10, "convergence": None}
    success = {"rate": 0.0, "low": 0.0, "high": 0.4, "n": 5}
    asked = [{**each, **more, "success": success} for each in results()["conditions"]]
    form = {**results(), "conditions": asked, "spans": [], "probes": []}
    titles = [line for line in markdown({"claims": []}, {"x": form, "y": form}).splitlines() if line.startswith("**")]
    trained = "after 400 steps of Adam at 0.01"
    shown = ["standings, accuracy (95 % interval)", "conditions"]
    assert titles == ["**Claims**", *(f"**{name}: {what}, {trained}**" for what in shown for name in "xy")]
