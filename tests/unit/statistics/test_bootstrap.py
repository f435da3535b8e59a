"""The bootstrap: its draws, and how often its intervals hold the truth."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memspan
from memspan.statistics import bootstrap
from memspan.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    ROWS_AT_ONCE,
    Floats,
    bootstrap_mean,
    ends,
    interval,
    redrawn_successes,
    weighted_interval,
)

ROOT = Path(memspan.__file__).parent.parent
samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


def normal(*shape: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).normal(size=shape)


def median(values: Floats) -> Floats:
    found: Floats = np.median(values, axis=-1)
    return found


def difference(first: Floats, second: Floats) -> Floats:
    found: Floats = first.mean(-1) - second.mean(-1)
    return found


@given(samples)
def test_the_interval_of_a_mean_lies_within_the_values(values: list[float]) -> None:
    low, high = bootstrap_mean(np.array([values]))
    assert min(values) <= low[0] <= high[0] <= max(values)


def test_the_same_values_give_the_same_interval_in_any_company() -> None:
    rows = normal(ROWS_AT_ONCE + 7, 30)
    low, high = bootstrap_mean(rows)
    for row in (0, 5, ROWS_AT_ONCE - 1, ROWS_AT_ONCE + 6):
        alone_low, alone_high = bootstrap_mean(rows[row : row + 1])
        assert (alone_low[0], alone_high[0]) == (low[row], high[row])


def test_the_same_values_give_the_same_interval_at_any_time() -> None:
    one, other = normal(40), normal(30, seed=2)
    assert interval(difference, one, other) == interval(difference, one.copy(), other.copy())


def test_one_value_is_its_own_interval() -> None:
    low, high = bootstrap_mean(np.array([[2.5], [-1.0]]))
    assert low.tolist() == high.tolist() == [2.5, -1.0]


@pytest.mark.parametrize("shape", [(3, 0), (0, 5), (0, 0)])
def test_no_values_have_no_interval(shape: tuple[int, int]) -> None:
    low, high = bootstrap_mean(np.empty(shape))
    assert low.shape == high.shape == (shape[0],)
    assert np.isnan([low, high]).all()


def test_equal_values_have_no_width() -> None:
    low, high = bootstrap_mean(np.full((1, 30), 0.1))
    assert low[0] == high[0] == 0.1


def test_the_ends_are_resamples_with_the_level_between_them() -> None:
    count = 2_000
    drawn = np.random.default_rng(1).permutation(count).astype(float)
    low, high = ends(drawn)
    assert (low, high) == (50, 1949)
    assert (high - low + 1) / count == pytest.approx(LEVEL, abs=1 / count)


def test_resamples_without_a_value_are_left_out_and_infinite_ones_count() -> None:
    drawn = np.array([[np.nan, 1.0, 2.0, np.nan], [np.nan] * 4, [-np.inf, 0.0, 1.0, np.inf]])
    low, high = ends(drawn)
    assert low[[0, 2]].tolist() == [1.0, -np.inf]
    assert high[[0, 2]].tolist() == [2.0, np.inf]
    assert np.isnan([low[1], high[1]]).all()


def test_weights_and_values_are_the_same_draws() -> None:
    """So a mean has the same interval, up to rounding, whichever way it is asked for."""
    values = normal(25)
    by_weights = np.array(weighted_interval(lambda weights: weights @ values, 25))
    assert by_weights == pytest.approx(np.array(interval(lambda drawn: drawn.mean(-1), values)), rel=1e-9)
    assert by_weights == pytest.approx(np.array(bootstrap_mean(values[None]))[:, 0], rel=1e-9)


def test_many_values_are_drawn_in_parts() -> None:
    n = bootstrap.VALUES_AT_ONCE // RESAMPLES + 100
    seen: list[tuple[int, ...]] = []

    def watched(weights: Floats) -> Floats:
        seen.append(weights.shape)
        assert weights.sum(axis=1) == pytest.approx(1)
        return np.zeros(len(weights))

    weighted_interval(watched, n)
    assert len(seen) > 1
    assert sum(rows for rows, _ in seen) == RESAMPLES
    assert all(rows * n <= bootstrap.VALUES_AT_ONCE for rows, _ in seen)


def test_pairs_are_drawn_together_and_groups_are_not() -> None:
    shared = 10 * normal(50)
    together = interval(difference, shared + 1, shared, paired=True)
    assert np.array(together) == pytest.approx(1.0)
    low, high = interval(difference, shared + 1, shared)
    assert high - low > 4


def test_rows_of_one_group_are_drawn_together() -> None:
    rows = np.stack([normal(20), normal(20, seed=2)])
    low, high = interval(median, rows)
    for row, values in enumerate(rows):
        assert interval(median, values) == (low[row], high[row])


def test_successes_are_drawn_at_their_rates() -> None:
    """2 000 draws of 40 repeats at .25: their mean has deviation .061, beyond 4 of them with p < 1e-4."""
    drawn = redrawn_successes(np.array([0.0, 0.25, 1.0]), np.array([7.0, 40.0, 3.0]))
    assert drawn.shape == (RESAMPLES, 3)
    assert (drawn[:, 0] == 0).all()
    assert (drawn[:, 2] == 3).all()
    assert drawn[:, 1].mean() == pytest.approx(10, abs=0.25)


@pytest.mark.parametrize(("n", "expected"), [(10, 0.904), (30, 0.935)])
def test_the_interval_of_a_mean_holds_the_truth_as_often_as_theory_says(n: int, expected: float) -> None:
    """4 000 experiments of n normal values. A percentile interval is short by sqrt((n - 1) / n) and takes the normal
    for Student's t with n - 1 degrees: so much is known of it. Beyond 4 deviations with p < 1e-4."""
    low, high = bootstrap_mean(normal(4_000, n, seed=7))
    deviation = np.sqrt(expected * (1 - expected) / 4_000)
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(expected, abs=4 * deviation)


def _ratio(first: Floats, second: Floats) -> Floats:
    return median(first) / median(second)


KINDS: dict[str, tuple[Callable[..., Floats], tuple[Floats, ...], bool, float]] = {
    "median": (median, (normal(400, 31, seed=2),), False, 0.0),
    "difference": (difference, (normal(400, 30, seed=3) + 1, 2 * normal(400, 20, seed=4)), False, 1.0),
    "ratio of medians": (_ratio, (10 + normal(400, 30, seed=5), 5 + normal(400, 30, seed=6)), False, 2.0),
    "pairs": (difference, (normal(400, 30, seed=8) + 1, normal(400, 30, seed=9)), True, 1.0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_of_any_kind_holds_the_truth_about_as_often_as_it_says(kind: str) -> None:
    """400 experiments each. Percentile intervals of so few repeats hold it in 92 to 96 of 100 cases; fewer than 348
    of 400 at a coverage of 92 %, or more than 397 at 96 %, have p < 5e-4."""
    statistic, groups, paired, truth = KINDS[kind]
    low, high = interval(statistic, *groups, paired=paired)
    held = int(np.sum((low <= truth) & (truth <= high)))
    assert 348 <= held <= 397


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every other module with its syntax tree."""
    folders = ("memspan", "service", "workers", "benchmarks", "examples")
    for path in chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders):
        if path != Path(bootstrap.__file__):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def _assigned(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_no_other_module_has_a_level_or_a_number_of_resamples() -> None:
    named = {(str(path), name) for path, tree in _modules() for name in _assigned(tree)}
    assert len(named) > 1_000
    assert not [each for each in named if each[1] in {"LEVEL", "RESAMPLES", "CONFIDENCE"}]


DRAWING = {"memspan/statistics/blocks.py", "memspan/instruments/processes.py"}
"""what else may draw by numpy: resamples of blocks, and series of known memory, which are given their generator"""


def test_no_other_module_of_the_science_draws_resamples() -> None:
    """Tasks, models and probes draw with torch's generators; numpy's belong to the bootstrap."""
    drawing = [
        str(path)
        for path, tree in _modules()
        if path.parts[0] in {"memspan", "service", "workers"} and str(path) not in DRAWING
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"random", "default_rng", "RandomState"}
        and ast.unparse(node.value) in {"np", "numpy", "np.random", "numpy.random"}
    ]
    assert drawing == []


@pytest.mark.parametrize("n", range(1, bootstrap.FEW + 1))
def test_of_few_values_each_way_to_draw_them_is_worked_out_once_to_the_same_bits(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=(300, n)), rng.integers(0, 3, (300, n)) / 3, -1e-9 * rng.random((7, n))):
        each_way = bootstrap_mean(values)
        with monkeypatch.context() as patch:
            patch.setattr(bootstrap, "FEW", 0)
            every_draw = bootstrap_mean(values)
        assert [ends.tobytes() for ends in each_way] == [ends.tobytes() for ends in every_draw]


def test_ends_are_those_of_all_draws_in_order() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(50, 400))
    drawn[rng.random(drawn.shape) < 0.1] = np.nan
    drawn[rng.random(drawn.shape) < 0.1] = np.inf
    for row, low, high in zip(drawn, *ends(drawn), strict=True):
        known = np.sort(row[~np.isnan(row)])
        tail = round((1 - bootstrap.LEVEL) / 2 * (len(known) - 1))
        assert (low, high) == (known[tail], known[len(known) - 1 - tail])
