"""Standings: intervals cover, equal models are rarely told apart, and what is apart is ranked."""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
import pytest

from memspan.statistics.standing import Group, average, probability, ranks, with_diverged


def group(values: list[float]) -> Group:
    return Group(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))


def test_the_average_of_one_group_has_students_interval() -> None:
    """Of 1, 2, 3, 4, 5: 3 ± 2.776 sqrt(2.5 / 5), by the tables."""
    low, high = average([group([1, 2, 3, 4, 5])]).interval
    assert (low, high) == pytest.approx((3 - 2.776445 * sqrt(0.5), 3 + 2.776445 * sqrt(0.5)), abs=1e-5)


def test_groups_count_alike_however_many_runs_they_have() -> None:
    found = average([Group(1.0, 0.1, 2), Group(0.0, 0.1, 50)])
    assert found.value == 0.5
    assert found.error == pytest.approx(sqrt(0.01 / 2 + 0.01 / 50) / 2)
    assert found.freedom == 1, "nearly all of the error is that of two runs"


def test_one_run_tells_nothing_of_its_error() -> None:
    alone = [Group(1.0, 0.0, 1)]
    assert average(alone).interval == (-inf, inf)
    assert probability(alone, [Group(0.0, 0.1, 5)]) == 1.0
    assert ranks([alone, [Group(0.0, 0.1, 5)]]) == [1, 1]


def test_a_probability_is_that_of_welchs_test() -> None:
    """scipy.stats.ttest_ind([1, 2, 3, 4, 5], [3, 4, 5, 6, 7]) gives 0.0805; equal variances, so Welch's is the same."""
    assert probability([group([1, 2, 3, 4, 5])], [group([3, 4, 5, 6, 7])]) == pytest.approx(0.08052, abs=1e-4)


def test_groups_without_spread_are_apart_if_they_differ_at_all() -> None:
    assert probability([Group(1.0, 0.0, 3)], [Group(0.9, 0.0, 3)]) == 0.0
    assert probability([Group(1.0, 0.0, 3)], [Group(1.0, 0.0, 3)]) == 1.0


def test_a_run_that_diverged_counts_as_a_guess() -> None:
    found = with_diverged(group([0.9, 1.0, 0.8]), 2, 0.1)
    wanted = group([0.9, 1.0, 0.8, 0.1, 0.1])
    assert (found.mean, found.deviation, found.n) == pytest.approx((wanted.mean, wanted.deviation, wanted.n))
    assert with_diverged(Group(0.0, 0.0, 0), 3, 0.1) == Group(0.1, 0.0, 3)
    assert with_diverged(Group(0.9, 0.1, 3), 0, 0.1) == Group(0.9, 0.1, 3)


def test_what_is_apart_is_ranked_and_what_is_not_is_tied() -> None:
    good, near, bad = Group(0.90, 0.02, 5), Group(0.89, 0.02, 5), Group(0.30, 0.02, 5)
    assert ranks([[bad] * 6, [good] * 6, [near] * 6]) == [3, 1, 1]


@pytest.mark.parametrize("runs", [3, 5])
def test_equal_models_are_told_apart_in_no_more_than_one_of_twenty_tables(runs: int) -> None:
    """200 tables of five equal models on six tasks whose spreads differ; 9.5 % lie 2.9 standard errors above 5 %."""
    rng, wrong = np.random.default_rng(1), 0
    spreads = np.array([0.0001, 0.01, 0.02, 0.05, 0.1, 0.2])
    for _ in range(200):
        drawn = 0.5 + rng.standard_normal((5, runs, 6)) * spreads
        table = [[group(list(model[:, task])) for task in range(6)] for model in drawn]
        wrong += ranks(table) != [1] * 5
    assert wrong / 200 <= 0.095


def test_intervals_cover_in_nineteen_of_twenty_cases() -> None:
    """1 000 averages over six tasks of five runs each; below 93 % lies 2.9 standard errors off."""
    rng, covered = np.random.default_rng(2), 0
    spreads = np.array([0.01, 0.01, 0.02, 0.05, 0.1, 0.2])
    for _ in range(1_000):
        drawn = rng.standard_normal((5, 6)) * spreads
        low, high = average([group(list(drawn[:, task])) for task in range(6)]).interval
        covered += low <= 0 <= high
    assert covered / 1_000 >= 0.93
