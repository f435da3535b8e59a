"""The search for a memory span: what it asks for, when it ends, and what it finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as choose

from memspan.experiment.lengths import FEWEST, SearchRange
from memspan.experiment.search import Tally, longest, next_round
from tests.unit.experiment.curves import Learner, searched

WIDE = SearchRange(low=2, high=1000)


def test_the_first_round_asks_for_a_tenth_of_the_repeats_at_the_quarters_of_the_range() -> None:
    assert next_round(WIDE, 30, {}) == {9: 3, 45: 3, 211: 3}
    assert next_round(WIDE, 1, {}) == {9: 1, 45: 1, 211: 1}


def test_a_round_asks_around_the_place_where_the_curve_bends() -> None:
    tallies = {9: Tally(3, 3, 3), 45: Tally(3, 3, 3), 211: Tally(3, 3, 0)}
    added = next_round(WIDE, 30, tallies)
    assert all(45 <= length <= 211 for length in added)
    assert sum(added.values()) == 9


@pytest.mark.parametrize(
    ("slope", "learns"), [(3.0, 1.0), (3.0, 0.9), (6.0, 1.0), (6.0, 0.9), (100.0, 1.0), (100.0, 0.9)]
)
def test_a_search_finds_the_span_of_the_dense_grid_with_far_fewer_runs(slope: float, learns: float) -> None:
    # n = 12 searches a case, four at each of three spans. The dense grid has every length that may be asked for, 30
    # times. With other seeds 95 of 100 searches or more end within 10 % of it (n = 120 a slope); fewer than 9 of 12
    # then happen with probability .002.
    ratios, runs = [], []
    for truth in (9.0, 60.0, 300.0):
        for seed in range(4):
            learner = Learner(truth, slope, learns, seed)
            found = searched(WIDE, 30, learner)
            ratios.append(found.span.span / learner.dense(WIDE.candidates(), 30).span)
            runs.append(found.runs)
    assert sum(1 / 1.1 <= ratio <= 1.1 for ratio in ratios) >= 9
    assert np.median(np.abs(np.log(ratios))) < np.log(1.1) / 2
    assert 3 * max(runs) <= 25 * 30  # the 25 lengths of the latch study
    assert 15 * max(runs) <= len(WIDE.candidates()) * 30


def test_the_interval_covers_the_truth_though_the_data_chose_the_lengths() -> None:
    # n = 24; an exact 95 % interval covers fewer than 19 with probability 2e-4.
    spans = [searched(WIDE, 20, Learner(60.0, 4.0, 0.95, seed)).span for seed in range(24)]
    assert sum(span.low <= 60 <= span.high for span in spans) >= 19


def test_a_cliff_costs_little() -> None:
    found = searched(WIDE, 30, Learner(60.0, 100.0))
    assert found.span.low <= 60 <= found.span.high
    assert found.span.high <= 1.1 * found.span.span
    assert found.runs <= 100


def test_a_span_beyond_the_range_is_told_by_its_end() -> None:
    above, below = searched(WIDE, 10, Learner(5000.0, 10.0)), searched(WIDE, 10, Learner(0.5, 10.0))
    assert (above.span.censored, above.span.span) == ("above", 1000)
    assert (below.span.censored, below.span.span) == ("below", 2)
    assert max(above.runs, below.runs) < 40


def test_neighbours_that_no_length_lies_between_end_a_search() -> None:
    found = searched(SearchRange(low=2, high=3), 10, Learner(2.4, 100.0))
    assert (found.span.low, found.span.high) == (2, 3)
    assert found.runs == FEWEST


def test_a_range_of_one_length_asks_for_it_alone() -> None:
    found = searched(SearchRange(low=7, high=7), 20, Learner(50.0, 10.0))
    assert set(found.tallies) == {7}
    assert found.runs <= 20


def test_a_narrower_tolerance_asks_for_more() -> None:
    learner = Learner(60.0, 6.0)
    loose = searched(SearchRange(low=2, high=1000, tolerance=0.3, budget=20), 30, learner)
    tight = searched(SearchRange(low=2, high=1000, tolerance=0.05, budget=20), 30, learner)
    assert loose.runs < tight.runs
    assert tight.span.high <= 1.05 * tight.span.span
    assert tight.span.low >= tight.span.span / 1.05


def test_a_search_of_which_every_run_fails_ends_after_its_first_round() -> None:
    found = searched(WIDE, 30, Learner(60.0, 4.0), fails_from=1)
    assert (found.rounds, found.runs) == (1, 9)


def test_lengths_that_fail_are_not_asked_for_again() -> None:
    found = searched(WIDE, 10, Learner(60.0, 4.0), fails_from=40)
    asked_once = [tally.asked for length, tally in found.tallies.items() if length >= 40]
    assert found.span.censored == "above"
    assert found.runs <= WIDE.most_lengths(10) * 10
    assert max(asked_once) <= 4 * WIDE.budget


def test_a_failed_run_says_nothing_and_is_not_asked_for_again() -> None:
    sound = {9: Tally(3, 3, 3), 45: Tally(3, 3, 3), 211: Tally(3, 3, 0)}
    spoilt = sound | {45: Tally(4, 3, 3)}
    assert next_round(WIDE, 30, spoilt).keys() == next_round(WIDE, 30, sound).keys()
    full = {45: Tally(30, 16, 16), 47: Tally(30, 30, 0)}
    assert 45 not in next_round(SearchRange(low=45, high=47), 30, full)


def test_what_is_asked_for_follows_from_the_counts_alone() -> None:
    tallies = {9: Tally(3, 3, 3), 45: Tally(6, 6, 4), 60: Tally(3, 2, 1), 211: Tally(3, 3, 0)}
    assert next_round(WIDE, 30, tallies) == next_round(WIDE, 30, dict(reversed(tallies.items())))


@settings(deadline=None, max_examples=30)
@given(
    low=choose.integers(1, 60),
    width=choose.integers(0, 400),
    repeats=choose.integers(1, 40),
    budget=choose.integers(2, 9),
    seed=choose.integers(0, 10**6),
)
def test_any_search_ends_within_its_budget_and_its_range(
    low: int, width: int, repeats: int, budget: int, seed: int
) -> None:
    """Whatever becomes of the runs: they fail, succeed and solve by chance."""
    search = SearchRange(low=low, high=low + width, budget=budget)
    rng, tallies = np.random.default_rng(seed), dict[int, Tally]()
    while added := next_round(search, repeats, tallies):
        for length, count in added.items():
            before = tallies.get(length, Tally(0, 0, 0))
            measured = before.measured + int(rng.binomial(count, 0.8))
            solved = before.solved + int(rng.binomial(measured - before.measured, 0.5))
            tallies[length] = Tally(before.asked + count, measured, solved)
            assert count > 0
    assert set(tallies) <= set(search.candidates())
    assert max(tally.asked for tally in tallies.values()) <= repeats
    assert sum(tally.asked for tally in tallies.values()) <= search.most_lengths(repeats) * repeats


@pytest.mark.parametrize("repeats", [1, 2, 3, 7, 30, 1000])
def test_the_longest_search_takes_the_whole_budget_in_parts_of_one_length(repeats: int) -> None:
    parts = longest(WIDE, repeats)
    assert sum(parts) == WIDE.most_lengths(repeats) * repeats
    assert max(parts) <= repeats
    assert min(parts) >= 1


def test_candidates_are_half_the_tolerance_apart_or_neighbours() -> None:
    candidates = np.array(WIDE.candidates())
    assert (candidates[0], candidates[-1]) == (2, 1000)
    gaps = np.diff(candidates)
    assert ((gaps <= 1) | (gaps <= 0.05 * candidates[:-1] + 1)).all()
    assert len(SearchRange(low=1, high=10_000, tolerance=0.02).candidates()) <= 1_000
