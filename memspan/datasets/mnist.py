"""MNIST: 70 000 handwritten digits of 28 x 28 pixels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from memspan.datasets.file import File
from memspan.datasets.idx import read_idx
from memspan.datasets.labelled import Labelled
from memspan.interfaces.task import Split

FILES: Mapping[Split, tuple[File, File]] = {
    "train": (
        File(
            "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        File("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ),
    "test": (
        File(
            "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        File("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
}
"""images and labels of each set; the sums are those of the original files"""
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)


def mnist(split: Split, folder: Path) -> Labelled:
    """One of the two sets, from the files in ``mnist`` of a data folder; fetched into it where they are missing.

    Raises:
        DatasetUnavailable: a file is missing and can't be fetched, or is damaged.
    """
    return _mnist(split, folder / "mnist", FILES[split])


def is_present(folder: Path) -> bool:
    """Whether all four files lie, undamaged, in a data folder: nothing has to be fetched."""
    return all(file.is_in(folder / "mnist") for pair in FILES.values() for file in pair)


@lru_cache(maxsize=2)
def _mnist(split: Split, folder: Path, files: tuple[File, File]) -> Labelled:
    """Kept while the process lives: 47 MB of pixels of the training set."""
    images, labels = (file.content(folder, MIRRORS) for file in files)
    return Labelled(read_idx(images, 3, files[0].name), read_idx(labels, 1, files[1].name).long())
