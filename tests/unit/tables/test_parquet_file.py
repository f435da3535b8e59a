"""Reading Parquet files."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from memspan.tables.caps import Caps
from tests.unit.tables.files import fault, parquet_of, read, refusal


def test_columns_keep_their_types() -> None:
    table = read(
        parquet_of(
            a=[1, 2, None],
            b=["x", "y", "x"],
            c=[datetime(2020, 1, 1), datetime(2020, 1, 2), None],
            d=[True, None, False],
            e=[Decimal("1.5"), Decimal("2.5"), Decimal("3.5")],
            f=[date(2020, 1, 1)] * 3,
            g=pa.array([None, None, None]),
        )
    )
    assert {column.name: column.type for column in table.columns} == {
        "a": "number",
        "b": "category",
        "c": "time",
        "d": "category",
        "e": "number",
        "f": "time",
        "g": "number",
    }
    assert table["b"].levels == ("x", "y")
    assert [int(column.is_missing.sum()) for column in table.columns] == [1, 0, 1, 1, 0, 0, 3]
    assert table["e"].values.tolist() == [1.5, 2.5, 3.5]
    assert table.understood["step"] == "1 day"


def test_nested_and_binary_columns_are_refused_by_name() -> None:
    found = refusal(parquet_of(a=[[1], [2]], b=[b"x", b"y"], c=[1, 2]))
    assert [(each.code, each.column) for each in found.faults] == [("unknown_type", "a"), ("unknown_type", "b")]


@pytest.mark.parametrize("spoilt", [lambda data: data[:-20], lambda data: data[:4] + bytes(100) + data[-4:]])
def test_damaged_files_are_refused(spoilt) -> None:  # type: ignore[no-untyped-def]
    assert fault(spoilt(parquet_of(a=list(range(1_000))))).code == "damaged"


def test_infinite_numbers_are_refused_by_row() -> None:
    found = fault(parquet_of(a=[0.0, np.inf]))
    assert (found.code, found.row, found.column) == ("not_finite", 2, "a")


def test_rows_that_a_small_file_claims_are_counted_before_they_are_unpacked() -> None:
    data = parquet_of(a=np.zeros(6_000_000, dtype=np.int64))
    assert len(data) < 100_000
    assert fault(data).code == "too_many_rows"
    assert fault(data, replace(Caps(), rows=10**9, bytes=10**7)).code == "too_large"


BOMB = """
import resource, sys
from pathlib import Path
from memspan.tables.reader import read_table
import pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read_table(Path(sys.argv[1]))
assert found["a"].levels == ("x" * 900,), found
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_one_long_word_for_a_million_rows_is_unpacked_once(tmp_path: Path) -> None:
    file = io.BytesIO()
    words = pa.DictionaryArray.from_arrays(np.zeros(1_000_000, dtype=np.int32), ["x" * 900])
    parquet.write_table(pa.table({"a": words.cast(pa.string())}), file)
    path = tmp_path / "bomb.parquet"
    path.write_bytes(file.getvalue())
    done = subprocess.run([sys.executable, "-c", BOMB, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 200_000, "kilobytes: the words themselves would take 900 MB"
