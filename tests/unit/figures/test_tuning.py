"""What was tuned, as a figure and in words."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.figures.catalogue import draw
from memspan.figures.training_words import after, budget_words
from memspan.figures.tuning_words import chosen_loss, chosen_words, window_words

SCORE = {"clip_norm": 1.0, "weight_decay": 0.0, "low": 0.1, "high": 0.3, "n": 3, "diverged": 0, "good": 2}
LOST = {**SCORE, "median": "Infinity", "low": 0.5, "high": "Infinity", "diverged": 2, "good": 0}
WINDOW = {"low": 0.001, "high": 0.0316, "decades": 1.5, "decades_low": 1.0, "decades_high": 2.0, "open": True}
ENTRY: dict[str, Any] = {
    "task": {"kind": "latch"},
    "model": {"kind": "gru"},
    "length": 5,
    "open": False,
    "failed": 0,
    "chosen": 0.01,
    "setting": {"learning_rate": 0.01, "clip_norm": 1.0},
    "at_edge": False,
    "scores": [
        {**SCORE, "learning_rate": 0.001, "median": 0.2},
        {**SCORE, "learning_rate": 0.01, "median": 0.15},
        {**LOST, "learning_rate": 0.1},
        {**SCORE, "learning_rate": 0.01, "clip_norm": 9.0, "median": 0.4},
    ],
    "window": WINDOW,
}


def rows(figure: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*figure.get("data", {}).get("values", ())]
    for name in ("layer", "concat", "hconcat", "vconcat"):
        found += [row for inner in figure.get(name, ()) for row in rows(inner)]
    return found


def test_the_rates_are_drawn_by_the_chosen_other_numbers_and_lost_ones_apart() -> None:
    drawn = rows(draw("tuning", {"tuning": [ENTRY]}).to_dict())
    assert {row["rate"] for row in drawn} == {0.001, 0.01, 0.1}
    assert {row["loss"] for row in drawn if row["rate"] == 0.01} == {0.15}
    assert all(row["loss"] is None for row in drawn if row["rate"] == 0.1)
    assert {row["rate"] for row in drawn if row["chosen"]} == {0.01}


def test_of_many_lengths_some_are_drawn() -> None:
    entries = [{**ENTRY, "length": length} for length in range(2, 42)]
    titles = str(draw("tuning", {"tuning": entries}).to_dict())
    assert [f"length {length}" in titles for length in (2, 15, 28, 41)] == [True] * 4
    assert "length 3'" not in titles


def test_choices_at_the_edge_are_counted() -> None:
    assert "1 of 1 choices" in str(draw("tuning", {"tuning": [{**ENTRY, "at_edge": True}]}).to_dict())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "0.01, largest norm 1"),
        ({"at_edge": True}, "0.01, largest norm 1 (at the edge)"),
        ({"setting": None, "open": True}, "not yet"),
        ({"setting": None, "failed": 2}, "none: 2 of its runs failed"),
    ],
)
def test_what_was_chosen_in_words(changes: dict[str, Any], words: str) -> None:
    assert chosen_words({**ENTRY, **changes}) == words


def test_the_loss_of_what_was_chosen_is_that_of_the_whole_setting() -> None:
    assert str(chosen_loss(ENTRY)) == "0.15 (0.10 to 0.30)"
    assert str(chosen_loss({**ENTRY, "setting": None})) == "–"
    assert str(chosen_loss({**ENTRY, "setting": {"learning_rate": 0.1}})).startswith("∞")


def test_windows_in_words() -> None:
    assert window_words(ENTRY) == "0.001 to 0.032, 1.5 (1.0 to 2.0) decades or more"
    assert window_words({**ENTRY, "window": None}) == "–"
    assert window_words({**ENTRY, "window": {**WINDOW, "low": None, "high": None}}) == "none"


BUDGET: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.01, "steps": 2500, "until": None}


def tuned(*chosen: float, **changes: Any) -> dict[str, Any]:
    numbers = [{"name": "learning_rate", "candidates": [0.001, 0.01, 0.1], "chosen": list(chosen)}]
    rate = chosen[0] if len(chosen) == 1 else None
    return {**BUDGET, "learning_rate": rate, "tuned": {"repeats": 3, "length": None, "numbers": numbers} | changes}


def test_a_tuned_budget_says_what_it_was_the_best_of() -> None:
    words = "tuned: the best of 3 learning rates from 0.001 to 0.1 by 3 repeats of each"
    assert budget_words(tuned(0.01)) == f"2,500 steps of Adam at 0.01 ({words}, at every length)"
    assert budget_words(tuned(0.001, 0.1)) == f"2,500 steps of Adam at 0.001 to 0.1 ({words}, at every length)"
    assert budget_words(tuned(0.01, length=20)).endswith("of each, once, at length 20)")
    assert budget_words(BUDGET) == "2,500 steps of Adam at 0.01"


def test_results_that_differ_in_what_was_chosen_have_one_budget_in_words() -> None:
    told = after([{"budget": tuned(0.01)}, {"budget": tuned(0.1)}, {"budget": tuned(0.01)}])
    assert told.startswith("after 2,500 steps of Adam at 0.01 to 0.1 (tuned")
    assert "; or " not in told
