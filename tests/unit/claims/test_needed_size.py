"""The size that half of the runs need, and how it grows."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.claims.needed_size import growth, needed

SIZES = (2, 4, 8, 16)


def flags(share: float, n: int = 4) -> np.ndarray:
    return np.arange(n) < share * n


def test_the_needed_size_lies_where_half_of_the_runs_get_by() -> None:
    shares = np.array([[0.0, 0.5, 1.0, 1.0], [0.0, 0.25, 0.75, 1.0]])
    assert needed(SIZES, shares) == pytest.approx([2.0, 2.5])


def test_a_size_that_bounds_it_only_is_the_least_or_twice_the_largest() -> None:
    assert needed(SIZES, np.array([[1.0, 1, 1, 1], [0.0, 0, 0, 0.25]])) == pytest.approx([1.0, 5.0])


def test_the_first_crossing_counts_where_shares_go_up_and_down() -> None:
    assert needed(SIZES, np.array([[0.0, 1.0, 0.0, 1.0]])) == pytest.approx([1.5])


def test_a_size_that_doubles_with_the_load_grows_by_one() -> None:
    sufficed = [[flags(float(size >= load)) for size in SIZES] for load in (2, 4, 8)]
    found = growth(SIZES, (2, 4, 8), sufficed)
    assert (found.value, found.low, found.high, found.n) == (0.75, 0.75, 0.75, 4)  # 2 or less, 2.8, 5.7
    assert found.note == "Needed: 2 or less for 2, 2.8 for 4, 5.7 for 8."


def test_a_size_that_always_suffices_does_not_grow() -> None:
    found = growth(SIZES, (2, 4), [[flags(1.0)] * 4] * 2)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_runs_that_differ_give_an_interval() -> None:
    found = growth(SIZES, (2, 4), [[flags(1.0)] * 4, [flags(0.0), flags(0.5), flags(1.0), flags(1.0)]])
    assert found.low < found.value < found.high


def test_a_load_that_no_size_bears_is_told() -> None:
    assert "more than 16 for 4" in growth(SIZES, (2, 4), [[flags(1.0)] * 4, [flags(0.0)] * 4]).note
