"""Comparisons in results."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.experiment import comparing
from memspan.experiment.results import document
from memspan.experiment.run import parse
from memspan.experiment.run_row import RunRow

MODELS = [{"kind": "gru", "hidden_size": 1}, {"kind": "lstm", "hidden_size": 1}]
SPEC = parse({"tasks": [{"kind": "latch"}], "models": MODELS, "lengths": [2, 5, 10, 20], "repeats": 8})
GOOD, BAD = 1.0, 0.6


def found(*solved: int, repeats: int = 8, diverged: int | None = None) -> dict[str, Any]:
    """Results in which so many repeats of each condition solve it."""
    rows = [
        RunRow(position, repeat, "succeeded", {"test_accuracy": GOOD if repeat < count else BAD}, diverged)
        for position, count in enumerate(solved)
        for repeat in range(repeats)
    ]
    return document(SPEC, rows)


def span(results: dict[str, Any]) -> dict[str, Any]:
    (one,) = [each for each in results["comparisons"] if each["metric"] == "span"]
    return dict(one)


def test_a_longer_memory_is_told_in_one_sentence_with_its_training() -> None:
    one = span(found(8, 8, 8, 7, 8, 2, 0, 0))
    assert one["sentence"].startswith("gru remembers longer than lstm (> 20 against 3.684 steps; ratio at least 5")
    assert one["sentence"].endswith(
        " to ∞)), p = 0.0005, 8 repeats each. After 2,500 steps of Adam at 0.001; not all had converged, so more "
        "training may change it."
    )
    assert (one["bound"], one["high"], one["ratio_high"]) == ("at_least", None, None)
    assert one["ratio"] == pytest.approx(20 / 3.684, rel=0.01)
    assert one["ratio_low"] > 1


def test_models_that_can_not_be_told_apart_are_not_ranked() -> None:
    results = found(8, 6, 3, 0, 8, 5, 3, 0)
    assert span(results)["sentence"].startswith("It can't be told whether gru remembers longer than lstm")
    (ranking,) = results["rankings"]
    assert [each["rank"] for each in ranking["models"]] == [1, 1]
    assert ranking["sentence"].startswith("By memory span: 1. gru = lstm.")


def test_a_ranking_puts_the_longest_memory_first() -> None:
    (ranking,) = found(8, 1, 0, 0, 8, 8, 8, 8)["rankings"]
    assert [(each["model"]["kind"], each["rank"]) for each in ranking["models"]] == [("lstm", 1), ("gru", 2)]
    assert ranking["models"][0]["span"] == "> 20"


def test_the_better_model_is_named_first_with_its_numbers_in_that_order() -> None:
    one = span(found(8, 2, 0, 0, 8, 8, 8, 7))
    assert one["sentence"].startswith("lstm remembers longer than gru (> 20 against 3.684 steps; ratio at least 5")
    assert (one["bound"], one["ratio"]) == ("at_most", pytest.approx(3.684 / 20, rel=0.01))


def test_two_spans_beyond_all_lengths_have_no_ratio() -> None:
    one = span(found(*[8] * 8))
    assert (one["difference"], one["ratio"], one["low"], one["high"]) == (None, None, None, None)
    assert "nothing bounds their ratio" in one["sentence"]
    assert one["adjusted_p"] == 1.0


def test_scores_are_compared_at_each_length_and_corrected_together() -> None:
    scores = [each for each in found(8, 8, 8, 8, 8, 8, 8, 0)["comparisons"] if each["metric"] == "test_accuracy"]
    assert [each["length"] for each in scores] == [2, 5, 10, 20]
    assert {each["family"] for each in scores} == {4}
    last = scores[-1]
    assert (last["difference"], last["probability_a_better"]) == (pytest.approx(0.4), 1.0)
    assert last["adjusted_p"] == pytest.approx(4 * last["p"])
    assert last["sentence"].startswith("gru has the better test accuracy than lstm at length 20 (difference 0.4")


def test_a_run_that_diverged_is_worse_than_any_other() -> None:
    rows = [RunRow(0, r, "succeeded", {"test_accuracy": 0.9}, diverged_at=2) for r in range(4)]
    rows += [RunRow(4, r, "succeeded", {"test_accuracy": 0.5}) for r in range(4)]
    one = next(each for each in document(SPEC, rows)["comparisons"] if each["metric"] == "test_accuracy")
    assert one["probability_a_better"] == 0.0
    assert one["difference"] is None


def test_one_repeat_has_no_interval_and_two_no_verdict() -> None:
    one, two = (span(found(1, 1, 0, 0, 1, 0, 0, 0, repeats=n)) for n in (1, 2))
    assert (one["low"], one["ratio_low"], one["p"]) == (None, None, None)
    assert two["p"] is None
    assert "2 repeats each: too few to tell" in two["sentence"]


def test_many_models_or_lengths_are_compared_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "RUNS", 63)
    assert {each["metric"] for each in found(*[8] * 8)["comparisons"]} == {"span"}
    monkeypatch.setattr(comparing, "RUNS", 64)
    assert len({each["metric"] for each in found(*[8] * 8)["comparisons"]}) > 1
    monkeypatch.setattr(comparing, "PLACES", 3)
    assert {each["metric"] for each in found(*[8] * 8)["comparisons"]} == {"span"}
    monkeypatch.setattr(comparing, "MOST", 1)
    assert found(*[8] * 8)["comparisons"] == []


def test_nothing_is_compared_before_two_models_have_runs() -> None:
    results = document(SPEC, [RunRow(0, 0, "succeeded", {"test_accuracy": 1.0})])
    assert (results["comparisons"], results["rankings"]) == ([], [])
