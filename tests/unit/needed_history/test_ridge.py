"""All contexts at once are the regressions that one would fit one by one, on the same points, from the past alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from memspan.needed_history.folds import rolling
from memspan.needed_history.ridge import PENALTY, ridge
from memspan.needed_history.series import Series, series
from memspan.needed_history.windows import windows
from memspan.statistics.bootstrap import Floats

LONGEST = 6


def two_columns(n: int = 300) -> Series:
    rng = np.random.default_rng(1)
    x, y = rng.normal(2, 3, n), np.zeros(n)
    for t in range(3, n):
        y[t] = 10 + 0.6 * y[t - 1] + 0.4 * x[t - 3] + rng.normal()
    return series({"y": y, "x": x}, "y", horizon=2)


def by_hand(asked: Series, context: int) -> Floats:
    """Squared errors of one context: a regression of its own in each fold."""
    points = windows(asked, LONGEST)
    folds = rolling(points)
    first = asked.values[: points.origins[folds[0].train - 1] + 1]
    scaled = (asked.values - first.mean(axis=0)) / first.std(axis=0)
    rows = np.array([scaled[t - context + 1 : t + 1][::-1].ravel() for t in points.origins]).reshape(
        len(points.origins), -1
    )
    wanted = scaled[points.origins + 2, 0]
    errors = []
    for fold in folds:
        known, asked_for = slice(0, fold.train), slice(fold.test, fold.end)
        centre, mean = rows[known].mean(axis=0), wanted[known].mean()
        centred = rows[known] - centre
        gram = centred.T @ centred + PENALTY * np.eye(centred.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (wanted[known] - mean))
        errors.append(wanted[asked_for] - mean - (rows[asked_for] - centre) @ weights)
    return (np.concatenate(errors) * first[:, 0].std()) ** 2


@pytest.mark.parametrize("context", [0, 1, 3, LONGEST])
def test_every_context_is_the_regression_that_knows_its_steps_only(context: int) -> None:
    asked = two_columns()
    losses = ridge(windows(asked, LONGEST), np.arange(LONGEST + 1))
    assert losses.squared[:, context] == pytest.approx(by_hand(asked, context))


def test_contexts_that_are_left_out_change_no_other() -> None:
    points = windows(two_columns(), LONGEST)
    every, some = ridge(points, np.arange(LONGEST + 1)), ridge(points, np.array([0, 2, 5]))
    assert np.array_equal(some.squared, every.squared[:, [0, 2, 5]])


def test_windows_that_are_looked_at_in_parts_lose_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    points = windows(two_columns(), LONGEST)
    at_once = ridge(points, np.arange(LONGEST + 1))
    monkeypatch.setattr("memspan.needed_history.windows.NUMBERS_AT_ONCE", 100)
    assert ridge(points, np.arange(LONGEST + 1)).squared == pytest.approx(at_once.squared)


@pytest.mark.parametrize("horizon", [1, 4])
def test_no_answer_knows_what_comes_after_it(horizon: int) -> None:
    """Whatever is changed from some row on, what was foretold from earlier rows stays what it was, to the last bit."""
    rng = np.random.default_rng(2)
    before = series({"y": rng.normal(size=400)}, "y", horizon)
    changed = before.foretold.copy()
    changed[300:] = 1_000 * rng.normal(size=100)
    after = series({"y": changed}, "y", horizon)
    was, now = (ridge(windows(each, LONGEST), np.arange(LONGEST + 1)) for each in (before, after))
    same = was.points < 300
    assert same.sum() > 100
    assert np.array_equal(was.squared[same], now.squared[same])


def test_what_is_trained_on_was_known_when_the_first_point_was_asked() -> None:
    points = windows(two_columns(), LONGEST)
    for fold in rolling(points):
        assert points.origins[fold.train - 1] + points.series.horizon <= points.origins[fold.test]
        assert points.origins[fold.train] + points.series.horizon > points.origins[fold.test]


def test_all_points_after_the_first_forty_percent_are_scored_once() -> None:
    points = windows(two_columns(), LONGEST)
    folds = rolling(points)
    assert folds[0].test == int(0.4 * len(points.origins))
    assert folds[-1].end == len(points.origins)
    assert all(first.end == second.test for first, second in pairwise(folds))


def test_a_loud_beginning_counts_for_every_context_or_for_none() -> None:
    """Where each context had points of its own, the same answer lost less the fewer of the first points it had."""
    x = np.random.default_rng(3).normal(size=300)
    x[:20] *= 50
    points = windows(series({"x": x}, "x"), 24)
    assert points.origins[0] == 23
    assert np.array_equal(points.origins + 1, np.arange(24, 300))


def test_a_missing_row_takes_its_points_from_every_context() -> None:
    x = np.random.default_rng(4).normal(size=200)
    x[100] = np.nan
    points = windows(series({"x": x}, "x"), 5)
    assert sorted(set(range(4, 199)) - set(points.origins)) == [99, 100, 101, 102, 103, 104]
    losses = ridge(points, np.arange(6))
    assert np.isfinite(losses.squared).all()


def test_persistence_and_the_training_mean_are_scored_on_the_same_points() -> None:
    asked = series({"x": np.random.default_rng(5).normal(7, 2, 300)}, "x")
    losses = ridge(windows(asked, 3), np.arange(4))
    folds = rolling(windows(asked, 3))
    x = asked.foretold
    assert losses.persistence == pytest.approx((x[losses.points] - x[losses.points - 1]) ** 2)
    first = folds[0]
    mean = x[3 : 3 + first.train].mean()
    length = first.end - first.test
    assert losses.squared[:length, 0] == pytest.approx((x[losses.points[:length]] - mean) ** 2)
    assert losses.absolute[0] == pytest.approx(np.sqrt(losses.squared[:, 0]).mean())


def test_a_column_that_begins_constant_is_no_fault() -> None:
    rng = np.random.default_rng(6)
    late = np.concatenate([np.zeros(150), rng.normal(size=150)])
    losses = ridge(windows(series({"x": rng.normal(size=300), "late": late}, "x"), 4), np.arange(5))
    assert np.isfinite(losses.squared).all()
