"""Reading CSV files: what is understood, and what is refused by row and column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memspan.tables.caps import Caps
from tests.unit.tables.files import fault, read, refusal

GERMAN = "Tag;Größe\n01.02.2020;2,5\n02.02.2020;-1,25\n"


def test_numbers_words_and_times_become_columns_with_types() -> None:
    table = read(b"when,size,colour\n2020-01-01,1.5,red\n2020-01-02,-2e3,blue\n2020-01-03,NA,red\n")
    when, size, colour = table.columns
    assert (when.type, size.type, colour.type) == ("time", "number", "category")
    assert when.values.view("datetime64[us]").astype(str).tolist() == [
        "2020-01-01T00:00:00.000000",
        "2020-01-02T00:00:00.000000",
        "2020-01-03T00:00:00.000000",
    ]
    assert size.values[:2].tolist() == [1.5, -2000.0]
    assert np.isnan(size.values[2])
    assert colour.values.tolist() == [0, 1, 0]
    assert colour.levels == ("red", "blue")
    assert table.understood["step"] == "1 day"
    assert table.understood["header"] is True


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    table = read(GERMAN.encode(encoding))
    assert [column.name for column in table.columns] == ["Tag", "Größe"]
    assert table.columns[1].values.tolist() == [2.5, -1.25]
    assert table.understood["encoding"] == encoding.removesuffix("-sig")


def test_latin_1_is_refused_with_its_line_until_somebody_says_so() -> None:
    data = GERMAN.replace("Tag", "x").encode("latin-1")
    found = fault(data)
    assert found.code == "wrong_encoding"
    assert "Line 1 is not utf-8" in found.message
    assert read(data, encoding="latin-1").columns[1].name == "Größe"


def test_semicolons_and_decimal_commas_are_seen() -> None:
    table = read(b"a;b\n1,5;x\n2,25;y\n")
    assert (table.understood["separator"], table.understood["decimal"]) == (";", ",")
    assert table["a"].values.tolist() == [1.5, 2.25]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_separator_is_seen(separator: str) -> None:
    table = read(f"a{separator}b\n1{separator}2\n3{separator}4\n".encode())
    assert table.understood["separator"] == separator
    assert table["b"].values.tolist() == [2.0, 4.0]


def test_quoted_decimal_commas_between_commas_are_numbers() -> None:
    assert read(b'a,b\n"2,5",1\n"3,5",2\n')["a"].values.tolist() == [2.5, 3.5]


def test_what_is_guessed_wrongly_can_be_said() -> None:
    assert read(b"a\n1,5\n2,5\n", separator=";", decimal=",")["a"].values.tolist() == [1.5, 2.5]
    assert read(b"a\n1\n2\n", types={"a": "category"})["a"].levels == ("1", "2")
    assert read(b"1,2\n3,4\n", header=True).rows == 1
    table = read(b"d,v\n03/01/2020,1\n04/01/2020,2\n", time_column="d", time_format="%d/%m/%Y")
    assert table.understood["step"] == "1 day"


def test_a_first_row_of_numbers_is_no_header() -> None:
    table = read(b"1,2\n3,4\n")
    assert [column.name for column in table.columns] == ["column_1", "column_2"]
    assert table["column_1"].values.tolist() == [1.0, 3.0]


def test_everything_wrong_is_told_at_once_by_row_and_column() -> None:
    found = refusal(b"a,b\n1,2\n\n3\n4,5\n6,7,8\n9,x\n10, 11\n12,1e999\n13,oops\n")
    assert [(each.row, each.column, each.code, each.given) for each in found.faults] == [
        (2, None, "ragged_row", "3"),
        (4, None, "ragged_row", "6,7,8"),
        (5, "b", "not_a_number", "x"),
        (7, "b", "not_finite", "inf"),
        (8, "b", "not_a_number", "oops"),
    ]
    assert found.total == 5


def test_rows_count_on_across_batches_and_behind_ragged_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memspan.tables.csv_file.BLOCK", 64)
    lines = [f"{number},1" for number in range(100)]
    lines[20], lines[60], lines[90] = "20", "60,oops", "90,1,1"
    found = refusal(("a,b\n" + "\n".join(lines) + "\n").encode())
    assert [(each.row, each.code) for each in found.faults] == [
        (21, "ragged_row"),
        (61, "not_a_number"),
        (91, "ragged_row"),
    ]


def test_only_the_first_hundred_are_told_and_all_are_counted() -> None:
    rows = "".join(f"{number},{'x' if number % 2 else 1}\n" for number in range(600))
    found = refusal(("a,b\n" + rows).encode())
    assert len(found.faults) == 100
    assert found.total == 300
    assert found.faults[-1].row == 200


def test_a_late_word_in_a_column_of_numbers_is_a_fault_and_does_not_make_it_words() -> None:
    rows = "".join(f"{number}\n" for number in range(200_000))
    found = fault(f"a\n{rows}oops\n".encode())
    assert (found.row, found.column, found.given) == (200_001, "a", "oops")


def test_a_column_that_begins_blank_takes_the_type_of_its_first_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memspan.tables.csv_file.BLOCK", 64)
    blank = "".join(f"{number},,,\n" for number in range(50))
    table = read(f"n,a,b,c\n{blank}50,1,red,2020-01-01\n".encode())
    assert [column.type for column in table.columns[1:]] == ["number", "category", "time"]
    assert [int(column.is_missing.sum()) for column in table.columns[1:]] == [50, 50, 50]


def test_infinite_numbers_are_refused_by_row() -> None:
    found = fault(b"a\n1\ninf\n")
    assert (found.code, found.row, found.column) == ("not_finite", 2, "a")


def test_points_in_a_column_with_decimal_commas_are_not_taken_for_thousands() -> None:
    found = fault(b"a;b\n1,5;1\n1.234,5;2\n2,5;3\n")
    assert (found.code, found.row, found.given) == ("not_a_number", 2, "1.234,5")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\n", "no_rows"),
        (b"a,a\n1,2\n", "duplicate_name"),
        (b"a,b\n1,\x00\n", "nul_character"),
        (b'a,b\n1,"2\n3,4\n', "line_break"),
        (b"a,b\n1," + b"x" * 9_000_000 + b"\n", "long_row"),
    ],
)
def test_what_is_no_table_is_refused_in_words(data: bytes, code: str) -> None:
    assert fault(data).code == code


@pytest.mark.parametrize("name", ["base64", "zip", "klingon"])
def test_an_encoding_of_no_text_is_refused(name: str) -> None:
    assert fault(b"a\n1\n", encoding=name).code == "unknown_encoding"


def test_caps_are_checked_while_a_file_is_read() -> None:
    data = b"a,b\n" + b"1,2\n" * 1_000
    assert fault(data, replace(Caps(), rows=999)).code == "too_many_rows"
    assert fault(data, replace(Caps(), columns=1)).code == "too_many_columns"
    assert fault(data, replace(Caps(), bytes=15_999)).code == "too_large"
    assert fault(data, replace(Caps(), file_bytes=4_003)).code == "too_large"
    assert read(data, replace(Caps(), rows=1_000, columns=2, bytes=16_000, file_bytes=4_004)).rows == 1_000


def test_words_that_never_come_again_are_text_and_take_no_memory() -> None:
    table = read("".join(["a,b\n", *(f"{number},word {number}\n" for number in range(20))]).encode(), Caps(levels=9))
    assert (table["b"].type, len(table["b"].values)) == ("text", 0)
    assert "text" in [each.code for each in table.remarks]


def test_types_of_columns_that_are_not_there_are_refused() -> None:
    assert fault(b"a\n1\n", types={"b": "category"}).code == "unknown_column"
    assert fault(b"a\n1\n", time_column="b").code == "unknown_column"
