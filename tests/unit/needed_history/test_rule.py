"""The rule of needed history, its gate and its interval."""

from __future__ import annotations

import numpy as np

from memspan.needed_history.rule import Need, first_keeping, gate, needed
from memspan.statistics.blocks import redrawn_means


def test_it_is_the_first_context_that_keeps_the_skill_and_not_the_one_from_which_on() -> None:
    overfitting = np.array([2.0, 1.04, 1.0, 1.2, 1.6])
    assert first_keeping(overfitting, np.array(2.0), 0.05, 0) == 1
    assert first_keeping(overfitting, np.array(2.0), 0.03, 0) == 2


def test_each_row_is_held_to_its_own_best_and_reference() -> None:
    rows = np.array([[2.0, 1.0, 1.0], [2.0, 1.5, 1.0], [1.0, 1.5, 2.0]])
    assert first_keeping(rows, rows[:, 0], 0.05, 0).tolist() == [1, 2, 0]


def test_where_the_last_value_is_not_beaten_it_is_what_is_needed() -> None:
    assert first_keeping(np.array([9.0, 1.0, 1.1]), np.array(0.9), 0.05, 1) == 1


def test_the_gate_opens_for_a_gain_that_chance_does_not_bring_and_not_for_one_that_it_does() -> None:
    rng = np.random.default_rng(1)
    gains = np.array([0.0, 0.1, 0.1])
    drawn = gains + np.hstack([np.zeros((2_000, 1)), 0.02 * rng.normal(size=(2_000, 2))])
    assert gate(gains, drawn) < 0.001
    assert gate(gains / 10, drawn - 0.9 * gains) > 0.3


def test_the_gate_stays_shut_where_every_context_answers_alike() -> None:
    assert gate(np.zeros(3), np.zeros((100, 3))) == 1.0


def points(*means: float, n: int = 400, spread: float = 0.05) -> np.ndarray:
    shared = np.random.default_rng(2).normal(size=(n, 1))
    own = np.random.default_rng(3).normal(size=(n, len(means)))
    return np.array(means) + shared + spread * own


def asked(values: np.ndarray) -> Need:
    drawn = redrawn_means(values, 5)
    means = values.mean(axis=0)
    return needed("constant", np.arange(values.shape[1]), means, float(means[0]), drawn, drawn[:, 0])


def test_a_sharp_end_has_an_interval_of_one_number() -> None:
    need = asked(points(2.0, 1.5, 1.0, 1.0, 1.0))
    assert (need.steps, need.low, need.high, need.found) == (2, 2, 2, True)


def test_a_slow_end_has_a_wide_interval() -> None:
    need = asked(points(2.0, 1.2, 1.06, 1.05, 1.0, spread=1.0))
    assert need.low < need.high
    assert need.low <= need.steps <= need.high


def test_nothing_found_answers_0_and_how_far_it_could_still_reach() -> None:
    need = asked(points(1.0, 1.0, 1.0, 1.0, 1.0))
    assert (need.steps, need.low, need.found) == (0, 0, False)
    assert need.high > 0
    assert need.p > 0.05


def test_a_coarse_ladder_rounds_up_so_the_lower_end_is_one_more_than_the_next_shorter_context() -> None:
    values = points(2.0, 1.9, 1.0, 1.0)
    drawn, means = redrawn_means(values, 5), values.mean(axis=0)
    need = needed("constant", np.array([0, 4, 8, 16]), means, float(means[0]), drawn, drawn[:, 0])
    assert (need.steps, need.low, need.high) == (8, 5, 8)
