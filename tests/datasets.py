"""MNIST for tests: the files of the data folder where they are there, else small ones of the same form."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from memspan.datasets import mnist
from memspan.datasets.download import sha256_of
from memspan.datasets.file import File
from memspan.datasets.folder import data_folder
from memspan.interfaces.task import Split

SMALL: Mapping[Split, int] = {"train": 600, "test": 200}
"""pictures of the stand-in's sets"""


@dataclass(frozen=True)
class Known:
    """What is known of a set: how often each class occurs, the mean pixel in 0..1, the first labels."""

    classes: list[int]
    mean: float
    first: list[int]


ORIGINAL: Mapping[Split, Known] = {
    "train": Known(
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], 0.13066, [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    ),
    "test": Known([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], 0.13251, [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]),
}
ORIGINAL_FILES = dict(mnist.FILES)


def known(split: Split) -> Known:
    """What is known of the set that the tests of this process read."""
    if mnist.FILES[split] == ORIGINAL_FILES[split]:
        return ORIGINAL[split]
    pictures, labels = drawn(split)
    return Known(torch.bincount(labels).tolist(), float(pictures.double().mean() / 255), labels[:10].tolist())


def drawn(split: Split) -> tuple[Tensor, Tensor]:
    """The stand-in's pictures, uint8 (N, 28, 28), and labels (N,): a bar for each class, and noise."""
    rng = torch.Generator().manual_seed(SMALL[split])
    labels = torch.randint(0, 10, (SMALL[split],), generator=rng)
    pictures = torch.randint(0, 60, (SMALL[split], 28, 28), generator=rng)
    pictures[torch.arange(len(labels)), 2 * labels + 4] = 200
    return pictures.byte(), labels


def idx(values: Tensor) -> bytes:
    """A gzipped IDX file of unsigned bytes."""
    head = struct.pack(f">I{values.ndim}I", 0x0800 | values.ndim, *values.shape)
    return gzip.compress(head + values.byte().contiguous().numpy().tobytes(), mtime=0)


def write(folder: Path) -> dict[Split, tuple[File, File]]:
    """Write the stand-in's four files into a folder; what tells them."""
    folder.mkdir(parents=True, exist_ok=True)
    return {split: _pair(folder, split) for split in SMALL}


def _pair(folder: Path, split: Split) -> tuple[File, File]:
    (images, labels), names = drawn(split), [file.name for file in ORIGINAL_FILES[split]]
    return _file(folder, names[0], images), _file(folder, names[1], labels)


def _file(folder: Path, name: str, values: Tensor) -> File:
    data = idx(values)
    (folder / name).write_bytes(data)
    return File(name, len(data), sha256_of(data))


@contextmanager
def provided(folder: Path) -> Iterator[None]:
    """MNIST is there for this process, the original or the stand-in; nothing is ever fetched."""
    if mnist.is_present(data_folder()):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMSPAN_DATA", str(folder))
        patch.setattr(mnist, "FILES", write(folder / "mnist"))
        yield
