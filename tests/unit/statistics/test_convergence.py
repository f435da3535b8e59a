"""Whether training had come to its end."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.convergence import NOISES, share
from memspan.statistics.convergence import counts, guessed_classes, guessed_numbers, improving, overall, states, tail

FLAT = np.full((6, 5), 0.2) + 0.002 * np.sin(np.arange(30)).reshape(6, 5)
FALLING = FLAT - 0.02 * np.arange(5)
NO = np.zeros(6, dtype=bool)


@pytest.mark.parametrize(("epochs", "looked_at"), [(1, 1), (2, 2), (3, 3), (5, 3), (15, 3), (16, 4), (100, 20)])
def test_the_last_fifth_is_looked_at_and_three_epochs_where_there_are_so_many(epochs: int, looked_at: int) -> None:
    assert tail(epochs) == looked_at


def test_errors_that_rest_have_converged_and_errors_that_fall_improve() -> None:
    assert states(FLAT, NO, NO, None) == ("converged",) * 6
    assert states(FALLING, NO, NO, None) == ("improving",) * 6


def test_errors_that_rise_do_not_improve() -> None:
    assert states(FLAT + 0.02 * np.arange(5), NO, NO, None) == ("converged",) * 6


def test_one_run_that_has_just_begun_to_learn_improves_alone() -> None:
    one = FLAT.copy()
    one[2] -= 0.03 * np.arange(5)
    assert states(one, NO, NO, None) == (*["converged"] * 2, "improving", *["converged"] * 3)


def test_a_solved_run_has_converged_although_its_error_still_falls() -> None:
    solved = np.array([True, True, False, False, False, False])
    assert states(FALLING, solved, NO, None)[:3] == ("converged", "converged", "improving")


def test_a_diverged_run_is_that_whatever_it_had_solved() -> None:
    lost = np.array([True, *[False] * 5])
    gone = np.where(lost[:, None], np.nan, FLAT)
    assert states(gone, lost, lost, None) == ("diverged", *["converged"] * 5)


def test_errors_of_guessing_are_told_from_slow_ones() -> None:
    guessing = guessed_classes(0.5, 400)  # .5 - 2.33 x .025
    assert guessing.bound == pytest.approx(0.44175)
    errors = np.repeat(np.array([0.5, 0.47, 0.442, 0.441, 0.3, 0.1])[:, None], 5, axis=1)
    assert states(errors, NO, NO, guessing) == (*["no_better_than_chance"] * 3, *["converged"] * 3)


def test_a_tiny_validation_set_calls_no_error_guessing_below_half_of_it() -> None:
    assert guessed_classes(0.5, 4).bound == 0.25
    assert guessed_numbers(2.0, 2).bound == 1.0


@pytest.mark.parametrize("size", [100, 2_000])
def test_guessers_are_called_so_but_for_one_in_a_hundred(size: int) -> None:
    # n = 4 000 guessers; of a rate of .01 more than .0155 or less than .005 with probability below .001 (the binomial
    # is coarse at 100 sequences: its own rate is .0105).
    wrong = np.random.default_rng(1).binomial(size, 0.5, size=4_000) / size
    better = float((wrong < guessed_classes(0.5, size).bound).mean())
    assert 0.005 < better < 0.0155
    squares = (np.random.default_rng(2).normal(size=(4_000, size)) ** 2).mean(axis=1)
    assert float((squares < guessed_numbers(1.0, size).bound).mean()) < 0.0155


def test_two_repeats_or_one_epoch_do_not_tell() -> None:
    assert states(FALLING[:2], NO[:2], NO[:2], None) == ("unknown",) * 2
    assert states(FALLING[:, :1], NO, NO, None) == ("unknown",) * 6
    assert states(np.empty((6, 0)), NO, NO, None) == ("unknown",) * 6
    assert states(np.empty((0, 3)), NO[:0], NO[:0], None) == ()


def test_a_fall_of_less_than_two_percent_is_none_however_sure() -> None:
    slow = np.full((50, 5), 0.2) * (1 - 0.004 * np.arange(5)) * (1 + 1e-5 * np.sin(np.arange(250)).reshape(50, 5))
    assert not improving(slow).any()


def test_an_error_of_nothing_falls_no_more() -> None:
    assert not improving(np.zeros((5, 3))).any()


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("repeats", "epochs"), [(3, 3), (5, 20), (30, 5)])
def test_false_alarms_are_as_rare_as_stated(noise: str, repeats: int, epochs: int) -> None:
    # n = 400 converged conditions; of a rate of .05 more than 38 (.095) with probability below 1e-4.
    assert share(NOISES[noise], repeats, epochs, conditions=400) < 0.095


def test_misses_are_as_rare_as_stated() -> None:
    # n = 200: ten repeats that shed 40 % are missed in 1 of 100 at most, five that shed 20 % in about half.
    assert share(NOISES["independent"], 10, 3, 0.4, conditions=200) >= 0.96
    assert 0.3 < share(NOISES["independent"], 5, 3, 0.2, conditions=200) < 0.6
    assert share(NOISES["independent"], 10, 20, 0.6, lone=True, conditions=200) >= 0.96


def test_a_condition_improves_where_any_repeat_does_else_it_is_what_most_are() -> None:
    assert overall(counts(["converged"] * 9 + ["improving"])) == "improving"
    assert overall(counts(["converged"] * 3 + ["no_better_than_chance"] * 2)) == "converged"
    assert overall(counts(["converged"] * 2 + ["no_better_than_chance"] * 2)) == "no_better_than_chance"
    assert overall(counts(["converged", "diverged"])) == "diverged"
    assert overall(counts([])) is None
