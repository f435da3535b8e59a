"""What runs let one believe about a crossing."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.statistics.belief import Whereabouts, whereabouts


def after(lengths: list[int], solved: list[int], measured: list[int]) -> Whereabouts:
    return whereabouts(2, 512, 0.1, lengths, solved, measured)


def test_without_runs_the_crossing_may_lie_anywhere() -> None:
    found = after([], [], [])
    assert found.middle == pytest.approx(5, abs=0.1)  # half-way from 1 octave to 9
    assert (found.left, found.right) == (pytest.approx(2.5, abs=0.1), pytest.approx(7.5, abs=0.1))


def test_it_lies_between_what_was_solved_and_what_was_not() -> None:
    found = after([16, 64], [20, 0], [20, 20])
    assert 4 < found.left < found.middle < found.right < 6
    assert 3.9 < found.lowest <= found.left
    assert found.right <= found.highest < 6.1


def test_more_runs_narrow_it() -> None:
    few, many = after([16, 32, 64], [3, 2, 1], [4, 4, 4]), after([16, 32, 64], [30, 20, 10], [40, 40, 40])
    assert many.highest - many.lowest < few.highest - few.lowest


def test_the_order_of_the_lengths_does_not_matter() -> None:
    assert after([64, 16], [0, 20], [20, 20]) == after([16, 64], [20, 0], [20, 20])


def test_one_run_rules_nothing_out() -> None:
    """A lucky run at a long length is a slip beside many that say otherwise."""
    assert after([16, 32, 256], [20, 0, 1], [20, 20, 4]).middle < 5.5


def test_a_plateau_is_not_taken_for_a_crossing() -> None:
    found = after([4, 8, 16, 32, 64, 128], [15, 16, 14, 16, 1, 0], [20] * 6)
    assert 5 < found.middle < 6


def test_edges_lie_on_the_bend_once_the_crossing_is_known_better_than_that() -> None:
    lengths = [16, 24, 32, 48, 64]
    rates = 1 / (1 + np.exp(2 * (np.log2(lengths) - 5)))
    found = after(lengths, [round(400 * rate) for rate in rates], [400] * 5)
    assert found.middle == pytest.approx(5, abs=0.05)
    assert found.right - found.middle == pytest.approx(np.log(2) / 2, abs=0.06)
