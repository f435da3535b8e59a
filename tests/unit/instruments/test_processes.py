"""Series of known memory have the memory that is known."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.instruments.processes import (
    AR1,
    LINEAR,
    LONG_MEMORY,
    MA1,
    RANDOM_WALK,
    SEASONAL,
    Process,
    folded_lag,
    narma10,
    population_losses,
)


def test_the_first_context_that_keeps_a_share_of_the_skill_is_the_one_of_theory() -> None:
    found = {each.name: [each.needed(lost) for lost in (0.1, 0.05, 0.02, 0.01)] for each in LINEAR}
    assert found == {
        "white noise": [0, 0, 0, 0],
        "AR(1) .7": [1, 1, 1, 1],
        "AR(2) .5 .3": [1, 2, 2, 2],
        "AR(5) .3 0 0 0 .5": [5, 5, 5, 5],
        "AR(5) .4 .1 .1 .1 .15": [2, 3, 5, 5],
        "AR(12) seasonal .8": [12, 12, 12, 12],
        "MA(1) .8": [4, 5, 7, 9],
        "random walk": [1, 1, 1, 1],
        "ARFIMA(0, .4, 0)": [2, 3, 8, 15],
    }


def test_a_context_loses_in_the_long_run_what_textbooks_say() -> None:
    """AR(1): 1 / (1 - phi^2), then 1. MA(1): (1 + theta^2 + ... + theta^(2k + 2)) / (1 + ... + theta^(2k))."""
    assert population_losses(AR1.autocovariance(4), 3) == pytest.approx([1 / 0.51, 1, 1, 1])
    powers = np.cumsum(0.64 ** np.arange(6))
    assert population_losses(MA1.autocovariance(5), 4) == pytest.approx(powers[1:] / np.append(1, powers[1:-1]))


@pytest.mark.parametrize("process", [each for each in LINEAR if each not in (RANDOM_WALK, LONG_MEMORY)], ids=str)
def test_a_drawn_series_has_the_autocovariance_that_the_truth_follows_from(process: Process) -> None:
    """Within five deviations of the mean of 60 000 squares that depend on each other over some 20 steps."""
    drawn = process.draw(60_000, np.random.default_rng(4))
    seen = [float(np.mean(drawn[lag:] * drawn[: len(drawn) - lag])) for lag in range(14)]
    known = process.autocovariance(14)
    assert seen == pytest.approx(known, abs=5 * known[0] * (20 / 60_000) ** 0.5)


def test_long_memory_falls_as_a_power_law() -> None:
    known = LONG_MEMORY.autocovariance(2_001)
    assert known[2_000] / known[1_000] == pytest.approx(2**-0.2, rel=1e-3)
    steps = np.diff(
        LONG_MEMORY.draw(100_000, np.random.default_rng(5))
    )  # whose mean, unlike the level's, is soon known
    assert steps.var() == pytest.approx(2 * (known[0] - known[1]), rel=0.03)


def test_a_random_walk_moves_by_shocks_of_deviation_1() -> None:
    steps = np.diff(RANDOM_WALK.draw(20_000, np.random.default_rng(6)))
    assert steps.std() == pytest.approx(1, abs=0.03)
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1]) < 0.04


def test_a_seasonal_series_is_drawn_twice_the_same() -> None:
    first, second = (SEASONAL.draw(50, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first, second)
    assert len(first) == 50


def test_narma_follows_its_equation() -> None:
    u, y = narma10(300, np.random.default_rng(8))
    t = np.arange(9, 299)
    past = np.array([y[each - 9 : each + 1].sum() for each in t])
    assert y[t + 1] == pytest.approx(0.3 * y[t] + 0.05 * y[t] * past + 1.5 * u[t - 9] * u[t] + 0.1)


def test_a_folded_lag_tells_by_its_distance_from_zero_alone() -> None:
    x = folded_lag(20_000, np.random.default_rng(9), noise=0.5)
    rest = x[7:] - (0.9 * np.abs(x[:-7]) - 1)
    assert rest.std() == pytest.approx(0.5, abs=0.02)
    assert abs(np.corrcoef(rest[1:], rest[:-1])[0, 1]) < 0.04
