"""What was understood of a file is stored, and read again the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from memspan.interfaces.pieces import in_pieces
from memspan.tables.description import described
from memspan.tables.preview import preview
from memspan.tables.table import Table
from memspan.tables.table_file import NoTableFile, parts, read_file
from tests.unit.tables.files import cut, npz, read

ROWS = [f"2020-01-{day:02},{day if day % 5 else ''},{'red' if day % 2 else 'blue'}" for day in range(1, 29)]
CSV = "\n".join(["when,size,colour", *ROWS, ""]).encode()


def stored(found: object, folder: Path) -> Path:
    path = folder / "some.safetensors"
    path.write_bytes(b"".join(in_pieces(parts(found), 1_000)))  # type: ignore[arg-type]
    return path


def test_a_table_is_read_as_it_was_stored(tmp_path: Path) -> None:
    table = read(CSV)
    again = read_file(stored(table, tmp_path))
    assert isinstance(again, Table)
    assert again.understood == table.understood
    for before, after in zip(table.columns, again.columns, strict=True):
        assert (before.name, before.type, before.levels) == (after.name, after.type, after.levels)
        assert before.values.dtype == after.values.dtype
        np.testing.assert_array_equal(before.values, after.values)


def test_sequences_are_read_as_they_were_stored(tmp_path: Path) -> None:
    found = cut(npz(inputs=np.arange(24.0).reshape(4, 3, 2), targets=np.array([0, 2, 1, 0]), groups=np.arange(4)))
    again = read_file(stored(found, tmp_path))
    assert not isinstance(again, Table)
    np.testing.assert_array_equal(found.inputs, again.inputs)
    np.testing.assert_array_equal(found.targets, again.targets)
    assert again.groups is not None


def test_the_same_content_gives_the_same_bytes_in_the_format_that_others_read(tmp_path: Path) -> None:
    path = stored(read(CSV), tmp_path)
    first = path.read_bytes()
    assert stored(read(CSV), tmp_path).read_bytes() == first
    with safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["memspan"])["columns"][1]["name"] == "size"
        assert file.get_tensor("column.1")[:4].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("content", [b"", b"nothing", bytes(100)])
def test_other_files_are_no_table_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "some"
    path.write_bytes(content)
    with pytest.raises(NoTableFile):
        read_file(path)


def test_a_description_tells_types_ranges_and_what_is_missing() -> None:
    told = described(read(CSV))
    when, size, colour = told.columns
    assert (when.low, when.high) == ("2020-01-01T00:00:00Z", "2020-01-28T00:00:00Z")
    assert (size.missing, size.low, size.high) == (5, 1.0, 28.0)
    assert (colour.levels, colour.level_count) == (["red", "blue"], 2)
    assert (told.rows, told.step, told.separator) == (28, "1 day", ",")
    assert {each.code for each in told.remarks} == {"missing", "too_short"}


def test_a_preview_has_the_first_rows_and_coarse_curves() -> None:
    shown = preview(read("".join(["a\n", *(f"{number}\n" for number in range(1_000))]).encode()))
    assert shown.rows[:2] == [[0.0], [1.0]]
    (curve,) = shown.curves
    assert len(curve.rows) == 200
    assert (curve.low[0], curve.mean[0], curve.high[0]) == (0.0, 2.0, 4.0)
    assert curve.high[-1] == 999.0
    assert preview(read(CSV)).rows[4] == ["2020-01-05T00:00:00Z", None, "red"]


def test_a_description_of_sequences_tells_their_shape() -> None:
    found = cut(npz(inputs=np.ones((4, 3, 2)), targets=np.array([0, 2, 1, 0])))
    told = described(found)
    assert (told.kind, told.shape, told.classes) == ("sequences", [4, 3, 2], 3)
    assert np.shape(preview(found).sequences) == (3, 3, 2)
