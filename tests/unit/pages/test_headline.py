"""The headline of results, in words."""

from __future__ import annotations

from typing import Any

import pytest

from service.pages.headline import headline
from tests.unit.figures.document import FIRST_LAST, LATCH, document, empty

SPANS = "lstm · chrono remembers beyond the longest tested length, 50; rnn remembers about 20 steps (15 to 20); "


def said(form: dict[str, Any], state: str = "succeeded") -> list[str]:
    return headline({**form, "experiment": {"id": "e1", "state": state}})


def test_the_farthest_memory_is_named_first() -> None:
    (sentence,) = said(document())
    assert sentence == SPANS + "lstm · keras remembers about 20 steps (15 to 20)."


def test_a_span_below_the_grid_is_said() -> None:
    form = document()
    form["spans"] = [form["spans"][0] | {"censored": "below", "span": 2.0}]
    assert said(form) == ["rnn does not reach the shortest tested length, 2."]


def test_several_tasks_have_a_sentence_each() -> None:
    assert [text.split(":")[0] for text in said(document((LATCH, FIRST_LAST)))] == ["latch", "first_last"]


def test_an_unfinished_experiment_answers_so_far() -> None:
    assert said(document(), "running")[0].startswith("So far: lstm")
    assert said(document((LATCH, FIRST_LAST)), "running")[1].startswith("first_last, so far: lstm")


def test_without_lengths_the_scores_are_the_answer_best_first() -> None:
    form = document(lengths=(None,))
    form["spans"] = []
    assert said(form)[0].startswith("Test accuracy: lstm · keras 0.90 (0.85 to 0.95); lstm · chrono 0.90")


def test_a_lower_loss_is_better() -> None:
    form = document((FIRST_LAST,), lengths=(None,))
    form["spans"] = []
    assert said(form)[0].startswith("Test loss: rnn 0.60")


@pytest.mark.parametrize("state", ["queued", "running", "paused", "failed", "cancelled"])
def test_without_results_a_sentence_says_why(state: str) -> None:
    (sentence,) = said(empty(), state)
    assert sentence.endswith(".")
