"""The shelf of data sets: files lie on it whole or not at all, and one that was damaged is fetched anew."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from memspan.datasets import shelf
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.tables.table import Column, Table
from memspan.tables.table_file import parts

CONTENT = b"".join(parts(Table(2, (Column("y", "number", np.array([1.0, 2.0])),))))
NAME = sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files of the shelf lie, with nobody to ask for them yet."""
    monkeypatch.setattr(shelf, "_suppliers", [])
    shelf.found.cache_clear()
    return tmp_path / "datasets"


def test_a_file_that_was_cut_short_is_fetched_anew(folder: Path) -> None:
    shelf.supplied_by(lambda name: iter([CONTENT]) if name == NAME else None, folder.parent)
    shelf.found(NAME)
    file = folder / f"{NAME}.safetensors"
    for left in (b"", CONTENT[:20], CONTENT[:-4]):
        shelf.found.cache_clear()
        file.write_bytes(left)
        found = shelf.found(NAME)
        assert isinstance(found, Table)
        assert found["y"].values.tolist() == [1.0, 2.0]
        assert file.read_bytes() == CONTENT


def test_nothing_stays_of_a_file_that_did_not_come_whole(folder: Path) -> None:
    def breaking(name: str) -> Iterator[bytes]:
        yield CONTENT[:10]
        raise OSError("the disk is full")

    shelf.supplied_by(breaking, folder.parent)
    with pytest.raises(DatasetUnavailable):
        shelf.found(NAME)
    assert list(folder.iterdir()) == []


def test_what_is_forgotten_is_neither_on_disk_nor_in_memory(folder: Path) -> None:
    there = [CONTENT]
    shelf.supplied_by(lambda name: iter(there) if there else None, folder.parent)
    shelf.found(NAME)
    there.clear()
    shelf.forget(NAME)
    assert list(folder.iterdir()) == []
    with pytest.raises(DatasetUnavailable, match="is gone"):
        shelf.found(NAME)
    shelf.forget(NAME)
