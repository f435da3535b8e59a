"""Intervals over repeats."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memspan.statistics import Interval, bootstrap_mean, wilson
from memspan.statistics.interval import ROWS_AT_ONCE

samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(samples)
def test_the_bootstrap_interval_lies_within_the_values(values: list[float]) -> None:
    low, high = bootstrap_mean(np.array([values]))
    assert min(values) <= low[0] <= high[0] <= max(values)


def test_the_same_values_give_the_same_interval_in_any_company() -> None:
    rows = np.random.default_rng(1).normal(size=(ROWS_AT_ONCE + 7, 30))
    low, high = bootstrap_mean(rows)
    for row in (0, 5, ROWS_AT_ONCE - 1, ROWS_AT_ONCE + 6):
        alone_low, alone_high = bootstrap_mean(rows[row : row + 1])
        assert (alone_low[0], alone_high[0]) == (low[row], high[row])


def test_one_value_is_its_own_interval() -> None:
    low, high = bootstrap_mean(np.array([[2.5], [-1.0]]))
    assert low.tolist() == high.tolist() == [2.5, -1.0]


def test_no_values_have_no_interval() -> None:
    low, high = bootstrap_mean(np.empty((3, 0)))
    assert low.shape == high.shape == (3,)
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_equal_values_have_no_width() -> None:
    low, high = bootstrap_mean(np.full((1, 30), 0.1))
    assert low[0] == high[0] == 0.1


def test_bootstrap_bounds_are_the_quantiles_of_resampled_means() -> None:
    values = np.random.default_rng(3).normal(size=(1, 25))
    drawn = np.random.default_rng((4, 25, 500)).integers(0, 25, size=(500, 25))
    expected = np.quantile(values[0][drawn].mean(axis=1), [0.05, 0.95])
    low, high = bootstrap_mean(values, seed=4, resamples=500, level=0.9)
    assert [low[0], high[0]] == pytest.approx(expected)


def test_bootstrap_intervals_cover_the_true_mean_at_about_their_level() -> None:
    # n = 10 000 experiments of 30 normal values. A percentile interval is known to be short by sqrt(29/30) and normal
    # instead of t: 93.5 %. Outside 92.5..94.5 % (4 deviations) with probability .0001.
    rows = np.random.default_rng(7).normal(size=(10_000, 30))
    low, high = bootstrap_mean(rows)
    assert 0.925 <= np.mean((low <= 0) & (high >= 0)) <= 0.945


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(8, 10, 0.490162, 0.943318), (0, 10, 0.0, 0.277533), (10, 10, 0.722467, 1.0), (24, 30, 0.626943, 0.904949)],
)
def test_wilson_agrees_with_published_values(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=2e-6)


@given(st.integers(0, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_encloses_the_rate_within_zero_and_one(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval = wilson(successes, n)
    rate = successes / n if n else 0.5
    assert 0 <= interval.low <= rate <= interval.high <= 1
    assert not isnan(interval.low)


def test_a_rate_of_nothing_is_open() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 4)])
def test_an_impossible_rate_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        wilson(successes, n)
