"""A series that can't be asked says which argument would have to change, the limit, and what was given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from memspan.needed_history.asking import ask
from memspan.needed_history.series import Series, UnusableSeries, series


def noise(n: int = 200) -> np.ndarray:
    return np.random.default_rng(1).normal(size=n)


def holed(*rows: int, value: float = np.nan) -> Series:
    x = noise()
    x[list(rows)] = value
    return series({"x": x}, "x")


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "horizon": (lambda: series({"x": noise()}, "x", horizon=0), "lies from 1 to half of the 200 rows; given was 0"),
    "season": (lambda: series({"x": noise()}, "x", season=1), "lies from 2 to half of the 200 rows; given was 1"),
    "series": (lambda: series({"x": noise(59)}, "x"), "at least 60 rows are needed; there are 59"),
    "names": (lambda: Series(np.zeros((200, 2)), ("x",), np.zeros(200), "x"), "there are 2 columns and 1 names"),
    "x": (lambda: holed(3, value=np.inf), "row 4 is infinite"),
    "longest": (lambda: ask(holed(), longest=41), "lies from 1 to 40 for 200 rows of 1 columns; given was 41"),
}


@pytest.mark.parametrize("field", REFUSED)
def test_what_is_wrong_is_named_with_its_limit(field: str) -> None:
    attempt, words = REFUSED[field]
    with pytest.raises(UnusableSeries) as refused:
        attempt()
    assert refused.value.field == field
    assert words in refused.value.sentence


def test_more_than_a_fifth_missing_is_too_much() -> None:
    with pytest.raises(UnusableSeries, match="at most 20% may be missing; 25% are"):
        holed(*range(0, 200, 4))


def test_a_constant_has_nothing_to_foretell() -> None:
    with pytest.raises(UnusableSeries, match="is 3 in every row"):
        series({"x": np.full(100, 3.0)}, "x")
    with pytest.raises(UnusableSeries, match="is 3 in every row"):
        series({"x": noise(100), "c": np.full(100, 3.0)}, "x")


def test_gaps_that_leave_no_whole_context_are_refused_with_what_helps() -> None:
    with pytest.raises(UnusableSeries, match="Fill gaps, or ask for shorter contexts"):
        ask(holed(*range(5, 200, 10)), longest=20)


def test_gaps_are_filled_along_straight_lines_and_ends_are_left() -> None:
    x = np.arange(100.0) ** 2
    x[[0, 40, 41, 99]] = np.nan
    filled = series({"x": x}, "x").interpolated().foretold
    assert np.isnan(filled[[0, 99]]).all()
    assert filled[[40, 41]] == pytest.approx([39**2 + (42**2 - 39**2) / 3, 39**2 + 2 * (42**2 - 39**2) / 3])


def test_changes_are_one_row_fewer() -> None:
    changed = series({"x": np.arange(100.0) ** 2}, "x").changes()
    assert changed.foretold.tolist() == [2 * t + 1 for t in range(99)]
