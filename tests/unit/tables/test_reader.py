"""Which kind of file it is, and which it is not."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from memspan.tables.reader import read_table
from memspan.tables.table import Table
from tests.unit.tables.files import fault, npy, npz, parquet_of


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("csv", b"a\n1\n2\n"),
        ("parquet", parquet_of(a=[1, 2])),
        ("npy", npy(np.array([1, 2]))),
        ("npz", npz(a=np.array([1, 2]))),
    ],
)
def test_a_file_is_known_by_its_first_bytes_whatever_it_is_called(form: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "table.xlsx"
    path.write_bytes(data)
    found = read_table(path)
    assert isinstance(found, Table)
    assert found.understood["format"] == form
    assert found.columns[0].values.tolist() == [1.0, 2.0]
    assert fault(data, format="npy" if form == "csv" else "csv").code == "wrong_format"


@pytest.mark.parametrize(
    "data", [gzip.compress(b"a\n1\n", mtime=0), b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1\xb1", b"\x89HDF\r\n", b"ARROW1\0\0"]
)
def test_files_of_other_kinds_are_refused_with_what_to_do(data: bytes) -> None:
    found = fault(data)
    assert found.code == "unknown_format"
    assert ":" in found.message


def test_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 10, 1_000, 100_000):
        assert fault(b"\x81" + rng.bytes(size)).code in ("wrong_encoding", "nul_character")
