"""The contexts that are tried pass a period of the data, and grow no further than the data tell."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.instruments.processes import AR1, LONG_MEMORY, SEASONAL, WHITE_NOISE
from memspan.needed_history.ladder import around, autocorrelation, contexts, first_longest, most_steps, strongest_period
from memspan.needed_history.series import Series, series


def wave(period: int, n: int = 1_000, trend: float = 0.0) -> Series:
    t = np.arange(n)
    return series(
        {"x": np.sin(2 * np.pi * t / period) + trend * t + 0.1 * np.random.default_rng(1).normal(size=n)}, "x"
    )


def test_short_ladders_try_every_context_and_long_ones_grow_by_a_share() -> None:
    assert contexts(24).tolist() == list(range(25))
    long = contexts(500)
    assert long[:65].tolist() == list(range(65))
    assert long[-1] == 500
    assert (np.diff(long[64:]) <= np.ceil(0.07 * long[64:-1])).all()


def test_a_ladder_is_dense_around_the_answer() -> None:
    coarse = contexts(500)
    fine = contexts(500, [around(coarse, 300)])
    place = np.searchsorted(coarse, 300)
    assert set(range(coarse[place - 1], coarse[place + 1] + 1)) <= set(fine.tolist())
    assert len(fine) < 160


@pytest.mark.parametrize(("period", "trend"), [(12, 0.0), (52, 0.0), (52, 0.5)])
def test_the_first_contexts_pass_one_and_a_half_periods_even_under_a_trend(period: int, trend: float) -> None:
    asked = wave(period, trend=trend)
    found = strongest_period(asked)
    assert found is not None
    assert found % period in {0, 1, period - 1}
    assert first_longest(asked) >= 1.5 * period


@pytest.mark.parametrize("process", [WHITE_NOISE, AR1, LONG_MEMORY], ids=str)
def test_a_series_without_a_period_has_none(process: object) -> None:
    """Peaks of noise stay below four deviations: fewer than one series of 30 in a hundred has one."""
    drawn = [process.draw(1_000, np.random.default_rng(seed)) for seed in range(10)]  # type: ignore[attr-defined]
    assert [strongest_period(series({"x": x}, "x")) for x in drawn] == [None] * 10


def test_a_seasonal_series_tells_its_season() -> None:
    found = strongest_period(series({"x": SEASONAL.draw(1_000, np.random.default_rng(2))}, "x"))
    assert found == 12


def test_a_season_that_is_given_is_passed() -> None:
    noise = np.random.default_rng(3).normal(size=1_000)
    assert first_longest(series({"x": noise}, "x")) == 24
    assert first_longest(series({"x": noise}, "x", season=60)) == 90


def test_the_longest_context_leaves_five_rows_for_each_number_that_it_holds() -> None:
    noise = np.random.default_rng(4).normal(size=(300, 3))
    assert most_steps(series({"x": noise[:, 0]}, "x")) == 60
    assert most_steps(series({"a": noise[:, 0], "b": noise[:, 1], "c": noise[:, 2]}, "a")) == 20
    assert most_steps(series({"x": np.random.default_rng(5).normal(size=100_000)}, "x")) == 1_000


def test_the_autocorrelation_is_the_one_of_its_definition() -> None:
    x = np.random.default_rng(6).normal(3, 2, 50)
    centred = x - x.mean()
    by_hand = [centred[: 50 - lag] @ centred[lag:] / (centred @ centred) for lag in range(10)]
    assert autocorrelation(x, 10) == pytest.approx(by_hand)
    assert autocorrelation(np.ones(20), 5).tolist() == [0.0] * 5
