"""Gaps between conditions: how much a third closes, how far two pairs lie apart, epochs to a mark."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.claims.gap import apart, closed, epochs_needed
from memspan.claims.measured import NotMeasured


def same(value: float) -> np.ndarray:
    return np.full(4, value)


@pytest.mark.parametrize(("other", "share"), [(1e-2, 0.0), (1e-3, 0.5), (1e-4, 1.0), (1e-5, 1.5), (1e-1, -0.5)])
def test_a_loss_half_way_in_powers_of_ten_closes_half_of_the_gap(other: float, share: float) -> None:
    found = closed(same(1e-2), same(other), same(1e-4))
    assert (found.value, found.low, found.high) == pytest.approx((share, share, share))


def test_medians_decide_how_much_is_closed() -> None:
    exploded = np.array([1e-3, 1e-3, 1e-3, 7e7])
    assert closed(same(1e-2), exploded, same(1e-4)).value == pytest.approx(0.5)


@pytest.mark.parametrize("better", [1e-2, 2e-2, np.nan])
def test_without_a_gap_nothing_is_closed(better: float) -> None:
    with pytest.raises(NotMeasured, match="no gap"), np.errstate(all="ignore"):
        closed(same(1e-2), same(1e-3), np.array([better, better, better, 3e-2]))


def test_pairs_lie_apart_by_powers_of_ten() -> None:
    found = apart((same(1e-2), same(1e-4)), (same(3e-3), same(3e-3)))
    assert (found.value, found.n) == (pytest.approx(2.0), 4)


def test_epochs_are_counted_from_one_and_a_mark_never_reached_costs_one_more_than_all() -> None:
    lines = np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 3.0], [1.0, np.nan, np.nan], [3.0, np.nan, np.nan]])
    assert epochs_needed(lines, np.array([2.0, 2.0, 1.0, 2.0])).tolist() == [2, 4, 1, 4]
