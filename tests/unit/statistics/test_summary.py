"""Summaries over repeats."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memspan.statistics.summary import summarize, summarize_many


def test_a_summary_states_what_the_repeats_say() -> None:
    summary = summarize([1.0, 2.0, 3.0, 6.0])
    assert (summary.n, summary.mean, summary.median) == (4, 3.0, 2.5)
    assert summary.std == pytest.approx(np.std([1, 2, 3, 6], ddof=1))
    assert 1 <= summary.low < 3 < summary.high <= 6


def test_values_that_are_not_finite_are_left_out() -> None:
    assert summarize([1.0, nan, 3.0, inf, -inf]) == summarize([1.0, 3.0])


def test_one_value_has_no_spread() -> None:
    summary = summarize([0.1])
    assert (summary.n, summary.mean, summary.std, summary.low, summary.high) == (1, 0.1, 0.0, 0.1, 0.1)


@pytest.mark.parametrize("values", [[], [nan, inf]])
def test_without_a_finite_value_nothing_is_known(values: list[float]) -> None:
    summary = summarize(values)
    assert summary.n == 0
    assert all(isnan(x) for x in (summary.mean, summary.std, summary.median, summary.low, summary.high))


def test_many_rows_equal_each_row_alone() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 12))
    rows[3, 4], rows[7], rows[9, 0] = nan, nan, inf
    together = summarize_many(rows)
    assert [repr(summary) for summary in together] == [repr(summarize(row)) for row in rows]


def test_no_rows_have_no_summaries() -> None:
    assert summarize_many(np.empty((0, 5))) == []


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_the_mean_lies_in_its_interval(values: list[float]) -> None:
    summary = summarize(values)
    assert min(values) <= summary.low <= summary.mean <= summary.high <= max(values)


@given(st.floats(-1e9, 1e9), st.integers(1, 40))
def test_equal_values_are_their_own_mean(value: float, n: int) -> None:
    summary = summarize([value] * n)
    assert (summary.mean, summary.std, summary.low, summary.high) == (value, 0.0, value, value)
