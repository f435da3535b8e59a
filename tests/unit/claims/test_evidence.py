"""What claims ask of stored rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from memspan.claims.evidence import ExperimentEvidence, NotMeasured
from memspan.probes.change import Change
from tests.unit.claims.findings import ONE, OTHER, SPEC, evidence, experiment, histories, row, rows

RUNS = rows([1.0, 0.5, 0.25], [0.75, 0.5, 1.0], [0.5, 0.5, 0.5], [0.125, 1.0, 0.25])


def test_values_come_in_the_order_of_grid_and_repeat() -> None:
    assert experiment(RUNS).values("test_accuracy", OTHER, 5).tolist() == [0.125, 1.0, 0.25]
    assert experiment(RUNS).values("test_accuracy", ONE).tolist() == [1.0, 0.5, 0.25, 0.75, 0.5, 1.0]
    assert experiment(RUNS).values("test_accuracy", length=2).tolist() == [1.0, 0.5, 0.25, 0.5, 0.5, 0.5]
    assert len(experiment(RUNS).values("test_accuracy", task=SPEC.tasks[0])) == 12


def test_a_diverged_or_failed_run_keeps_its_place_without_a_value() -> None:
    runs = [row(0, 0, 1.0, diverged_at=1), row(0, 1, 0.5, state="failed"), row(0, 2, 0.25)]
    assert experiment(runs).values("test_accuracy", ONE, 2).tolist() == pytest.approx(
        [np.nan, np.nan, 0.25], nan_ok=True
    )


def test_solved_is_what_the_experiment_says_and_never_a_diverged_run() -> None:
    runs = [row(0, 0, 1.0, diverged_at=1), row(0, 1, 1.0), row(0, 2, 0.5)]
    assert experiment(runs).solved(ONE, 2).tolist() == [False, True, False]


def test_a_failed_run_is_neither_solved_nor_unsolved() -> None:
    runs = [row(0, 0, 1.0), row(0, 1, 1.0, state="failed")]
    assert experiment(runs).solved(ONE, 2).tolist() == [True]


def test_a_condition_is_measured_when_all_its_runs_have_ended() -> None:
    runs = [*rows([1.0, 1.0, 1.0]), row(2, 0, 1.0), row(2, 1, 1.0, state="running"), row(2, 2, 0.0, state="queued")]
    assert experiment(runs).solved(ONE, 2).all()
    with pytest.raises(NotMeasured, match="1 of 3 runs of lstm at length 2 in 'corrected' have ended"):
        experiment(runs).solved(OTHER, 2)


def test_what_was_not_run_is_told_by_name() -> None:
    with pytest.raises(NotMeasured, match="There is no lstm at length 9 in 'corrected'"):
        experiment(RUNS).values("test_accuracy", OTHER, 9)
    with pytest.raises(NotMeasured, match=r"There is no lstm \(initialization chrono\)"):
        experiment(RUNS).values("test_accuracy", OTHER.model_copy(update={"initialization": "chrono"}))
    with pytest.raises(NotMeasured, match="No run of rnn at length 2 in 'corrected' succeeded"):
        experiment([row(0, 0, 1.0, state="failed")]).values("test_accuracy", ONE, 2)
    with pytest.raises(NotMeasured, match="'as_published' is not part of the quick scale, or was deleted"):
        evidence(corrected=experiment(RUNS))["as_published"]


def test_epochs_have_a_line_for_each_repeat_padded_where_it_diverged() -> None:
    told = experiment(RUNS, histories=histories({1: {0: [3.0, 2.0], 1: [9.0], 2: [4.0, 1.0]}}))
    lines = told.epochs("validation_loss", ONE, 5)
    assert lines.tolist() == pytest.approx(np.array([[3.0, 2.0], [9.0, np.nan], [4.0, 1.0]]), nan_ok=True)
    short = experiment(RUNS, histories=histories({1: {0: [3.0], 1: [9.0], 2: [4.0]}}))
    assert short.epochs("validation_loss", ONE, 5).shape == (3, 2), "as many as were asked for, though none came so far"
    with pytest.raises(NotMeasured, match="No epochs of validation_loss of rnn at length 2"):
        told.epochs("validation_loss", ONE, 2)


def test_seconds_are_those_of_one_epoch() -> None:
    assert experiment(RUNS).seconds_per_epoch(ONE, 2).tolist() == [2.0, 2.0, 2.0]


def probe(**fields: Any) -> dict[str, Any]:
    place = {"task": SPEC.tasks[0].model_dump(mode="json"), "model": ONE.model_dump(mode="json"), "length": 2}
    asked = {"spec": Change(index=0).model_dump(mode="json"), "state": "succeeded", "checkpoint": "last"}
    return {**place, **asked, "result": {"values": {"median_change": "NaN"}}, **fields}


def asked(*probes: dict[str, Any]) -> ExperimentEvidence:
    return experiment(RUNS, probes=probes)


def test_a_probe_is_found_by_what_it_asked_and_where() -> None:
    found = asked(probe(length=5, result={"values": {}}), probe()).probe(Change(index=0), ONE, 2)
    assert np.isnan(found["values"]["median_change"]), "numbers that JSON can't hold are numbers again"


@pytest.mark.parametrize("fields", [{"length": 5}, {"state": "failed"}, {"checkpoint": "best"}])
def test_a_probe_of_something_else_is_not_the_one(fields: dict[str, Any]) -> None:
    with pytest.raises(NotMeasured, match="The probe change of rnn at length 2"):
        asked(probe(**fields)).probe(Change(index=0), ONE, 2)
    with pytest.raises(NotMeasured):
        asked(probe()).probe(Change(index=1), ONE, 2)
