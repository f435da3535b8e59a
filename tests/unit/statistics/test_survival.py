"""Times of which some are censored."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memspan.statistics.survival import Median, curve, median

# Freireich et al. (1963), Blood 21(6): weeks of remission in acute leukaemia, 21 patients each.
TREATED = [(time, True) for time in (6, 6, 6, 7, 10, 13, 16, 22, 23)] + [
    (time, False) for time in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
]
PLACEBO = [(time, True) for time in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]


def columns(sample: list[tuple[int, bool]]) -> tuple[list[float], list[bool]]:
    return [float(time) for time, _ in sample], [there for _, there in sample]


def test_the_curve_is_the_published_one() -> None:
    # Kleinbaum & Klein (2005), Survival Analysis, 2nd edition, pages 52 and 79; Collett gives the same.
    found = curve(*columns(TREATED))
    assert found.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    np.testing.assert_allclose(found.survival, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4)
    np.testing.assert_allclose(found.error, [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], atol=5e-5)


def test_medians_and_their_intervals_are_the_published_ones() -> None:
    # SAS PROC LIFETEST and lifelines, both log-log: 23 (13 to open) and 8 (4 to 11).
    assert median(*columns(TREATED)) == Median(23, 13, inf)
    assert median(*columns(PLACEBO)) == Median(8, 4, 11)


def test_without_censoring_it_is_the_usual_median() -> None:
    assert median([1, 2, 3], [True] * 3).value == 2
    assert median([1, 2, 3, 4], [True] * 4).value == 2.5
    assert median([5, 5, 5, 9], [True] * 4).value == 5


def test_where_fewer_than_half_are_seen_to_reach_it_the_median_lies_beyond() -> None:
    found = median([10, 20, 20, 20], [True, False, False, False])
    assert found.value == inf
    assert found.high == inf
    assert median([20] * 5, [False] * 5) == Median(inf, inf, inf)
    assert median([10, 10, 20, 20], [True, True, False, False]).value == inf, "exactly half: it may be any time later"


def test_the_interval_covers_the_truth_at_about_its_level() -> None:
    # n = 400 samples of 20 exponential times (median ln 2), watched up to 1.2 (30 % censored): an interval of level
    # .95 covers fewer than 363 with probability below 2e-4.
    rng, covered = np.random.default_rng(7), 0
    for _ in range(400):
        times = rng.exponential(size=20)
        found = median(np.minimum(times, 1.2).tolist(), (times <= 1.2).tolist())
        covered += found.low <= np.log(2) <= found.high
    assert covered >= 363


times = st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=30)


@given(times)
def test_a_median_lies_in_its_interval(sample: list[tuple[int, bool]]) -> None:
    found = median(*columns(sample))
    assert found.low <= found.value <= found.high


@given(times, st.permutations(range(5)))
def test_the_order_does_not_matter(sample: list[tuple[int, bool]], order: list[int]) -> None:
    assert median(*columns(sample[::-1])) == median(*columns(sample))


@pytest.mark.parametrize("count", [1, 2])
def test_few_say_little(count: int) -> None:
    assert median([7] * count, [True] * count).value == 7
