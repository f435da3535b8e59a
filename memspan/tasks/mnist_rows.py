"""MNIST as sequences: rows, pixels, or pixels in a fixed random order."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.datasets.folder import data_folder
from memspan.datasets.labelled import choose_rows
from memspan.datasets.mnist import mnist
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, SetSizes, Split, TaskSpec
from memspan.tasks import task

SIDE = 28
CLASSES = 10
MAJORITY = 0.1135
"""share of the test set that the commonest class of the training set, 1, has"""
PERMUTATION_SEED = 92916


class MnistRows(TaskSpec):
    """A handwritten digit row by row, 28 steps of 28 pixels, or pixel by pixel, 784 steps; say which digit it is.

    ``permuted`` shows the pixels in a random order, one and the same for all pictures, so that what belongs together
    lies far apart. Pixels are scaled to 0..1, not normalised. 60 000 pictures for training, 10 000 for the test; they
    are read from ``mnist/*.gz`` in the data folder, and fetched there once if they are missing.
    """

    title: ClassVar[str] = "MNIST as sequences"
    reference: ClassVar[str] = (
        "LeCun, Bottou, Bengio & Haffner (1998), Proc. IEEE 86(11); pixel by pixel and permuted: "
        "Le, Jaitly & Hinton (2015), arXiv 1504.00941"
    )
    has_length: ClassVar[bool] = False
    minimum_length: ClassVar[int] = SIDE
    kind: Literal["mnist_rows"] = "mnist_rows"
    view: Annotated[
        Literal["rows", "pixels", "permuted"],
        Field(description="28 steps of 28 pixels, 784 steps of one, or those in a fixed random order"),
    ] = "rows"

    def signature(self, length: int) -> Signature:
        steps, channels = (SIDE, SIDE) if self.view == "rows" else (SIDE * SIDE, 1)
        return Signature(steps, channels, outputs=CLASSES, problem=Problem.CLASSIFICATION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All: which of them tell a digit depends on the digit."""
        return tuple(range(self.signature(length).length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing, always the commonest digit, and equal probabilities."""
        return (
            Baseline("chance", "test_accuracy", 1 / CLASSES),
            Baseline("majority_class", "test_accuracy", MAJORITY),
            Baseline("do_nothing", "test_loss", math.log(CLASSES)),
        )

    def sizes(self) -> SetSizes:
        return SetSizes(train=60_000, test=10_000)


@task(MnistRows)
def sample(spec: MnistRows, length: int, count: int, rng: Generator, split: Split) -> Batch:
    """Choose pictures of the training or the test set, each once; the whole test set comes in its own order.

    Shapes:
        inputs (B, 28, 28) or (B, 784, 1) in 0..1, targets (B,).

    Raises:
        DatasetUnavailable: the files are missing and can't be fetched, or are damaged.
    """
    whole = mnist(split, data_folder())
    chosen = whole[choose_rows(len(whole), count, rng, split)]
    return Batch(_seen(spec, chosen.pictures.float().div_(255)), chosen.labels)


def _seen(spec: MnistRows, pictures: Tensor) -> Tensor:
    """The view, (B, 28, 28) -> (B, T, C)."""
    if spec.view == "rows":
        return pictures
    pixels = pictures.flatten(1).unsqueeze(-1)
    return pixels[:, permutation()] if spec.view == "permuted" else pixels


@lru_cache(maxsize=1)
def permutation() -> Tensor:
    """Which pixel (row x 28 + column) each step of ``permuted`` shows, (784,)."""
    return torch.randperm(SIDE * SIDE, generator=Generator().manual_seed(PERMUTATION_SEED))
