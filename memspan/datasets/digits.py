"""Digits: 1 797 handwritten digits of 8 x 8 pixels that come with scikit-learn."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from memspan.datasets.download import sha256_of
from memspan.datasets.labelled import Labelled
from memspan.datasets.unavailable import DatasetUnavailable
from memspan.interfaces.task import Split

TRAIN, TEST = 1_437, 360
"""pictures of each set: four fifths and the rest"""
SPLIT_SEED = 0
SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
"""of the pixels, then the classes, a byte each: the digest of what scikit-learn 1.9 reads"""


@lru_cache(maxsize=1)
def _digits() -> Labelled:
    """All pictures, mixed once and for all: in their own order neighbours were written by one hand."""
    from sklearn.datasets import load_digits  # imported late: it takes a second

    found = load_digits()
    pictures, labels = found.images.astype(np.uint8), found.target.astype(np.uint8)
    if (digest := sha256_of(pictures.tobytes() + labels.tobytes())) != SHA256:
        raise DatasetUnavailable(
            f"scikit-learn's file digits.csv.gz is damaged: the sha256 of its pictures is {digest}, expected {SHA256}. "
            "Install scikit-learn again."
        )
    order = torch.randperm(TRAIN + TEST, generator=torch.Generator().manual_seed(SPLIT_SEED))
    return Labelled(torch.from_numpy(pictures), torch.from_numpy(labels).long())[order]


def digits(split: Split) -> Labelled:
    """One of the two sets, always the same; pixels 0..16.

    Source:
        Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository; its test set, as in
        scikit-learn's ``load_digits``.
    """
    whole = _digits()
    return whole[torch.arange(TRAIN) if split == "train" else torch.arange(TRAIN, TRAIN + TEST)]
