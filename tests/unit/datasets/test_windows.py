"""Windows over series: what is seen, what is scored, and what nobody may know yet."""

from __future__ import annotations

import numpy as np
import pytest

from memspan.baselines.forecasts import season_of
from memspan.datasets.grid import Gridded, Unfit, differenced, gridded
from memspan.datasets.windows import Shares, Windows, windows
from memspan.tables.table import Column, Table

SHARES = Shares(0.15, 0.2, 5, "time")


def table(**columns: object) -> Table:
    made = []
    for name, values in columns.items():
        kind = "category" if isinstance(values, list) else "number"
        if kind == "category":
            levels = tuple(dict.fromkeys(values))  # type: ignore[call-overload]
            made.append(Column(name, "category", np.array([levels.index(word) for word in values], np.int32), levels))  # type: ignore[union-attr]
        else:
            made.append(Column(name, "number", np.asarray(values, dtype=float)))
    return Table(len(made[0].values), tuple(made))


def series_of(values: object, missing: str = "error") -> list[Gridded]:
    return gridded(table(y=values), "y", ("y",), None, None, missing)  # type: ignore[arg-type]


def targets(found: Windows, part: str) -> set[int]:
    return set((found.points[part] + found.horizon).tolist())  # type: ignore[index]


def test_parts_follow_each_other_in_time_with_gaps_and_share_no_target() -> None:
    found = windows(series_of(np.sin(np.arange(400))), 10, 3, SHARES, scaled=True)
    train, validation, test = (targets(found, part) for part in ("train", "validation", "test"))
    assert (min(train), max(train)) == (12, 249)
    assert (min(validation), max(validation)) == (255, 314)
    assert (min(test), max(test)) == (320, 399)


def test_every_context_has_the_same_points_those_of_the_longest() -> None:
    found = windows(series_of(np.sin(np.arange(400))), 50, 1, SHARES, scaled=True)
    assert all(points.min() >= 49 for points in found.points.values())


def test_means_and_deviations_are_those_of_the_training_part_alone() -> None:
    values = np.sin(np.arange(400.0))
    changed = values.copy()
    changed[255:] = 1_000 + 50 * changed[255:]
    one, other = (windows(series_of(each), 10, 1, SHARES, scaled=True) for each in (values, changed))
    np.testing.assert_array_equal(one.inputs[:250], other.inputs[:250])
    assert abs(one.target[:250].mean()) < 1e-12
    assert abs(one.target[:250].std() - 1) < 1e-12
    assert other.target[300] > 1_000


def test_unscaled_values_stay_as_they_are() -> None:
    values = 5 + np.arange(400.0)
    np.testing.assert_array_equal(windows(series_of(values), 10, 1, SHARES, scaled=False).target, values)


def test_several_series_never_share_a_window_and_have_scales_of_their_own() -> None:
    names = ["a"] * 200 + ["b"] * 200
    values = np.concatenate([np.sin(np.arange(200)), 900 + 40 * np.sin(np.arange(200))])
    series = gridded(table(who=names, y=values), "y", ("y",), None, "who", "error")
    found = windows(series, 20, 2, SHARES, scaled=True)
    for points in found.points.values():
        assert (points - 19 >= found.begins[points]).all()
        assert (found.begins[points] == found.begins[points + 2]).all()
    np.testing.assert_allclose(found.target[:200], found.target[200:])


def test_rows_of_series_may_be_mixed() -> None:
    values = np.stack([np.arange(200.0), -np.arange(200.0)], axis=1).ravel()
    series = gridded(table(who=["a", "b"] * 200, y=values), "y", ("y",), None, "who", "error")
    assert series[0].target.tolist() == list(range(200))


def test_whole_series_are_held_out_where_that_is_asked() -> None:
    names = [name for name in "abcdefgh" for _ in range(50)]
    series = gridded(table(who=names, y=np.sin(np.arange(400))), "y", ("y",), None, "who", "error")
    found = windows(series, 5, 1, Shares(0.15, 0.2, 5, "series"), scaled=True)
    owners = [set(found.begins[points].tolist()) for points in found.points.values()]
    assert [len(each) for each in owners] == [5, 1, 2]
    assert len(set.union(*owners)) == 8
    with pytest.raises(Unfit, match="three of them"):
        windows(series[:2], 5, 1, Shares(0.15, 0.2, 5, "series"), scaled=True)


def test_what_is_missing_is_refused_by_its_row_unless_somebody_says_what_to_do() -> None:
    values = np.sin(np.arange(400.0))
    values[[70, 90]] = np.nan
    with pytest.raises(Unfit, match="2 values are missing, the first in row 71 of 'y'"):
        series_of(values)
    cut = windows(series_of(values, "segment"), 10, 1, SHARES, scaled=True)
    seen = {row for points in cut.points.values() for point in points for row in range(point - 9, point + 2)}
    assert {70, 90} & seen == set()


def test_interpolated_inputs_never_tell_the_target_and_missing_targets_are_not_scored() -> None:
    values = np.sin(np.arange(400.0))
    values[[70, 330]] = np.nan
    found = windows(series_of(values, "interpolate"), 10, 1, SHARES, scaled=True)
    for row in (70, 330):
        for points in found.points.values():
            assert row not in points, "its line ends at the target"
            assert row not in points + 1, "nobody knows what to score"
    assert 335 in found.points["test"]
    values[100:200] = np.nan
    with pytest.raises(Unfit, match="at most 20%"):
        series_of(values, "interpolate")


def test_gaps_in_time_are_refused_cut_or_filled() -> None:
    when = np.delete(np.arange(400.0), [100, 101, 102])
    made = table(t=when, y=np.sin(when))
    with pytest.raises(
        Unfit, match="1 gap in time, the first before row 101; `missing` takes `interpolate` or `segment`"
    ):
        gridded(made, "y", ("y",), "t", None, "error")
    (cut,) = gridded(made, "y", ("y",), "t", None, "segment")
    assert (cut.rows, int(np.isnan(cut.target).sum())) == (398, 1)
    (filled,) = gridded(made, "y", ("y",), "t", None, "interpolate")
    assert filled.rows == 400
    assert not np.isnan(filled.inputs).any()
    assert np.isnan(filled.target[100:103]).all()


@pytest.mark.parametrize(("time", "code"), [(5.0, "duplicate_time"), (2.0, "falling_time"), (np.nan, "missing_time")])
def test_times_that_do_not_rise_are_refused(time: float, code: str) -> None:
    when = np.arange(100.0)
    when[6] = time
    with pytest.raises(Unfit) as caught:
        gridded(table(t=when, y=np.sin(when)), "y", ("y",), "t", None, "interpolate")
    assert (caught.value.field, caught.value.code) == ("time_column", code)


def test_rows_of_several_series_are_told_to_name_the_column_that_tells_them_apart() -> None:
    when = np.tile(np.arange(50.0), 2)
    with pytest.raises(
        Unfit, match=r"Row 51 of 't' lies before the row before it; .* `series_column`.* \(1 such row\)"
    ):
        gridded(table(t=when, y=np.sin(np.arange(100))), "y", ("y",), "t", None, "error")
    with pytest.raises(Unfit, match=r"Row 2 of 't' has the time of .* `series_column`.* \(50 such rows\)"):
        gridded(table(t=np.repeat(np.arange(50.0), 2), y=np.sin(np.arange(100))), "y", ("y",), "t", None, "error")


def test_values_that_are_missing_are_told_with_the_words_that_allow_them() -> None:
    values = np.sin(np.arange(400.0))
    values[[70, 330]] = np.nan
    with pytest.raises(
        Unfit, match=r"2 values are missing, .* row 71 of 'y'; `missing` takes `interpolate` or `segment`"
    ):
        series_of(values)
    values[330] = 0.5
    with pytest.raises(Unfit, match="1 value is missing, the first in row 71"):
        series_of(values)


def test_irregular_times_are_refused() -> None:
    when = np.sort(np.random.default_rng(0).uniform(0, 100, 200))
    with pytest.raises(Unfit) as caught:
        gridded(table(t=when, y=np.sin(when)), "y", ("y",), "t", None, "segment")
    assert caught.value.code == "irregular"


def test_differences_are_changes_and_their_first_rows_are_not_used() -> None:
    (one,) = series_of(np.arange(100.0) ** 2)
    twice = differenced(one, 2)
    assert twice.target[2:].tolist() == [2.0] * 98
    assert np.isnan(twice.target[:2]).all()
    assert not twice.known[:2].any()


@pytest.mark.parametrize(("values", "code"), [(np.ones(400), "constant"), (np.sin(np.arange(50)), "too_short")])
def test_what_teaches_nothing_is_refused(values: np.ndarray, code: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(Unfit) as caught:
        windows(series_of(values), 5, 1, SHARES, scaled=True)
    assert caught.value.code == code


def test_a_season_is_found_in_the_training_part_and_noise_has_none() -> None:
    rng = np.random.default_rng(1)
    months = np.arange(600)
    seasonal = windows(
        series_of(np.sin(2 * np.pi * months / 12) + 0.01 * months + 0.2 * rng.normal(size=600)), 5, 1, SHARES, True
    )
    assert season_of(seasonal) == 12
    assert season_of(windows(series_of(rng.normal(size=600)), 5, 1, SHARES, True)) is None
    assert season_of(windows(series_of(rng.normal(size=600).cumsum()), 5, 1, SHARES, True)) is None


@pytest.mark.parametrize(
    ("columns", "field"), [({"y": 1e300, "x": 1.0}, "target"), ({"y": 1.0, "x": -1e300}, "inputs")]
)
def test_numbers_that_nothing_can_be_computed_with_are_refused(columns: dict[str, float], field: str) -> None:
    values = {name: np.where(np.arange(400) == 7, large, np.arange(400.0)) for name, large in columns.items()}
    with pytest.raises(Unfit) as error:
        gridded(table(**values), "y", ("y", "x"), None, None, "error")
    assert (error.value.field, error.value.code) == (field, "too_large")
    assert "Row 8" in error.value.message


@pytest.mark.parametrize("missing", ["interpolate", "segment"])
@pytest.mark.parametrize("ends", [(1e300,), (9e18, 1.8e19, 2.7e19)])
def test_times_too_far_apart_to_be_counted_are_refused(missing: str, ends: tuple[float, ...]) -> None:
    times = np.concatenate([np.arange(400.0), ends])
    with pytest.raises(Unfit) as error:
        gridded(table(time=times, y=times % 7), "y", ("y",), "time", None, missing)  # type: ignore[arg-type]
    assert (error.value.field, error.value.code) == ("time_column", "irregular")
