"""Digits: 1 797 handwritten digits of 8 x 8 pixels that come with scikit-learn."""

from __future__ import annotations

from functools import lru_cache

import torch

from memspan.datasets.labelled import Labelled
from memspan.interfaces.task import Split

TRAIN, TEST = 1_437, 360
"""pictures of each set: four fifths and the rest"""
SPLIT_SEED = 0


@lru_cache(maxsize=1)
def _digits() -> Labelled:
    """All pictures, mixed once and for all: in their own order neighbours were written by one hand."""
    from sklearn.datasets import load_digits  # imported late: it takes a second

    found = load_digits()
    order = torch.randperm(TRAIN + TEST, generator=torch.Generator().manual_seed(SPLIT_SEED))
    return Labelled(torch.from_numpy(found.images).byte(), torch.from_numpy(found.target).long())[order]


def digits(split: Split) -> Labelled:
    """One of the two sets, always the same; pixels 0..16.

    Source:
        Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository; its test set, as in
        scikit-learn's ``load_digits``.
    """
    whole = _digits()
    return whole[torch.arange(TRAIN) if split == "train" else torch.arange(TRAIN, TRAIN + TEST)]
