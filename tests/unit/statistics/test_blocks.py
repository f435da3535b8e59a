"""The block bootstrap keeps neighbours together."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.statistics.blocks import block_length, redrawn_means
from memspan.statistics.bootstrap import RESAMPLES


def test_a_block_grows_with_the_cube_root_of_the_points_and_covers_the_horizon() -> None:
    assert [block_length(n) for n in (8, 100, 1_000, 60_000)] == [3, 7, 15, 59]
    assert block_length(100, horizon=12) == 12
    assert block_length(5, horizon=12) == 5


@pytest.mark.parametrize(("n", "block"), [(7, 3), (12, 4), (5, 5), (9, 1), (10, 9)])
def test_each_resample_is_the_mean_of_whole_circular_blocks_and_one_that_is_cut(n: int, block: int) -> None:
    values = np.random.default_rng(1).normal(3, 1, (n, 2))
    starts = np.random.default_rng((n, block)).integers(0, n, (RESAMPLES, -(-n // block)))
    by_hand = [
        values[np.concatenate([(start + np.arange(block)) % n for start in row])[:n]].mean(axis=0) for row in starts
    ]
    assert redrawn_means(values, block) == pytest.approx(np.array(by_hand))


def test_a_block_of_all_values_draws_the_same_mean_ever_again() -> None:
    values = np.arange(12.0)[:, None]
    assert redrawn_means(values, 12) == pytest.approx(np.full((RESAMPLES, 1), 5.5))


def test_many_points_are_drawn_in_parts_to_the_same_means(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(size=(200, 3))
    at_once = redrawn_means(values, 8)
    monkeypatch.setattr("memspan.statistics.blocks.VALUES_AT_ONCE", 10_000)
    assert np.array_equal(redrawn_means(values, 8), at_once)


def test_the_deviation_of_a_mean_of_dependent_values_is_seen() -> None:
    """AR(1) .8 of 2 000: the mean deviates by 5 / sqrt(2 000) = .11; single values would say .037 (five sigma)."""
    rng = np.random.default_rng(3)
    values = np.zeros((2_000, 1))
    for t in range(1, 2_000):
        values[t] = 0.8 * values[t - 1] + rng.normal()
    assert redrawn_means(values, 40).std() == pytest.approx(0.11, rel=0.3)
    assert redrawn_means(values, 1).std() < 0.05
