"""Digits: small handwritten digits, row by row."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from torch import Generator

from memspan.datasets import digits as collected
from memspan.datasets.labelled import choose_rows
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, SetSizes, Split, TaskSpec
from memspan.tasks import task

SIDE = 8
CLASSES = 10
MAJORITY = 28 / 360
"""share of the test set that the commonest class of the training set, 0, has"""


class Digits(TaskSpec):
    """A handwritten digit row by row, 8 steps of 8 pixels; say which digit it is.

    The small sister of MNIST that needs no files: it comes with scikit-learn. Pixels are scaled to 0..1. 1 437 pictures
    for training, 360 for the test, split once and for all.
    """

    title: ClassVar[str] = "Digits, row by row"
    reference: ClassVar[str] = "Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI repository"
    has_length: ClassVar[bool] = False
    minimum_length: ClassVar[int] = SIDE
    kind: Literal["digits"] = "digits"

    def signature(self, length: int) -> Signature:
        return Signature(SIDE, channels=SIDE, outputs=CLASSES, problem=Problem.CLASSIFICATION)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All: which of them tell a digit depends on the digit."""
        return tuple(range(SIDE))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing, always the commonest digit, and equal probabilities."""
        return (
            Baseline("chance", "test_accuracy", 1 / CLASSES),
            Baseline("majority_class", "test_accuracy", MAJORITY),
            Baseline("do_nothing", "test_loss", math.log(CLASSES)),
        )

    def sizes(self) -> SetSizes:
        return SetSizes(collected.TRAIN, collected.TEST)


@task(Digits)
def sample(spec: Digits, length: int, count: int, rng: Generator, split: Split) -> Batch:
    """Choose pictures of the training or the test set, each once; the whole test set comes in its own order.

    Shapes:
        inputs (B, 8, 8) in 0..1, targets (B,).
    """
    whole = collected.digits(split)
    chosen = whole[choose_rows(len(whole), count, rng, split)]
    return Batch(chosen.pictures.float().div_(16), chosen.labels)
