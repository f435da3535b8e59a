"""Curves over sequences that don't all reach every place."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.statistics.band import band
from memspan.statistics.ragged_band import ragged_band


def test_each_place_is_a_mean_over_the_sequences_that_reach_it() -> None:
    values = np.array([[[1.0, 2.0, 6.0], [3.0, 4.0, 0.0], [5.0, 0.0, 0.0]]])
    there = np.array([[1.0, 1, 1], [1, 1, 0], [1, 0, 0]])
    found = ragged_band(values, there)
    assert found.value.tolist() == [3, 3, 6]
    assert (found.low <= found.value).all()
    assert (found.high >= found.value).all()
    assert found.low[2] == found.high[2] == 6
    assert found.n == 3


def test_where_all_reach_everything_it_is_the_plain_band() -> None:
    values = np.random.default_rng(1).normal(size=(1, 20, 4))
    found, plain = ragged_band(values, np.ones((20, 4))), band(values)
    assert found.low.tolist() == plain.low.tolist()
    assert found.value.tolist() == plain.value.tolist()


def test_of_several_members_the_interval_is_over_them() -> None:
    values = np.random.default_rng(2).normal(size=(5, 10, 3))
    there = (np.arange(10)[:, None] >= np.array([0, 3, 9])).astype(float)
    found = ragged_band(values * there, there)
    assert found.n == 5
    assert found.value[2] == pytest.approx(values[:, 9, 2].mean())


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 200 curves the interval of the mean of 30 of 40 normals holds 0 in 95 %, less what a bootstrap of so few
    loses, some 187: fewer than 175 are a false alarm in 1000."""
    rng, there = np.random.default_rng(3), (np.arange(40) < 30).astype(float)[:, None]
    held = 0
    for _ in range(200):
        found = ragged_band(rng.normal(size=(1, 40, 1)) * there, there)
        held += bool(found.low[0] <= 0 <= found.high[0])
    assert held >= 175
