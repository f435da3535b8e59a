"""Reading NPY and NPZ files."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from memspan.tables.caps import Caps
from tests.unit.tables.files import cut, fault, npy, npz, read

HUGE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }"


def header(text: bytes) -> bytes:
    padded = text + b" " * (118 - len(text) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded


def test_an_array_of_two_axes_is_a_table() -> None:
    table = read(npy(np.asfortranarray(np.arange(6, dtype=">i2").reshape(3, 2))))
    assert [column.values.tolist() for column in table.columns] == [[0, 2, 4], [1, 3, 5]]
    assert read(npy(np.arange(3, dtype=np.float32))).columns[0].name == "value"


def test_arrays_of_one_axis_are_columns_by_name() -> None:
    table = read(npz(x=np.arange(3), flag=np.array([True, False, True])))
    assert (table["x"].type, table["flag"].type) == ("number", "category")
    assert table["flag"].values.tolist() == [1, 0, 1]


def test_sequences_have_inputs_and_targets() -> None:
    classes = cut(npz(inputs=np.ones((5, 7, 2)), targets=np.arange(5), groups=np.array([0, 0, 1, 1, 1])))
    assert (classes.inputs.shape, classes.inputs.dtype, classes.targets.dtype) == ((5, 7, 2), np.float32, np.int64)
    assert classes.groups is not None
    numbers = cut(npz(inputs=np.ones((5, 7)), targets=np.linspace(0, 1, 5)))
    assert (numbers.inputs.shape, numbers.targets.shape) == ((5, 7, 1), (5, 1))


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"inputs": np.ones((5, 7))}, "missing"),
        ({"inputs": np.ones((5, 7)), "targets": np.ones(4)}, "wrong_axes"),
        ({"inputs": np.ones(5), "targets": np.ones(5)}, "wrong_axes"),
        ({"inputs": np.ones((5, 7)), "targets": np.ones(5), "more": np.ones(5)}, "unknown_column"),
        ({"inputs": np.ones((5, 7)), "targets": np.array([0, 1, -1, 2, 3])}, "not_a_class"),
        ({"inputs": np.array([[1.0], [np.nan]]), "targets": np.ones(2)}, "not_finite"),
        ({"inputs": np.ones((0, 7)), "targets": np.ones(0)}, "no_rows"),
        ({"a": np.ones(3), "b": np.ones(4)}, "ragged_row"),
        ({"a": np.ones((3, 2))}, "wrong_axes"),
        ({"a": np.ones(3, dtype=complex)}, "unknown_type"),
        ({"a": np.array(["x", "y"])}, "unknown_type"),
        ({"a": np.array([np.inf, 1])}, "not_finite"),
        ({"a": np.ones(0)}, "no_rows"),
        ({"a": np.ones((1, 1, 1, 1))}, "wrong_axes"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(arrays: dict[str, np.ndarray], code: str) -> None:  # type: ignore[type-arg]
    assert fault(npz(**arrays)).code == code


def test_a_billion_declared_numbers_without_data_are_refused_before_they_are_allocated() -> None:
    assert fault(header(HUGE % b"1000000000")).code == "too_large"
    assert fault(header(HUGE % b"60000000")).code == "damaged"
    assert fault(npy(np.arange(9.0)) + b"more").code == "damaged"


def test_nothing_is_unpickled() -> None:
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert fault(file.getvalue()).code == "unknown_type"
    assert fault(pickle.dumps([1, 2])).code == "unknown_format"
    assert (
        fault(header(b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }") + bytes(8)).code
        == "unknown_type"
    )
    assert fault(header(b"__import__('os').abort()")).code == "damaged"


def test_archives_that_unpack_to_far_more_than_they_are_are_refused() -> None:
    bomb = npz(a=np.zeros(20_000_000))
    assert len(bomb) < 200_000
    assert fault(bomb).code == "too_large"
    assert fault(npz(a=np.arange(1_000.0)), replace(Caps(), bytes=7_999)).code == "too_large"


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(npz(a=np.arange(1_000.0)))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (500).to_bytes(4, "little")
    assert fault(bytes(data)).code == "damaged"


def test_an_archive_of_other_files_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.npy", b"x")
    assert fault(file.getvalue()).code == "unknown_type"
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert fault(empty.getvalue()).code == "no_rows"
    assert fault(b"PK\x03\x04" + bytes(40)).code == "damaged"


def test_more_arrays_or_rows_than_are_read_are_refused() -> None:
    many = {f"a{number}": np.arange(2.0) for number in range(5)}
    assert fault(npz(**many), replace(Caps(), members=4)).code == "too_many_columns"
    assert fault(npy(np.arange(9.0)), replace(Caps(), rows=8)).code == "too_many_rows"
    assert fault(npz(inputs=np.ones((5, 7)), targets=np.ones(5)), replace(Caps(), rows=34)).code == "too_many_rows"
