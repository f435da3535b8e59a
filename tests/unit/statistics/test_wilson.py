"""Wilson's interval of a rate."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memspan.statistics.wilson import Interval, wilson


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
