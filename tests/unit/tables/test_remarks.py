"""What is worth looking at in a table: gaps, duplicates, constants, too few rows."""

from __future__ import annotations

from datetime import date, timedelta

from memspan.tables.caps import Caps
from memspan.tables.table import Table
from tests.unit.tables.files import read


def remarks(table: Table) -> list[tuple[str, int | None, str | None]]:
    return [(each.code, each.row, each.column) for each in table.remarks]


def daily(count: int) -> list[str]:
    return [f"{date(2020, 1, 1) + timedelta(days=number)},{number % 7}" for number in range(count)]


def table_of(rows: list[str], header: str = "day,v") -> Table:
    return read(("\n".join([header, *rows]) + "\n").encode())


def test_a_sound_table_has_no_remarks() -> None:
    table = table_of(daily(80))
    assert remarks(table) == []
    assert table.understood["time_column"] == "day"
    assert table.understood["series"] == {"count": 1, "shortest": 80, "longest": 80}


def test_gaps_duplicates_falling_times_and_missing_values_are_told_by_row() -> None:
    rows = daily(80)
    rows[30] = rows[30].split(",")[0] + ","
    rows[40] = rows[39]
    rows[60], rows[61] = rows[61], rows[60]
    del rows[10:12]
    assert remarks(table_of(rows)) == [
        ("gap", 11, "day"),
        ("missing", 29, "v"),
        ("duplicate_time", 39, "day"),
        ("gap", 40, "day"),
        ("gap", 59, "day"),
        ("falling_time", 60, "day"),
        ("gap", 61, "day"),
    ]


def test_months_and_years_are_steps_although_their_days_differ() -> None:
    months = [f"{1990 + number // 12}-{number % 12 + 1:02}-15,{number}" for number in range(70)]
    assert table_of(months).understood["step"] == "1 month"
    assert remarks(table_of(months)) == []
    assert table_of([f"{1900 + number}-07-01,{number}" for number in range(70)]).understood["step"] == "1 year"
    assert table_of([f"{1900 + number},{number % 3}" for number in range(70)], "year,v").understood["step"] == "1"


def test_each_series_has_a_timeline_of_its_own() -> None:
    rows = [f"{name},{row}" for row in daily(60) for name in ("a", "b")]
    table = table_of(rows, "item_id,day,v")
    assert remarks(table) == []
    assert table.understood["series"] == {"count": 2, "shortest": 60, "longest": 60}


def american(count: int) -> bytes:
    days = [(date(2020, 1, 1) + timedelta(days=number)).strftime("%m/%d/%Y") for number in range(count)]
    return ("\n".join(["day,v", *(f"{day},{number % 7}" for number, day in enumerate(days))]) + "\n").encode()


def test_days_that_may_be_read_in_two_ways_are_remarked_with_what_to_say() -> None:
    (told,) = read(american(200)).remarks
    assert (told.code, told.column, told.given) == ("unread_time", "day", "01/01/2020")
    assert "`time_column` and `time_format`" in told.message
    asked = read(american(200), time_column="day", time_format="%m/%d/%Y")
    assert (asked.understood["step"], remarks(asked)) == ("1 day", [])


def test_days_that_are_too_many_to_be_words_are_told_how_they_may_be_read() -> None:
    (told,) = read(american(200), Caps(levels=100)).remarks
    assert (told.code, told.column) == ("text", "day")
    assert "`time_column` and `time_format`" in told.message


def test_words_beside_a_column_that_tells_when_are_no_unread_days() -> None:
    rows = [f"{date(2020, 1, 1) + timedelta(days=number)},1/{number % 3}/2020,{number}" for number in range(80)]
    assert remarks(table_of(rows, "day,version,v")) == []


def test_rows_of_several_series_are_remarked_with_the_option_that_tells_them_apart() -> None:
    rows = [f"{name},{row}" for name in ("a", "b") for row in daily(60)]
    (told,) = table_of(rows, "shop,day,v").remarks
    assert (told.code, told.row) == ("falling_time", 61)
    assert "`series_column`" in told.message


def test_numbers_that_would_tell_when_but_do_not_rise_are_remarked() -> None:
    rows = [f"{name},{number},{number % 7}" for name in "ab" for number in range(60)]
    (told,) = table_of(rows, "shop,t,v").remarks
    assert (told.code, told.column) == ("unread_time", "t")
    assert "`series_column`" in told.message
    asked = read(("shop,t,v\n" + "\n".join(rows)).encode(), series_column="shop", time_column="t")
    assert (asked.understood["step"], remarks(asked)) == ("1", [])


def test_constant_columns_and_few_rows_are_remarked() -> None:
    assert remarks(table_of([row.split(",")[0] + ",5" for row in daily(20)])) == [
        ("constant", None, "v"),
        ("too_short", None, None),
    ]


def test_times_with_zones_are_compared_in_utc() -> None:
    rows = [
        f"2020-03-29T{hour:02}:00:00+{zone}:00,{hour}" for hour, zone in ((0, "01"), (1, "01"), (3, "02"), (4, "02"))
    ]
    table = table_of(rows)
    assert table.understood["step"] == "1 hour"
    assert [code for code, _, _ in remarks(table)] == ["too_short"]
