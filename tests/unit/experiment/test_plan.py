"""Plans: counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.engine.placement import place
from memspan.experiment.fleet import Fleet
from memspan.experiment.grid import conditions
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import parse

BODY: dict[str, Any] = {
    "tasks": [{"kind": "latch"}, {"kind": "first_last"}],
    "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 8}, {"kind": "cnn"}],
    "lengths": [5, 20, 80],
    "repeats": 40,
}


MEANT: dict[str, Any] = {
    "models": [{"kind": "rnn", "hidden_size": 2}],
    "training": {"optimizer": {"kind": "adam", "learning_rate": 0.01}},
}
"""what leaves nothing to be warned of"""


@pytest.mark.usefixtures("compiled_loops")
def test_conditions_runs_and_stacks_are_counted() -> None:
    found = plan(Placements(parse(BODY)))
    assert (found.conditions, found.runs) == (2 * 3 * 3, 2 * 3 * 3 * 40)
    recurrent = [c for c in conditions(parse(BODY)) if c.model.kind != "cnn"]
    assert {place(c).engine for c in recurrent} == {"fused"}
    assert found.populations == sum(-(-40 // place(c).width) for c in recurrent) + 6 * 2  # a CNN's width is 32


def test_parameters_are_the_least_and_most_over_the_grid() -> None:
    found = {
        entry["pointer"]: (entry["kind"], entry["least"], entry["most"])
        for entry in plan(Placements(parse(BODY))).parameters
    }
    assert found == {
        "#/models/0": ("rnn", 3 + 2, 3 + 4),
        "#/models/1": ("lstm", 320 + 9, 320 + 18),
        "#/models/2": ("cnn", 3 * 5 + 14, 3 * 80 + 3 + 8 + 6),
    }


def test_more_workers_shorten_it_up_to_the_longest_stack() -> None:
    seconds = [plan(Placements(parse(BODY)), Fleet(workers)).estimated_seconds for workers in (1, 2, 10**6)]
    assert seconds[0] == pytest.approx(2 * seconds[1])
    assert 0 < seconds[2] < seconds[1]
    longest = max(placement.stack_seconds for placement in Placements(parse(BODY)))
    assert seconds[2] == pytest.approx(longest)


def test_longer_sequences_more_epochs_and_more_repeats_cost_more() -> None:
    def seconds(**changes: Any) -> float:
        return plan(Placements(parse(BODY | changes))).estimated_seconds

    assert 1.6 * seconds() < seconds(training={"epochs": 10}) <= 2 * seconds()  # the test is scored once
    assert seconds(lengths=[5, 20, 160]) > seconds()
    convolution = BODY["models"][2:]
    assert seconds(models=convolution, repeats=33) == pytest.approx(seconds(models=convolution, repeats=40), rel=0.01)
    assert seconds(repeats=40) > seconds(repeats=32)


def test_what_is_probably_not_meant_is_said() -> None:
    few = plan(Placements(parse(BODY | {"repeats": 2, "lengths": [5]})))
    assert {warning["code"]: warning["pointer"] for warning in few.warnings} == {
        "few_repeats": "#/repeats", "few_lengths": "#/lengths",
    }  # fmt: skip
    assert plan(Placements(parse(BODY | MEANT))).warnings == ()
