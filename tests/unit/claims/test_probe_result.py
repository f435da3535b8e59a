"""Readings of probes as measured numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memspan.claims.measured import Measured
from memspan.claims.probe_result import average, interval_difference, interval_ratio, negated, scalar, score

ONE, OTHER = Measured(6.0, 5.0, 8.0, 10), Measured(2.0, 1.0, 4.0, 7)


def told(found: Measured) -> tuple[float, float, float, int]:
    return found.value, found.low, found.high, found.n


def test_a_scalar_is_taken_by_its_name_with_its_interval() -> None:
    reading = {"values": {"a": 1.0, "b": 9.0}, "low": {"a": 0.5, "b": 8.0}, "high": {"a": 2.0, "b": 10.0}, "n": 5}
    assert told(scalar(reading, "a")) == (1.0, 0.5, 2.0, 5)


def test_a_score_without_a_value_is_no_number() -> None:
    reading = {"scores": {"x": 3.0, "x_low": 2.0, "x_high": 4.0, "y": None, "y_low": None, "y_high": None}, "n": 10}
    assert told(score(reading, "x")) == (3.0, 2.0, 4.0, 10)
    assert math.isnan(score(reading, "y").value)
    assert math.isnan(score(reading, "never scored").low)


def test_a_negative_has_its_ends_the_other_way_round() -> None:
    assert told(negated(ONE)) == (-6.0, -8.0, -5.0, 10)


def test_a_difference_and_a_ratio_reach_as_far_as_both_intervals_allow() -> None:
    assert told(interval_difference(ONE, OTHER)) == (4.0, 1.0, 7.0, 7)
    assert told(interval_ratio(ONE, OTHER)) == (3.0, 1.25, 8.0, 7)


def test_an_average_of_independent_numbers_narrows_as_errors_do() -> None:
    """Four numbers with the same interval: half of its width around their mean."""
    found = average([Measured(value, value - 2, value + 4, 10) for value in (1.0, 2.0, 3.0, 6.0)])
    assert told(found) == (3.0, 2.0, 5.0, 10)


def test_a_difference_holds_the_truth_at_least_as_often_as_its_parts_say() -> None:
    """Means of n = 25 normal numbers whose errors are one and the same but for the sign: 1 000 differences.

    Coverage below 95 % would need 50 misses; 1.96 standard errors each way make it 95 %, bound at 930 (p < 4e-3 by
    chance, and the seed is fixed).
    """
    errors = np.random.default_rng(1).normal(0, 0.2, 1_000)
    held = 0
    for error in errors:
        first, second = (Measured(sign * error, sign * error - 0.392, sign * error + 0.392, 25) for sign in (1, -1))
        found = interval_difference(first, second)
        held += found.low <= 0 <= found.high
    assert held >= 930


@pytest.mark.parametrize("count", [1, 3])
def test_the_fewest_repeats_count(count: int) -> None:
    assert average([Measured(1.0, 0.0, 2.0, 5 + place) for place in range(count)]).n == 5
