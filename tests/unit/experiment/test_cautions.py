"""What a plan warns of."""

from __future__ import annotations

from typing import Any

import pytest

from memspan.experiment.cautions import travelled
from memspan.experiment.placements import Placements
from memspan.experiment.plan import plan
from memspan.experiment.run import parse
from memspan.training import Training

SOUND: dict[str, Any] = {
    "tasks": [{"kind": "adding"}],
    "models": [{"kind": "gru", "hidden_size": 8}],
    "lengths": [5, 10, 20],
    "repeats": 10,
}


def warned(**changes: Any) -> dict[str, tuple[str, str]]:
    """Pointer and message of each warning, by its code."""
    found = plan(Placements(parse(SOUND | changes))).warnings
    return {each["code"]: (each["pointer"], each["message"]) for each in found}


def test_a_sound_spec_is_warned_of_nothing() -> None:
    assert warned() == {}


def test_a_match_that_comes_to_one_unit_is_no_size() -> None:
    pointer, message = warned(models=[{"kind": "lstm"}, {"kind": "gru", "match": {"state_size": 1}}])["one_unit"]
    assert pointer == "#/models/1/match"
    assert "one hidden unit" in message
    assert "one_unit" in warned(models=[{"kind": "gru"}], match={"state_size": 1})
    assert "one_unit" not in warned(models=[{"kind": "gru"}], match={"state_size": 2})


def test_one_unit_that_is_stated_is_meant() -> None:
    assert warned(models=[{"kind": "gru", "hidden_size": 1}, {"kind": "gru", "hidden_size": [1]}]) == {}


@pytest.mark.parametrize(("repeats", "words"), [(1, "One repeat has no interval"), (9, "9 repeats give wide")])
def test_fewer_than_ten_repeats_tell_little(repeats: int, words: str) -> None:
    pointer, message = warned(repeats=repeats)["few_repeats"]
    assert pointer == "#/repeats"
    assert words in message


def test_training_that_took_networks_less_far_than_the_longest_length_is_too_short() -> None:
    pointer, message = warned(lengths=[10, 30, 90])["few_epochs"]  # the search of a new user: 12 against < 5 steps
    assert pointer == "#/training/epochs"
    assert "2500 optimiser steps at a learning rate of 0.001" in message
    assert "about 25 in the studies; the longest here is 90" in message
    assert "few_epochs" not in warned(lengths=[10, 30, 90], training={"epochs": 20})
    assert "few_epochs" in warned(lengths={"search": {"low": 5, "high": 100}})


def test_networks_without_a_state_and_optimisers_without_a_pace_are_not_judged_by_it() -> None:
    assert "few_epochs" not in warned(lengths=[10, 30, 90], models=[{"kind": "cnn"}])
    sgd = {"optimizer": {"kind": "sgd", "learning_rate": 0.001}}
    assert "few_epochs" not in warned(lengths=[10, 30, 90], training=sgd)


def test_what_is_travelled_is_the_sum_of_all_rates() -> None:
    training = Training(train_size=320, batch_size=32, epochs=7, halve_every=25)
    assert travelled(training) == pytest.approx(sum(training.rate(step) for step in range(1, 71)))
    assert travelled(Training()) == pytest.approx(2.5)


def test_lengths_that_hold_no_span_are_told() -> None:
    pointer, message = warned(lengths=[10, 12, 14])["narrow_lengths"]
    assert pointer == "#/lengths"
    assert "from 10 to 14" in message


def test_a_gap_between_lengths_is_told() -> None:
    assert "between 4 and 20" in warned(lengths=[2, 4, 20])["wide_gap"][1]
    assert "wide_gap" not in warned(lengths=[2, 8, 25])


def test_a_search_brackets_by_itself() -> None:
    assert warned(lengths={"search": {"low": 2, "high": 25}}).keys() == {"at_most"}
