"""Exponential against power-law decay."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memspan.statistics.decay import fit_decay, middle, slopes

LAGS = np.arange(100.0)


def test_an_exponential_is_found_exactly_and_preferred() -> None:
    found = fit_decay(LAGS, 3 * 0.9**LAGS)
    assert found.rate == pytest.approx(-math.log(0.9), rel=1e-12)
    assert found.half_length == pytest.approx(math.log(2) / -math.log(0.9), rel=1e-12)
    assert found.exponential_aic < found.power_aic


def test_a_power_law_is_found_exactly_and_preferred() -> None:
    found = fit_decay(LAGS, (LAGS + 1) ** -0.2)
    assert found.exponent == pytest.approx(0.2, rel=1e-12)
    assert found.power_aic < found.exponential_aic


@pytest.mark.parametrize("exponential", [True, False])
def test_the_right_law_is_preferred_under_noise(exponential: bool) -> None:
    """100 curves with 10 % noise at each of 100 points, whose laws differ by far more: no wrong choice is expected."""
    rng = np.random.default_rng(1)
    truth = np.exp(-LAGS / 30) if exponential else (LAGS + 1) ** -0.7
    for _ in range(100):
        found = fit_decay(LAGS, truth * np.exp(0.1 * rng.standard_normal(len(LAGS))))
        assert (found.exponential_aic < found.power_aic) == exponential
        assert (found.scores()["aic_difference"] > 0) != exponential


def test_the_criterion_is_that_of_least_squares() -> None:
    """Residuals ±1 around a flat line: variance 1, slope of x = 0, 1, 2, 3 against +1 -1 -1 +1 is 0."""
    found = fit_decay(np.arange(4.0), np.exp([1.0, -1.0, -1.0, 1.0]))
    assert found.rate == pytest.approx(0, abs=1e-15)
    assert found.exponential_aic == pytest.approx(4 * math.log(1) + 2 * 3, abs=1e-12)


def test_points_without_a_logarithm_are_left_out() -> None:
    values = 0.5**LAGS
    values[[3, 50]] = 0, math.nan
    found = fit_decay(LAGS, values)
    assert found.points == 98
    assert found.half_length == pytest.approx(1)


def test_what_does_not_fall_never_halves() -> None:
    assert fit_decay(LAGS, np.exp(0.1 * LAGS)).half_length == math.inf


def test_two_points_are_too_few_to_fit() -> None:
    found = fit_decay(LAGS[:2], np.ones(2))
    assert all(math.isnan(value) for value in found.scores().values())


def test_slopes_are_those_of_each_row() -> None:
    x = np.arange(5.0)
    assert slopes(x, np.stack([2 * x + 1, -x])) == pytest.approx([2, -1])


@pytest.mark.parametrize(("count", "kept"), [(5, 5), (10, 8), (200, 160)])
def test_the_middle_leaves_a_tenth_out_at_either_end(count: int, kept: int) -> None:
    assert len(range(count)[middle(count)]) == kept
