"""Bands: a mean with its interval at every place."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.statistics.band import band
from memspan.statistics.bootstrap import bootstrap_mean

RNG = np.random.default_rng(1)


def test_one_member_has_an_interval_over_sequences() -> None:
    samples = RNG.normal(size=(1, 50, 4))
    found = band(samples)
    low, high = bootstrap_mean(samples[0].T)
    assert found.n == 50
    assert np.allclose(found.value, samples[0].mean(0))
    assert np.allclose(found.low, low)
    assert np.allclose(found.high, high)


def test_several_members_have_an_interval_over_members() -> None:
    samples = RNG.normal(size=(7, 50, 4))
    found = band(samples)
    low, high = bootstrap_mean(samples.mean(1).T)
    assert found.n == 7
    assert np.allclose(found.value, samples.mean((0, 1)))
    assert np.allclose(found.low, low)
    assert np.allclose(found.high, high)


def test_a_diverged_member_is_left_out_at_every_place() -> None:
    samples = RNG.normal(size=(3, 5, 2))
    samples[1, 2, 0] = np.inf
    found = band(samples)
    assert found.n == 2
    assert np.allclose(found.value, samples[[0, 2]].mean((0, 1)))


def test_nothing_finite_is_not_a_number() -> None:
    assert band(np.full((1, 5, 2), np.nan)).n == 5
    assert band(np.full((3, 5, 2), np.nan)).n == 0
    assert np.isnan(band(np.full((3, 5, 2), np.nan)).value).all()


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -7.7])
def test_equal_values_have_an_interval_of_no_width(value: float) -> None:
    found = band(np.full((1, 13, 3), value))
    assert (found.low == value).all()
    assert (found.value == value).all()
    assert (found.high == value).all()
