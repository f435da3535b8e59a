"""Plans: counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.engine.choice import choose
from memspan.experiment.grid import conditions
from memspan.experiment.plan import plan
from memspan.experiment.run import parse

BODY: dict[str, Any] = {
    "tasks": [{"kind": "latch"}, {"kind": "first_last"}],
    "models": [{"kind": "rnn"}, {"kind": "lstm", "hidden_size": 8}, {"kind": "cnn"}],
    "lengths": [5, 20, 80],
    "repeats": 40,
}


@pytest.mark.usefixtures("compiled_loops")
def test_conditions_runs_and_stacks_are_counted() -> None:
    found = plan(parse(BODY))
    assert (found.conditions, found.runs) == (2 * 3 * 3, 2 * 3 * 3 * 40)
    recurrent = [c for c in conditions(parse(BODY)) if c.model.kind != "cnn"]
    assert {choose(c).name for c in recurrent} == {"fused"}
    assert found.populations == sum(-(-40 // choose(c).width) for c in recurrent) + 6 * 2  # a CNN's width is 32


def test_an_estimate_says_that_it_leaves_probes_out() -> None:
    asked = {**BODY, "probes": [{"kind": "change", "index": 0}, {"kind": "change", "index": -1}]}
    assert "training alone: the answers to 2 probes a condition come on top" in plan(parse(asked)).basis
    assert "probe" not in plan(parse(BODY)).basis


def test_parameters_are_the_least_and_most_over_the_grid() -> None:
    found = {entry["pointer"]: (entry["kind"], entry["least"], entry["most"]) for entry in plan(parse(BODY)).parameters}
    assert found == {
        "#/models/0": ("rnn", 3 + 2, 3 + 4),
        "#/models/1": ("lstm", 320 + 9, 320 + 18),
        "#/models/2": ("cnn", 3 * 5 + 14, 3 * 80 + 3 + 8 + 6),
    }


def test_more_workers_shorten_it_up_to_the_longest_condition() -> None:
    seconds = [plan(parse(BODY), workers).estimated_seconds for workers in (1, 2, 10**6)]
    assert seconds[0] == pytest.approx(2 * seconds[1])
    assert 0 < seconds[2] < seconds[1]
    longest = plan(parse(BODY | {"tasks": [{"kind": "latch"}], "models": [BODY["models"][1]], "lengths": [80]}))
    assert seconds[2] == pytest.approx(longest.estimated_seconds)


def test_longer_sequences_more_epochs_and_more_repeats_cost_more() -> None:
    def seconds(**changes: Any) -> float:
        return plan(parse(BODY | changes)).estimated_seconds

    assert 1.6 * seconds() < seconds(training={"epochs": 10}) <= 2 * seconds()  # the test is scored once
    assert seconds(lengths=[5, 20, 160]) > seconds()
    convolution = BODY["models"][2:]
    assert seconds(models=convolution, repeats=33) == seconds(models=convolution, repeats=40)
    assert seconds(repeats=40) > seconds(repeats=32)


def test_what_is_probably_not_meant_is_said() -> None:
    few = plan(parse(BODY | {"repeats": 2, "lengths": [5]}))
    assert {warning["code"]: warning["pointer"] for warning in few.warnings} == {
        "few_repeats": "#/repeats", "few_lengths": "#/lengths"
    }  # fmt: skip
    assert plan(parse(BODY)).warnings == ()
