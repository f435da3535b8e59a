"""Tasks on users' data sets before they are planned: columns that were named as the file was sent."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memspan.experiment.flaw import Flaw
from memspan.experiment.own_data import looked_at
from memspan.tables.options import ReadOptions
from memspan.tables.reader import read_table
from memspan.tables.table import Table
from memspan.tables.table_file import parts, read_file
from memspan.tasks.series import Facts, Series

SHOPS, DAYS = ("north", "south"), 150


def shops() -> bytes:
    """Two shops below each other; a row has the number of its day and sales that no other has."""
    rng = np.random.default_rng(0)
    rows = [f"{shop},{day},{rng.normal():.4f}" for shop in SHOPS for day in range(DAYS)]
    return "\n".join(["shop,number,sales", *rows, ""]).encode()


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    """A data set as it is found again once it was sent with some options."""

    def store(**options: Any) -> Table:
        path = tmp_path / "sent.safetensors"
        path.write_bytes(
            b"".join(bytes(part) for part in parts(read_table(io.BytesIO(shops()), ReadOptions(**options))))
        )
        found = read_file(path)
        assert isinstance(found, Table)
        return found

    return store


def looked(table: Table, **fields: Any) -> Series:
    found = looked_at(Series(dataset="data-1", target="sales", **fields), 4, lambda name: ("0" * 64, table))
    assert not isinstance(found, Flaw), found
    assert isinstance(found, Series)
    return found


def facts(task: Series) -> Facts:
    assert task.facts is not None
    return task.facts


def test_columns_that_were_named_with_the_file_need_not_be_named_again(stored: Any) -> None:
    found = looked(stored(series_column="shop", time_column="number"))
    assert (found.series_column, found.time_column) == ("shop", "number")
    again = looked(stored(), series_column="shop", time_column="number")
    assert facts(found) == facts(again)
    assert facts(found) != facts(looked(stored())), "two shops are no single series"


def test_what_a_task_names_goes_before_what_was_named_with_the_file(stored: Any) -> None:
    table = stored(series_column="number", time_column="sales")
    found = looked(table, series_column="shop", time_column="number")
    assert (found.series_column, found.time_column) == ("shop", "number")


def test_a_task_that_was_looked_into_before_stays_as_it_was(stored: Any) -> None:
    old = looked(stored())
    found = looked_at(old, 4, lambda name: ("0" * 64, stored(series_column="shop")))
    assert isinstance(found, Series)
    assert (found.series_column, facts(found)) == (None, facts(old))
