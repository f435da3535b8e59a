"""Two samples beside each other."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from memspan.statistics.bootstrap import resampled
from memspan.statistics.comparison import Bounded, beats, difference, known, rank_test, ratio
from memspan.statistics.holm import holm
from memspan.statistics.span_comparison import bounded_span, span_test


def at(value: float) -> Bounded:
    return known(value, np.full(100, value))


def beyond(longest: float) -> Bounded:
    return Bounded(longest, inf, np.full(100, longest), np.full(100, inf), longest, inf)


def below(shortest: float) -> Bounded:
    return Bounded(0.0, shortest, np.zeros(100), np.full(100, shortest), 0.0, shortest)


def test_known_numbers_have_a_difference_and_a_ratio() -> None:
    assert (difference(at(12), at(4)).value, ratio(at(12), at(4)).value) == (8, 3)
    assert difference(at(12), at(4)).bound is None


def test_what_lies_beyond_gives_bounds_and_no_numbers() -> None:
    more, less = difference(beyond(400), at(22)), difference(at(22), beyond(400))
    assert (more.value, more.low, more.high, more.bound) == (378, 378, inf, "at_least")
    assert (less.value, less.low, less.high, less.bound) == (-378, -inf, -378, "at_most")
    times = ratio(beyond(400), at(20))
    assert (times.value, times.low, times.high, times.bound) == (20, 20, inf, "at_least")


def test_twelve_against_fewer_than_five_steps_is_at_least_seven_more() -> None:
    found, times = difference(at(12), below(5)), ratio(at(12), below(5))
    assert (found.value, times.value, times.bound, times.high) == (7, 2.4, "at_least", inf)
    assert found.high == 12, "a span is no less than nothing"


@pytest.mark.parametrize("both", [beyond(400), below(5)])
def test_of_two_that_lie_beyond_on_one_side_nothing_is_known(both: Bounded) -> None:
    assert ratio(both, both).value is None
    assert (ratio(both, both).low, ratio(both, both).high) == (0, inf)
    assert difference(both, both).value is None


def test_beyond_against_below_is_at_least_the_whole_range() -> None:
    assert (difference(beyond(400), below(5)).value, ratio(beyond(400), below(5)).value) == (395, 80)


def test_a_contrast_may_be_turned_round() -> None:
    found, times = difference(at(22), beyond(400)).negated(), ratio(at(20), beyond(400)).inverted()
    assert (found.value, found.low, found.high, found.bound) == (378, 378, inf, "at_least")
    assert (times.value, times.low, times.high, times.bound) == (20, 20, inf, "at_least")


def test_intervals_of_differences_cover_the_truth_at_about_their_level() -> None:
    # n = 300 pairs of 10 normal values with means .5 apart; a percentile interval of so few covers some 92 %. Fewer
    # than 255 of 300 with probability below 1e-4.
    rng, covered = np.random.default_rng(3), 0
    for _ in range(300):
        samples = rng.normal(0.5, 1, 10), rng.normal(0, 1, 10)
        numbers = [
            known(float(each.mean()), resampled(lambda x: x.mean(-1), each, group))
            for group, each in enumerate(samples)
        ]
        found = difference(*numbers)
        covered += found.low <= 0.5 <= found.high
    assert covered >= 255


def test_the_share_of_wins_counts_ties_half() -> None:
    assert beats(np.array([2.0, 3.0]), np.array([1.0, 2.0])) == 0.875
    assert beats(np.array([-inf, 1.0]), np.array([-inf, -inf])) == 0.75


def test_the_rank_test_is_the_published_one() -> None:
    # scipy.stats.mannwhitneyu(method="asymptotic"), which is Mann & Whitney's with both corrections.
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(5)
    for _ in range(20):
        a, b = rng.integers(0, 6, 7).astype(float), rng.integers(1, 7, 9).astype(float)
        assert rank_test(a, b) == pytest.approx(stats.mannwhitneyu(a, b, method="asymptotic").pvalue, rel=1e-9)
    assert rank_test(np.ones(5), np.ones(5)) == 1.0


def test_the_rank_test_is_wrong_as_rarely_as_it_says() -> None:
    # n = 2 000 pairs of one kind; a rate of .05 gives more than 140 with probability below 1e-4.
    rng = np.random.default_rng(8)
    assert sum(rank_test(*rng.normal(size=(2, 6))) < 0.05 for _ in range(2_000)) <= 140


def test_holm_is_the_published_example() -> None:
    # Holm (1979): the smallest is multiplied by all, the next by one fewer, and none may be below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


LENGTHS = (2, 5, 10, 20, 40)


def test_spans_far_apart_are_told_apart_and_equal_ones_are_not() -> None:
    far = span_test(LENGTHS, ([10, 10, 9, 8, 7], [10] * 5), ([10, 5, 1, 0, 0], [10] * 5))
    near = span_test(LENGTHS, ([10, 9, 5, 1, 0], [10] * 5), ([10, 8, 6, 1, 0], [10] * 5))
    assert far < 0.01
    assert near > 0.5
    assert span_test(LENGTHS, ([10] * 5, [10] * 5), ([10] * 5, [10] * 5)) == 1.0


def test_the_test_of_spans_is_wrong_as_rarely_as_it_says() -> None:
    # n = 200 pairs of one model, 8 repeats at 5 lengths; a rate of .05 gives more than 23 with probability below 1e-4.
    rng, rates = np.random.default_rng(2), np.array([0.95, 0.8, 0.5, 0.2, 0.05])
    found = 0
    for _ in range(200):
        a, b = (rng.binomial(8, rates).tolist() for _ in range(2))
        found += span_test(LENGTHS, (a, [8] * 5), (b, [8] * 5)) < 0.05
    assert found <= 23


def test_a_bounded_span_knows_on_which_side_it_lies() -> None:
    above, under = (bounded_span(LENGTHS, [n] * 5, [10] * 5, 0) for n in (10, 0))
    assert (above.least, above.most) == (40, inf)
    assert (under.least, under.most) == (0, 2)
    cliff = bounded_span(LENGTHS, [10, 10, 0, 0, 0], [10] * 5, 0)
    assert (cliff.gap_least, cliff.gap_most) == (pytest.approx(5), pytest.approx(10))
    assert cliff.least == cliff.most == pytest.approx(50**0.5, rel=1e-6)
    assert bounded_span([7], [5], [10], 0).most == inf, "one length tells only the side"


def test_two_cliffs_in_one_gap_may_lie_in_any_order() -> None:
    cliff, other = (bounded_span(LENGTHS, [10, 10, 0, 0, 0], [10] * 5, group) for group in (0, 1))
    found = difference(cliff, other)
    assert found.low < -4.9
    assert found.high > 4.9


def test_draws_of_two_models_have_nothing_to_do_with_each_other() -> None:
    one, two = (bounded_span(LENGTHS, [10, 8, 5, 2, 0], [10] * 5, group) for group in (0, 1))
    both = np.corrcoef(one.drawn_least, two.drawn_least)[0, 1]
    assert abs(both) < 0.1  # n = 2 000 draws: a deviation of .022
