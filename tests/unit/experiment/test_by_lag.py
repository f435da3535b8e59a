"""Accuracy by lag over the runs of a condition."""

from __future__ import annotations

from typing import Any

import pytest

import memspan
from memspan.experiment.results import document
from memspan.experiment.run import parse
from memspan.experiment.run_row import RunRow

ASKED: dict[str, Any] = {
    "tasks": [{"kind": "recall", "pairs": 2, "vocabulary": 12}],
    "models": [
        {"kind": "attention", "hidden_size": 8, "layers": 2, "window": 4},
        {"kind": "delta_net", "hidden_size": 8, "layers": 1},
    ],
    "lengths": [16],
    "training": {"epochs": 1, "train_size": 32, "validation_size": 16, "test_size": 50},
    "repeats": 3,
}
SPEC = parse(ASKED)


def run(condition: int, repeat: int, correct: list[int], **fields: Any) -> RunRow:
    counts = {"first": [2, 5], "last": [2, 6], "asked": [1000, 10], "correct": correct}
    return RunRow(condition, repeat, "succeeded", {"test_accuracy": 0.5}, by_lag=counts, **fields)


def found(rows: list[RunRow], index: int = 0) -> Any:
    return document(SPEC, rows)["conditions"][index]["by_lag"]


def test_each_run_counts_once_whatever_it_was_asked() -> None:
    """Its interval is over runs: a thousand answers of one run are no thousand repeats."""
    told = found([run(0, 0, [1000, 0]), run(0, 1, [500, 5]), run(0, 2, [0, 10], diverged_at=1)])
    assert told["accuracy"] == [0.5, 0.5]
    assert (told["first"], told["last"], told["lag"]) == ([2, 5], [2, 6], [2.0, 5.5])
    assert told["asked"] == [1000, 10]
    assert told["n"] == 3
    assert told["low"] == pytest.approx([0.0, 0.0], abs=0.35)
    assert told["high"][0] - told["low"][0] > 0.3


def test_one_run_has_no_interval_and_without_runs_there_is_nothing() -> None:
    told = found([run(0, 0, [1000, 5])])
    assert told["accuracy"] == [1.0, 0.5]
    assert told["low"] is None
    assert told["high"] is None
    assert found([]) is None
    assert found([RunRow(0, 0, "running")]) is None


def test_what_the_steps_in_sight_allow_is_told_where_a_model_sees_a_window() -> None:
    """Two blocks of window 4 see 7 steps: lags up to 7 at most; beyond, one of 6 - 2 values is a guess."""
    assert found([run(0, 0, [1000, 5])])["bound"] == [1.0, 1.0]
    assert found([run(1, 0, [1000, 5])], 1)["bound"] is None


def test_a_notebook_has_one_row_for_each_condition_and_bin() -> None:
    results = memspan.run(ASKED)
    assert {row["model"] for row in results.by_lag} == {"attention", "delta_net"}
    told = results.document["conditions"][0]["by_lag"]
    assert sum(told["asked"]) == 2 * 50
    assert [row["accuracy"] for row in results.by_lag if row["model"] == "attention"] == told["accuracy"]
    assert results.figure("by_lag")
    beyond = [row["bound"] for row in results.by_lag if row["model"] == "attention" and row["first_lag"] > 7]
    assert beyond
    assert set(beyond) == {0.25}
