"""The headline of results, in words."""

from __future__ import annotations

from typing import Any

import pytest

from service.pages.headline import headline
from tests.unit.figures.document import FIRST_LAST, LATCH, document, empty

AFTER = "fter 2,500 steps of Adam at 0.001, half of the repeats solve lengths up to: "
SPANS = "lstm · chrono > 50 (45 to > 50); rnn 20 (15 to 20); lstm · keras 20 (15 to 20)."
IMPROVING = " 9 of 9 conditions were still improving: longer training may change these spans."


def said(form: dict[str, Any], state: str = "succeeded") -> list[str]:
    return headline({**form, "experiment": {"id": "e1", "state": state}})


def test_the_farthest_memory_is_named_first() -> None:
    (sentence,) = said(document())
    assert sentence == "A" + AFTER + SPANS + IMPROVING


def test_a_span_below_the_grid_is_said() -> None:
    form = document()
    form["spans"] = [form["spans"][0] | {"censored": "below", "span": 2.0, "low": 2.0, "high": 2.0}]
    assert said(form) == ["A" + AFTER + "rnn < 2." + IMPROVING]


def test_one_repeat_has_no_interval_and_still_says_that_it_lies_beyond() -> None:
    form = document()
    form["spans"] = [form["spans"][0] | {"censored": "above", "span": 400.0, "low": None, "high": None}]
    assert "up to: rnn > 400. " in said(form)[0]


def test_conditions_that_converged_say_so_and_those_at_chance_are_no_converged_ones() -> None:
    form = document(lengths=(2, 10))
    ended(form, *["converged"] * 6)
    assert said(form)[0].endswith("All 6 conditions had converged.")
    ended(form, "no_better_than_chance", "diverged", *["converged"] * 4)
    assert said(form)[0].endswith(
        "1 of 6 conditions was no better than chance when training ended. 1 of 6 conditions diverged."
    )


def test_an_older_document_without_budgets_has_its_answer_still() -> None:
    form = document()
    for condition in form["conditions"]:
        del condition["budget"], condition["convergence"]
    assert said(form) == ["Half of the repeats solve lengths up to: " + SPANS]


def test_a_model_that_was_brought_in_has_a_score_and_no_training_here() -> None:
    form = document(lengths=(20,))
    form["conditions"] = [form["conditions"][0] | {"engine": "imported"}]
    assert said(form) == ["Test accuracy: rnn 0.60 (0.55 to 0.65). Trained elsewhere; probes tell what the model uses."]


def test_forecasts_are_told_by_their_error_and_not_by_a_span_that_noise_forbids() -> None:
    series = {"kind": "series", "dataset": "data-1", "target": "demand"}
    form = document((series,), (1, 4))
    for condition in form["conditions"]:
        low = {1: 0.61, 4: 0.55}[condition["length"]] + (0.1 if condition["model"]["kind"] == "rnn" else 0)
        condition["metric"] = "test_loss"
        condition["metrics"] = {"test_loss": {"n": 3, "mean": low + 0.01, "low": low, "high": low + 0.02}}
    ridge = {"task": series, "name": "ridge", "metric": "test_loss"}
    form["baselines"] = [ridge | {"length": 1, "value": 0.6}, ridge | {"length": 4, "value": 0.5}]
    form["baselines"] += [{"task": series, "name": "training_mean", "metric": "test_loss", "value": 0.9}]
    (sentence,) = said(form)
    assert "solve" not in sentence
    assert "least test loss by context: lstm · keras 0.560 (0.550 to 0.570) from 4 steps; " in sentence
    assert "rnn 0.660 (0.650 to 0.670) from 4 steps; without training ridge 0.5 from 4 steps. " in sentence
    form["baselines"][1]["value"] = 0.95
    form["baselines"][0]["value"] = 0.95
    assert "; without training training mean 0.9. " in said(form)[0]


def ended(form: dict[str, Any], *states: str) -> None:
    """Give the conditions states in their order."""
    for condition, state in zip(form["conditions"], states, strict=True):
        condition["convergence"] = {"state": state, "runs": {state: 30}}


def test_several_tasks_have_a_sentence_each() -> None:
    assert [text.split(":")[0] for text in said(document((LATCH, FIRST_LAST)))] == ["latch", "first_last"]


def test_an_unfinished_experiment_answers_so_far() -> None:
    assert said(document(), "running")[0].startswith("So far, a" + AFTER + "lstm")
    assert said(document((LATCH, FIRST_LAST)), "running")[1].startswith("first_last: so far, a" + AFTER + "lstm")


def test_without_lengths_the_scores_are_the_answer_best_first() -> None:
    form = document(lengths=(None,))
    form["spans"] = []
    assert said(form)[0].startswith(
        "After 2,500 steps of Adam at 0.001, test accuracy: lstm · keras 0.90 (0.85 to 0.95); lstm · chrono 0.90"
    )


def test_a_lower_loss_is_better() -> None:
    form = document((FIRST_LAST,), lengths=(None,))
    form["spans"] = []
    assert said(form)[0].startswith("After 2,500 steps of Adam at 0.001, test loss: rnn 0.60")


@pytest.mark.parametrize("state", ["queued", "running", "paused", "failed", "cancelled"])
def test_without_results_a_sentence_says_why(state: str) -> None:
    (sentence,) = said(empty(), state)
    assert sentence.endswith(".")


def diverged(form: dict[str, Any], kinds: set[str]) -> dict[str, Any]:
    """The document, had all runs of models of these kinds diverged."""
    for condition in form["conditions"]:
        if condition["model"]["kind"] in kinds:
            condition["runs"] = {"total": 30, "succeeded": 30, "failed": 0, "diverged": 30}
    return form


def test_where_every_run_diverged_no_span_is_told_but_what_may_help() -> None:
    assert said(diverged(document(lengths=(2, 10)), {"rnn", "lstm"})) == [
        "All 180 runs that ended diverged after 2,500 steps of Adam at 0.001: their loss stopped being a number, so "
        "nothing is known of what they remember. Try a smaller learning rate, or let clip_norm bound the gradient."
    ]


def test_a_model_whose_runs_all_diverged_has_no_span_beside_the_others() -> None:
    (sentence,) = said(diverged(document(), {"rnn"}))
    assert "20 (15 to 20); every run of rnn diverged." in sentence
    assert "rnn 20" not in sentence
    assert "6 of 6 conditions were still improving" in sentence
