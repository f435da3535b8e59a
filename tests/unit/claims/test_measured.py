"""Numbers over repeats with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.claims import measured
from memspan.claims.measured import (
    Measured,
    NotMeasured,
    bootstrapped,
    epochs_to_reach,
    log_ratio_difference,
    share_of_gap,
)


def flags(successes: int, n: int) -> measured.Flags:
    return np.arange(n) < successes


def normal(mean: float, n: int, seed: int) -> measured.Floats:
    return np.random.default_rng(seed).normal(mean, 1.0, n)


def test_a_rate_has_wilsons_interval() -> None:
    found = measured.rate(flags(24, 30))
    assert (found.value, found.n) == (0.8, 30)
    assert (round(found.low, 4), round(found.high, 4)) == (0.6269, 0.9049)


def test_a_rate_of_nothing_is_no_number() -> None:
    found = measured.rate(flags(0, 0))
    assert np.isnan(found.value)
    assert (found.low, found.high, found.n) == (0.0, 1.0, 0)


def test_a_difference_of_rates_has_newcombes_interval() -> None:
    """His example: 56/70 against 48/80 differ by .2, method 10 gives .0524 to .3339."""
    found = measured.rate_difference(flags(56, 70), flags(48, 80))
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (0.2, 0.0524, 0.3339)


def test_an_exact_number_has_no_spread() -> None:
    assert measured.exactly(41.0) == Measured(41.0, 41.0, 41.0, 1)


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    """400 draws of deviation 1: the interval is 2 x 1.96 / 20 wide, the bootstrap's own noise some percent."""
    found = measured.mean(normal(5.0, 400, seed=1))
    assert found.high - found.low == pytest.approx(2 * 1.96 / 20, rel=0.12)
    assert found.low < 5.0 < found.high


def test_an_interval_covers_what_is_true_as_often_as_it_says() -> None:
    """200 experiments of 30 repeats: a 95 % interval misses 10 times, more than 25 times in less than 1 of 10 000."""
    missed = 0
    for seed in range(200):
        found = measured.difference(normal(1.0, 30, seed), normal(0.0, 30, seed + 1000))
        missed += not found.low <= 1.0 <= found.high
    assert missed <= 25


def test_the_same_values_give_the_same_interval() -> None:
    values = normal(0.0, 20, seed=3)
    assert measured.median(values) == measured.median(values.copy())


def test_pairing_uses_that_repeats_share_their_data() -> None:
    shared = np.random.default_rng(1).normal(0.0, 10.0, 50)
    better, worse = shared + 1, shared
    statistic = bootstrapped(lambda x, y: x.mean(-1) - y.mean(-1), better, worse, paired=True)
    assert statistic.low == pytest.approx(1.0)
    assert statistic.high == pytest.approx(1.0)
    assert measured.difference(better, worse).low < 0


def test_an_exploded_run_is_left_out_and_told() -> None:
    found = measured.mean(np.array([1.0, 2.0, np.nan, 3.0, np.inf]))
    assert (found.value, found.n) == (2.0, 3)
    assert found.note == "2 repeats without a finite value are left out."


def test_a_pair_that_lost_one_loses_the_other() -> None:
    found = bootstrapped(
        lambda x, y: x.mean(-1) - y.mean(-1), np.array([1.0, np.nan, 3.0]), np.array([0.0, 9.0, 2.0]), paired=True
    )
    assert (found.value, found.n) == (1.0, 2)
    assert found.note == "1 repeat without a finite value is left out."


def test_unequal_pairs_are_not_measured() -> None:
    with pytest.raises(NotMeasured, match="unequal numbers"):
        bootstrapped(lambda x, y: x.mean(-1) - y.mean(-1), np.ones(3), np.ones(2), paired=True)


def test_one_repeat_says_nothing_of_others() -> None:
    found = measured.mean(np.array([1.0]))
    assert (found.value, found.low, found.high, found.n) == (1.0, -np.inf, np.inf, 1)


def test_one_repeat_of_nothing_is_no_number() -> None:
    found = measured.ratio(np.zeros(1), np.zeros(1))
    assert np.isnan(found.value)
    assert found.n == 1


def test_nothing_finite_is_no_number() -> None:
    found = measured.mean(np.array([np.nan, np.inf]))
    assert found.n == 0
    assert np.isnan(found.value)


def test_a_ratio_to_zero_is_infinite_and_one_of_zeros_no_number() -> None:
    assert measured.ratio(np.ones(5), np.zeros(5)).value == np.inf
    nothing = measured.ratio(np.zeros(5), np.zeros(5))
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_one_exploded_run_in_thirty_does_not_decide_a_ratio() -> None:
    losses = np.r_[np.full(29, 2.0), 1e9]
    assert measured.ratio(losses, np.full(30, 1.0)).value == 2.0


def same(value: float) -> np.ndarray:
    return np.full(4, value)


@pytest.mark.parametrize(("other", "share"), [(1e-2, 0.0), (1e-3, 0.5), (1e-4, 1.0), (1e-5, 1.5), (1e-1, -0.5)])
def test_a_loss_half_way_in_powers_of_ten_closes_half_of_the_gap(other: float, share: float) -> None:
    found = share_of_gap(same(1e-2), same(other), same(1e-4))
    assert (found.value, found.low, found.high) == pytest.approx((share, share, share))


def test_medians_decide_how_much_is_closed() -> None:
    exploded = np.array([1e-3, 1e-3, 1e-3, 7e7])
    assert share_of_gap(same(1e-2), exploded, same(1e-4)).value == pytest.approx(0.5)


@pytest.mark.parametrize("better", [1e-2, 2e-2, np.nan])
def test_without_a_gap_nothing_is_closed(better: float) -> None:
    with pytest.raises(NotMeasured, match="no gap"), np.errstate(all="ignore"):
        share_of_gap(same(1e-2), same(1e-3), np.array([better, better, better, 3e-2]))


def test_pairs_lie_apart_by_powers_of_ten() -> None:
    found = log_ratio_difference((same(1e-2), same(1e-4)), (same(3e-3), same(3e-3)))
    assert (found.value, found.n) == (pytest.approx(2.0), 4)


def test_epochs_are_counted_from_one_and_a_mark_never_reached_costs_one_more_than_all() -> None:
    lines = np.array([[3.0, 2.0, 1.0], [3.0, 3.0, 3.0], [1.0, np.nan, np.nan], [3.0, np.nan, np.nan]])
    assert epochs_to_reach(lines, np.array([2.0, 2.0, 1.0, 2.0])).tolist() == [2, 4, 1, 4]
