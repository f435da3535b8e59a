"""Reading IDX files."""

from __future__ import annotations

import gzip

import pytest
import torch

from memspan.datasets.idx import read_idx
from memspan.datasets.unavailable import NotIdx
from tests.datasets import idx

LABELS = bytes.fromhex("00000801 00000003 050004")
"""three labels, byte by byte as the format is described"""


def test_labels_are_read_as_the_format_is_described() -> None:
    assert read_idx(gzip.compress(LABELS, mtime=0), 1, "labels").tolist() == [5, 0, 4]


def test_the_last_dimension_runs_fastest() -> None:
    plain = bytes.fromhex("00000803 00000001 00000002 00000003") + bytes([1, 2, 3, 4, 5, 255])
    assert read_idx(gzip.compress(plain, mtime=0), 3, "images").tolist() == [[[1, 2, 3], [4, 5, 255]]]


@pytest.mark.parametrize("shape", [(0,), (7,), (4, 28, 28), (2, 1, 5)])
def test_what_is_written_comes_back(shape: tuple[int, ...]) -> None:
    values = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1)).byte()
    assert torch.equal(read_idx(idx(values), len(shape), "some"), values)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (gzip.compress(LABELS[:-1], mtime=0), "it holds 2 values, its head says 3"),
        (gzip.compress(LABELS + b"\0", mtime=0), "it holds 4 values, its head says 3"),
        (gzip.compress(LABELS[:6], mtime=0), "it has 6 bytes, where 2049 begins an array of 1 dimensions"),
        (gzip.compress(b"", mtime=0), "it has 0 bytes, where 2049 begins"),
        (gzip.compress(bytes.fromhex("00000803") + bytes(12), mtime=0), "it begins with 2051, where 2049 begins"),
        (gzip.compress(bytes.fromhex("00000D01 00000000"), mtime=0), "it begins with 3329, where 2049 begins"),
        (LABELS, "it can't be unzipped"),
        (gzip.compress(LABELS, mtime=0)[:-9], "it can't be unzipped"),
        (b"", "it begins|it has 0 bytes|it can't be unzipped"),
    ],
)
def test_anything_else_is_refused_with_its_name_and_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(NotIdx, match=reason) as refused:
        read_idx(data, 1, "t10k-labels-idx1-ubyte.gz")
    assert str(refused.value).startswith("t10k-labels-idx1-ubyte.gz is not the IDX file that it should be: ")
    assert str(refused.value).endswith(".")
