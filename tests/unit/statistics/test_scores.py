"""Medians over repeats, and intervals of numbers made of sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memspan.statistics.band import band_of_sums, median_band
from memspan.statistics.scores import mean_scores, median_scores


def test_one_repeat_that_explodes_does_not_rule_the_median() -> None:
    rows = np.concatenate([np.random.default_rng(1).normal(1, 0.1, (29, 2)), np.full((1, 2), 7e7)])
    found = median_band(rows)
    assert found.n == 30
    assert found.value == pytest.approx([1, 1], abs=0.1)
    assert (found.high < 2).all()


def test_repeats_that_are_not_numbers_are_left_out_and_infinite_ones_count() -> None:
    found = median_band(np.array([[1.0], [2.0], [math.inf], [math.nan]]))
    assert found.n == 3
    assert found.value[0] == 2
    assert found.high[0] == math.inf


def test_nothing_at_all_gives_nan_and_none() -> None:
    assert math.isnan(median_band(np.full((2, 1), math.nan)).value[0])
    assert median_scores("tau", np.array([math.nan])) == {"tau": None}
    assert mean_scores("total", np.full(3, math.nan)) == {"total": None, "total_low": None, "total_high": None}


def test_one_repeat_has_no_interval_and_several_have() -> None:
    assert median_scores("tau", np.array([3.0])) == {"tau": 3.0}
    found = mean_scores("total", np.array([1.0, 2.0, 3.0]))
    assert found["total"] == 2
    assert found["total_low"] == pytest.approx(1, abs=0.4)
    assert found["total_high"] == pytest.approx(3, abs=0.4)


def test_the_interval_of_a_median_holds_the_truth_as_often_as_it_says() -> None:
    """200 draws of n = 40: coverage of a 95 % interval below 88 % (176) has p < 1e-4."""
    rng = np.random.default_rng(2)
    drawn = median_band(rng.normal(0, 1, (40, 200)))
    assert int(((drawn.low <= 0) & (drawn.high >= 0)).sum()) >= 176


def test_the_interval_of_a_ratio_of_sums_holds_the_truth_as_often_as_it_says() -> None:
    """200 ratios of means 2 and 4, n = 50: coverage below 87 % (174) has p < 1e-4 even at the bootstrap's own 94 %."""
    rng = np.random.default_rng(3)
    parts = np.stack([rng.normal(2, 1, (50, 200)), rng.normal(4, 1, (50, 200))], axis=-1)
    found = band_of_sums(parts, lambda means: means[..., 0] / means[..., 1])
    assert found.n == 50
    assert int(((found.low <= 0.5) & (found.high >= 0.5)).sum()) >= 174
    assert np.median(found.value) == pytest.approx(0.5, abs=0.02)
