"""The memory span and its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memspan.statistics.span import Span, memory_span

GRID = np.unique(np.geomspace(2, 200, 16).round().astype(int))


def measured(lengths: list[int], successes: list[int], totals: list[int]) -> Span:
    span = memory_span(lengths, successes, totals)
    assert span is not None
    return span


def simulate(truth: float, slope: float, repeats: int, experiments: int, learns: float = 1.0) -> list[Span]:
    """Experiments on a model whose success falls through one half at ``truth``.

    It is logistic in log2(length) with ``slope`` logits per octave, below the share ``learns`` of repeats that learn.
    """
    middle = np.log2(truth) - np.log(2 * learns - 1) / slope
    rates = learns / (1 + np.exp(np.clip(slope * (np.log2(GRID) - middle), -500, 500)))
    drawn = np.random.default_rng(1994).binomial(repeats, rates, size=(experiments, len(GRID)))
    return [measured(GRID.tolist(), row.tolist(), [repeats] * len(GRID)) for row in drawn]


@pytest.mark.parametrize(("truth", "slope"), [(34.5, 1.0), (34.5, 4.0), (6.2, 2.0), (110.0, 2.0)])
def test_the_interval_covers_the_truth_at_about_its_level(truth: float, slope: float) -> None:
    # n = 200 experiments a case, 30 repeats, 16 lengths. An exact 95 % interval covers fewer than 179 of 200 with
    # probability .0005 and all 200 with probability .00004: false alarms of the four cases together below .003.
    covered = sum(span.low <= truth <= span.high for span in simulate(truth, slope, 30, 200))
    assert 179 <= covered <= 199


@pytest.mark.parametrize("slope", [10.0, 100.0])
def test_a_cliff_between_two_tested_lengths_is_covered_at_least_at_the_level(slope: float) -> None:
    # The bracket that the grid can't resolve is part of the interval: n = 60, fewer than 49 with probability < 1e-4.
    covered = sum(span.low <= 34.5 <= span.high for span in simulate(34.5, slope, 30, 60))
    assert covered >= 49


def test_few_repeats_widen_the_interval_and_keep_its_level() -> None:
    # n = 100 experiments of 5 repeats: fewer than 86 covered with probability .0002.
    few, many = simulate(34.5, 2.0, 5, 100), simulate(34.5, 2.0, 30, 100)
    assert sum(span.low <= 34.5 <= span.high for span in few) >= 86
    assert np.mean([span.high / span.low for span in few]) > 1.3 * np.mean([span.high / span.low for span in many])


def test_the_span_has_no_marked_bias() -> None:
    # n = 200, deviation .06 octaves of one experiment: 5 standard errors of the mean are .021; .01 is allowed beside.
    octaves = [np.log2(span.span / 34.5) for span in simulate(34.5, 4.0, 30, 200)]
    assert abs(np.mean(octaves)) < 0.031


def test_separated_outcomes_cross_at_the_geometric_mean_of_the_bracket() -> None:
    span = measured([5, 10, 40, 80], [30, 30, 0, 0], [30] * 4)
    assert span.span == pytest.approx(20, rel=0.02)
    assert (span.low, span.high, span.longest_solved, span.censored) == (10, 40, 10, None)


def test_all_success_lies_above_the_longest_length() -> None:
    assert measured([2, 20, 200], [30] * 3, [30] * 3) == Span(200, 200, 200, 200, "above")


def test_all_failure_lies_below_the_shortest_length() -> None:
    assert measured([2, 20, 200], [0] * 3, [30] * 3) == Span(2, 2, 2, None, "below")


def test_success_that_only_rises_never_crosses() -> None:
    span = measured([2, 4, 8, 16], [0, 10, 30, 30], [30] * 4)
    assert (span.span, span.longest_solved, span.censored) == (16, None, "above")


@pytest.mark.parametrize("successes", [[5, 5, 5, 5], [0, 0, 10, 10], [4, 5, 5, 6]])
def test_half_of_the_repeats_everywhere_may_cross_anywhere(successes: list[int]) -> None:
    # The curve is flat at one half: the middle of the grid on a logarithmic scale, and all of it is the interval.
    span = measured([2, 4, 8, 16], successes, [10] * 4)
    assert span.span == pytest.approx(2**2.5)
    assert (span.low, span.high, span.censored) == (2, 16, None)


def test_rising_but_mostly_failing_lies_below() -> None:
    span = measured([2, 4, 8, 16], [0, 0, 0, 30], [30] * 4)
    assert (span.span, span.longest_solved, span.censored) == (2, None, "below")


def test_a_gap_ends_the_longest_solved_length() -> None:
    span = measured([2, 4, 8, 16], [30, 10, 30, 0], [30] * 4)
    assert span.longest_solved == 2
    assert span.censored is None


@pytest.mark.parametrize(
    ("successes", "expected"),
    [(30, Span(7, 7, 7, 7, "above")), (15, Span(7, 7, 7, 7, "above")), (0, Span(7, 7, 7, None, "below"))],
)
def test_one_length_tells_only_the_side(successes: int, expected: Span) -> None:
    assert measured([7], [successes], [30]) == expected


def test_nothing_tested_has_no_span() -> None:
    assert memory_span([], [], []) is None
    assert memory_span([2, 4], [0, 0], [0, 0]) is None


def test_lengths_without_repeats_are_not_part_of_the_tested_range() -> None:
    assert measured([2, 4, 8], [9, 0, 0], [9, 9, 0]) == measured([2, 4], [9, 0], [9, 9])


def test_order_and_splitting_of_a_length_do_not_matter() -> None:
    assert measured([8, 2, 4, 2], [1, 5, 9, 4], [10, 5, 10, 5]) == measured([2, 4, 8], [9, 9, 1], [10] * 3)


def test_thousands_of_repeats_on_an_uneven_grid_converge() -> None:
    span = measured([1, 10, 20, 30, 34, 35, 10_000], [9_999, 9_990, 9_900, 9_000, 5_000, 100, 0], [10_000] * 7)
    assert 30 < span.low < span.span < span.high < 35


@pytest.mark.parametrize(
    ("lengths", "successes", "totals"),
    [([2], [3], [2]), ([2], [-1], [2]), ([0], [1], [2]), ([2, 4], [1], [2])],
)
def test_impossible_counts_are_refused(lengths: list[int], successes: list[int], totals: list[int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        memory_span(lengths, successes, totals)


counts = st.integers(0, 40).flatmap(lambda n: st.tuples(st.integers(1, 10_000), st.integers(0, n), st.just(n)))


@settings(deadline=None, max_examples=150)
@given(st.lists(counts, max_size=12))
def test_any_outcome_has_a_finite_ordered_span_within_the_tested_range(rows: list[tuple[int, int, int]]) -> None:
    lengths, successes, totals = ([row[i] for row in rows] for i in range(3))
    span = memory_span(lengths, successes, totals, resamples=100)
    tested = [length for length, _, total in rows if total]
    assert (span is None) == (not tested)
    if span is not None:
        assert all(map(isfinite, (span.low, span.span, span.high)))
        assert min(tested) <= span.low <= span.span <= span.high <= max(tested)
        assert span.longest_solved is None or span.longest_solved in tested
        assert span.censored != "above" or span.span == max(tested)
        assert span.censored != "below" or span.span == min(tested)


def test_one_more_success_does_not_shorten_the_span_of_a_flat_curve() -> None:
    flat, better = measured([2, 4, 8], [5, 5, 5], [10] * 3), measured([2, 4, 8], [6, 5, 5], [10] * 3)
    worse = measured([2, 4, 8], [5, 5, 4], [10] * 3)
    assert worse.span < flat.span < better.span


@pytest.mark.parametrize("lengths", [(2, 4, 8), (2, 3, 10), (2, 8, 9)])
@pytest.mark.parametrize("repeats", [4, 5, 6])
def test_no_table_of_three_lengths_loses_by_one_more_success(lengths: tuple[int, ...], repeats: int) -> None:
    """All of them, falling or not."""
    tables = list(product(range(repeats + 1), repeat=3))
    spans = {table: place(lengths, table, (repeats,) * 3) for table in tables}
    for table in tables:
        for better in one_more(table, (repeats,) * 3):
            assert spans[better] >= spans[table]


def place(lengths: Sequence[int], successes: Sequence[int], totals: Sequence[int]) -> float:
    """The span; its interval isn't asked for."""
    span = memory_span(lengths, successes, totals, resamples=1)
    assert span is not None
    return span.span


def one_more(successes: Sequence[int], totals: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """All tables with one more success."""
    for index, (won, of) in enumerate(zip(successes, totals, strict=True)):
        if won < of:
            yield (*successes[:index], won + 1, *successes[index + 1 :])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 20).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=8))
def test_one_more_success_never_shortens_the_span(rows: list[tuple[int, int]]) -> None:
    successes, totals = [row[0] for row in rows], [row[1] for row in rows]
    lengths = [3**index + index for index in range(len(rows))]
    before = place(lengths, successes, totals)
    assert all(place(lengths, better, totals) >= before - 1e-6 for better in one_more(successes, totals))


@pytest.mark.parametrize("slope", [2.0, 100.0])
def test_repeats_that_fail_at_whatever_length_do_not_move_the_span(slope: float) -> None:
    # One of ten models never learns, so success falls through one half at 34.5 from a plateau of .9. n = 60
    # experiments a case; an exact 95 % interval covers fewer than 49 with probability below 1e-4, and the mean of 60
    # experiments of deviation .13 octaves lies more than .09 beside the truth with probability below 1e-4.
    spans = simulate(34.5, slope, 30, 60, learns=0.9)
    assert sum(span.low <= 34.5 <= span.high for span in spans) >= 49
    assert abs(np.mean([np.log2(span.span / 34.5) for span in spans])) < 0.09 + UNRESOLVED[slope]


UNRESOLVED = {2.0: 0.0, 100.0: 0.22}
"""octaves by which the middle of a gap of the grid may lie beside a cliff in it"""


def test_lengths_far_from_the_span_do_not_move_it() -> None:
    near = measured([20, 30, 40], [8, 5, 1], [10] * 3)
    wide = measured([2, 5, 10, 20, 30, 40, 80, 300], [9, 8, 9, 8, 5, 1, 1, 0], [10] * 8)
    assert near.span == pytest.approx(wide.span, rel=1e-6)
