"""Answers counted by lag."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as choose

from memspan.engine.lag_counts import LagCounts, add, bins, gathered, names


def test_bins_are_single_lags_at_first_and_then_two_to_an_octave() -> None:
    assert bins(20) == ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (7, 8), (9, 12), (13, 16), (17, 19))


@given(choose.integers(1, 10_000))
def test_every_lag_of_a_sequence_lies_in_one_bin(length: int) -> None:
    found = bins(length)
    assert [lag for first, last in found for lag in range(first, last + 1)] == list(range(length))
    assert len(found) <= 30


def test_each_member_is_counted_at_the_lags_that_were_asked() -> None:
    of = bins(10)
    totals = {name: torch.zeros(2, dtype=torch.float64) for name in names(of)}
    lags = torch.tensor([[2, 5, -1], [6, 9, 5]])  # (B, A)
    hits = torch.tensor([[[1, 1, 1], [0, 1, 1]], [[0, 0, 0], [1, 0, 0]]], dtype=torch.bool)  # (M, B, A)
    for _ in range(2):
        add(totals, hits, lags, 10)
    first, second = (
        gathered(of, {name: float(total[member]) for name, total in totals.items()}) for member in range(2)
    )
    assert first == LagCounts(first=(2, 5, 9), last=(2, 6, 9), asked=(2, 6, 2), correct=(2, 4, 2))
    assert second == LagCounts(first=(2, 5, 9), last=(2, 6, 9), asked=(2, 6, 2), correct=(0, 2, 0))
