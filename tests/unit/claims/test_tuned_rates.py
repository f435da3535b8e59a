"""Windows of rates and the best of them, from the runs that served to choose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from memspan.claims.evidence import ExperimentEvidence, NotMeasured
from memspan.claims.tuned_rates import best_rate, window_difference
from memspan.experiment.run_row import RunRow
from memspan.experiment.series import all_series
from memspan.experiment.spec import ExperimentSpec
from memspan.models.lstm import LSTM
from memspan.models.rnn import RNN

RATES = (0.001, 0.01, 0.1)
ONE, OTHER = RNN(hidden_size=1), LSTM(hidden_size=1)
SPEC = ExperimentSpec.model_validate(
    {
        "tasks": [{"kind": "latch"}],
        "models": [{"kind": "rnn", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}],
        "lengths": [5],
        "training": {"optimizer": {"kind": "adam", "learning_rate": {"tune": RATES}}, "tuning": {"repeats": 2}},
        "repeats": 4,
    }
)
Accuracies = Mapping[float, tuple[float, ...]]
"""of the runs that serve to choose, by rate; NaN: it diverged"""


def found(one: Accuracies, other: Accuracies, state: str = "succeeded") -> ExperimentEvidence:
    rows = []
    for series, told in zip(all_series(SPEC), (one, other), strict=True):
        for place, rate in zip(series.tuning, RATES, strict=True):
            for repeat, value in enumerate(told[rate]):
                diverged = 1 if np.isnan(value) else None
                rows.append(RunRow(place, repeat, state, {"validation_accuracy": value}, diverged))
    return ExperimentEvidence("tuned", SPEC, rows[::-1])


NOWHERE: Accuracies = {0.001: (0.5, 0.5), 0.01: (0.5, 0.5), 0.1: (0.5, 0.5)}
EVERYWHERE: Accuracies = {0.001: (1.0, 0.95), 0.01: (1.0, 1.0), 0.1: (1.0, 1.0)}
MIDDLE: Accuracies = {0.001: (0.5, 0.5), 0.01: (0.95, 0.95), 0.1: (0.5, np.nan)}


def test_a_window_of_all_rates_is_wider_than_none_by_all_that_was_tried() -> None:
    told = window_difference(found(EVERYWHERE, NOWHERE), ONE, OTHER)
    assert (told.value, told.low, told.high, told.n) == (2.0, 2.0, 2.0, 2)
    assert told.note == "Decades: 2.00 or more and 0.00."


def test_the_ends_of_a_window_lie_where_half_of_the_runs_are_good() -> None:
    told = window_difference(found(NOWHERE, MIDDLE), ONE, OTHER)
    assert told.value == pytest.approx(-1.0)
    assert told.note == "Decades: 0.00 and 1.00."


def test_seeds_that_differ_give_an_interval() -> None:
    uneven = {**NOWHERE, 0.01: (0.95, 0.5)}
    told = window_difference(found(uneven, NOWHERE), ONE, OTHER)
    assert (told.low, told.value, told.high) == (0.0, 0.0, 1.0)  # both, one or none of the seeds good


def test_the_best_rate_counts_and_one_that_diverged_is_at_the_floor() -> None:
    evidence = found({**NOWHERE, 0.1: (1.0, np.nan)}, MIDDLE)
    assert best_rate(evidence, ONE, 0.25).value == pytest.approx(0.625)
    assert best_rate(evidence, OTHER, 0.25).value == pytest.approx(0.95)


@pytest.mark.parametrize("state", ["running", "failed", "queued"])
def test_nothing_is_told_before_all_of_them_have_ended_well(state: str) -> None:
    with pytest.raises(NotMeasured, match="6 runs that choose the rate of rnn have not ended well"):
        best_rate(found(NOWHERE, NOWHERE, state), ONE, 0.25)


def test_a_model_whose_rate_is_given_has_no_window() -> None:
    spec = SPEC.model_copy(update={"training": SPEC.training.with_setting({"learning_rate": 0.01})})
    with pytest.raises(NotMeasured, match="is not tuned"):
        best_rate(ExperimentEvidence("given", spec, []), ONE, 0.25)
