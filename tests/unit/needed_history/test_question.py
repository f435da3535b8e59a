"""A table becomes a series, or the answer says which column or row stands in the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from memspan.needed_history.frame import table_of
from memspan.needed_history.question import Question, series_of
from memspan.needed_history.series import Series, UnusableSeries

N = 120


def noise(seed: int = 1, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def asked(frame: Any, target: str | None = None, **fields: Any) -> Series:
    return series_of(table_of(frame), Question(target, **fields))


def days(n: int = N) -> pd.DatetimeIndex:
    return pd.date_range("2026-01-01", periods=n, freq="D")


def test_a_column_is_asked_with_its_own_past_alone_unless_inputs_are_given() -> None:
    frame = pd.DataFrame({"y": noise(1), "u": noise(2)})
    alone, fed, both = (asked(frame, "y", inputs=inputs) for inputs in (None, ("u",), ("y", "u")))
    assert (alone.names, fed.names, both.names) == (("y",), ("u",), ("y", "u"))
    assert np.array_equal(fed.foretold, frame["y"])
    assert np.array_equal(fed.values[:, 0], frame["u"])


@pytest.mark.parametrize(
    "frame",
    [noise(), noise()[:, None], {"x": noise()}, pd.Series(noise()), pd.DataFrame({"x": noise()}), list(noise())],
    ids=["array", "matrix", "mapping", "series", "frame", "list"],
)
def test_whatever_holds_one_column_of_numbers_is_asked_without_its_name(frame: Any) -> None:
    assert np.array_equal(asked(frame).foretold, noise())


def test_tables_of_pyarrow_are_columns_too() -> None:
    import pyarrow as pa

    assert np.array_equal(asked(pa.table({"x": noise()})).foretold, noise())


def test_a_frame_that_is_indexed_by_days_tells_what_a_step_is() -> None:
    assert asked(pd.DataFrame({"x": noise()}, index=days())).step == "day"
    assert asked(pd.Series(noise(), index=pd.period_range("1900", periods=N, freq="Y"), name="x")).step == "year"
    assert asked(pd.DataFrame({"year": np.arange(1_800, 1_800 + N), "x": noise()}), "x").step == "year"
    assert asked(pd.DataFrame({"x": noise()})).step == "step"


def test_days_that_are_left_out_are_gaps_that_no_window_reaches_over() -> None:
    frame = pd.DataFrame({"x": noise()}, index=days()).drop(index=days()[[50, 51]])
    found = asked(frame, missing="segment")
    assert len(found) == N
    assert found.holes.tolist() == [50, 51]
    with pytest.raises(UnusableSeries, match="missing: 2 rows miss a value, the first is row 51; say interpolate"):
        asked(frame)
    assert not len(asked(frame, missing="interpolate").holes)


def test_words_become_a_column_for_each() -> None:
    wind = np.array(["east", "west"], dtype=object)[np.arange(N) % 2]
    wind[2::10] = None
    found = asked(pd.DataFrame({"x": noise(), "wind": wind}), "x", inputs=("x", "wind"), missing="segment")
    assert found.names == ("x", "wind=east", "wind=west")
    assert found.values[:2, 1:].tolist() == [[1, 0], [0, 1]]
    assert np.isnan(found.values[2, 1:]).all()


def test_numbers_with_none_between_them_are_numbers() -> None:
    values: list[float | None] = list(noise())
    values[7] = None
    assert asked({"x": np.array(values, dtype=object)}, missing="segment").holes.tolist() == [7]


def test_changes_are_asked_where_that_is_wanted() -> None:
    assert np.array_equal(asked({"x": noise()}, of="change").foretold, np.diff(noise()))


def test_gaps_are_filled_before_changes_are_taken() -> None:
    holed = noise()
    holed[40] = np.nan
    found = asked({"x": holed}, of="change", missing="interpolate").foretold
    assert found[39:41] == pytest.approx([(holed[41] - holed[39]) / 2] * 2)


def test_one_of_several_series_is_asked_by_its_name() -> None:
    frame = pd.DataFrame({"item_id": np.repeat(["a", "b"], N), "x": np.concatenate([noise(1), noise(2)])})
    assert np.array_equal(asked(frame, "x", only="b").foretold, noise(2))
    with pytest.raises(UnusableSeries, match="only: there are 2 series by item_id; say which: a, b"):
        asked(frame, "x")
    with pytest.raises(UnusableSeries, match="only: there is no series 'c'; there are a, b"):
        asked(frame, "x", only="c")


def test_the_column_that_tells_series_apart_may_have_any_name() -> None:
    frame = pd.DataFrame({"shop": np.repeat(["a", "b"], N), "x": np.concatenate([noise(1), noise(2)])})
    assert np.array_equal(asked(frame, "x", only="b", series_column="shop").foretold, noise(2))
    with pytest.raises(UnusableSeries, match="only: there are 2 series by shop; say which: a, b"):
        asked(frame, "x", series_column="shop")
    with pytest.raises(UnusableSeries, match=r"only: there is one series .* given was 'b'\. .* as series_column"):
        asked(frame, "x", only="b")


def stacked() -> pd.DataFrame:
    return pd.DataFrame({"shop": np.repeat(["a", "b"], N // 2), "time": np.tile(days()[: N // 2], 2), "x": noise()})


def doubled() -> pd.DataFrame:
    stamps = days().to_numpy().copy()
    stamps[9] = stamps[8]
    return pd.DataFrame({"time": stamps, "x": noise()})


def irregular() -> pd.DataFrame:
    return pd.DataFrame({"time": days() + pd.to_timedelta((np.arange(N) % 7 == 6) * 5, unit="h"), "x": noise()})


REFUSED: dict[str, tuple[Any, str | None, dict[str, Any], str]] = {
    "no such column": ({"x": noise()}, "y", {}, "target: there is no column 'y'; there are x."),
    "no such input": ({"x": noise()}, "x", {"inputs": ("z",)}, "inputs: there is no column 'z'; there are x."),
    "no inputs": ({"x": noise()}, "x", {"inputs": ()}, "inputs: at least one column is known; none was given."),
    "several columns": (noise(n=240).reshape(N, 2), None, {}, "target: say which column is to be foretold: 0, 1."),
    "words": ({"x": ["a", "b"] * 60}, "x", {}, "target: is a column of numbers; 'x' is a column of type category."),
    "many words": (
        {"x": noise(), "w": [str(each) for each in range(N)]},
        "x",
        {"inputs": ("w",)},
        "inputs: are numbers or categories of up to 32 words; 'w' has 120 words.",
    ),
    "missing": ({"x": noise()}, "x", {"missing": "drop"}, "missing: is one of error, interpolate, segment; given was"),
    "of": ({"x": noise()}, "x", {"of": "log"}, "of: is one of level, change; given was 'log'."),
    "only": ({"x": noise()}, "x", {"only": "a"}, "only: there is one series in this table; given was 'a'."),
    "time": ({"x": noise()}, "x", {"time": "when"}, "time: There is no column 'when'."),
    "doubled": (doubled(), "x", {}, "time: row 10 has the time of the row before it (1 such row)."),
    "stacked": (
        stacked(),
        "x",
        {},
        "time: row 61 lies before the row before it (1 such row). Are there several series?",
    ),
    "no series column": ({"x": noise()}, "x", {"series_column": "z"}, "series_column: There is no column 'z'."),
    "series by times": (doubled(), "x", {"series_column": "time"}, "series_column: Series are told apart by words or"),
    "irregular": (irregular(), "x", {}, "time: rows are 1 day apart, but"),
    "lengths": ({"x": noise(), "y": noise(n=3)}, "x", {}, "frame: its columns have different lengths: "),
    "axes": (np.zeros((3, 3, 3)), None, {}, "frame: is a table: (rows,) or (rows, columns); given was (3, 3, 3)."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_asked_is_refused_by_name(case: str) -> None:
    frame, target, fields, words = REFUSED[case]
    with pytest.raises(UnusableSeries) as refused:
        asked(frame, target, **fields)
    assert words in str(refused.value)
