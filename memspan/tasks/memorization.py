"""Memorization: a table that stands in the weights, or nowhere."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

ASKED = 0


class Memorization(TaskSpec):
    """Each key has one value in all sequences, and it is never shown: behind each key stands a question, answer it.

    Nothing of a sequence but the step before must be remembered: what is measured is how well weights hold a table.
    """

    title: ClassVar[str] = "Memorization"
    reference: ClassVar[str] = (
        "Poli et al. (2024), MAD, arXiv 2403.17844, github.com/athms/mad-lab: 32 steps, 256 tokens, 256 sequences"
    )
    minimum_length: ClassVar[int] = 2
    tells_lags: ClassVar[bool] = True
    kind: Literal["memorization"] = "memorization"
    vocabulary: Annotated[
        Whole, Field(ge=5, le=65_536, description="tokens: the question, and as many keys as values")
    ] = 256
    table_seed: Annotated[Whole, Field(ge=0, le=2**53 - 1, description="of the table from keys to values")] = 0

    @property
    def keys(self) -> int:
        """Different keys, and different values."""
        return (self.vocabulary - 1) // 2

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        return Signature(
            length, 1, tokens, Problem.CLASSIFICATION, every_step=True, vocabulary=tokens, places=length // 2
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """Keys and questions."""
        return tuple(range(length // 2 * 2))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the values, which is all that a window of one step can do, and equal probabilities."""
        guess = 1 / self.keys
        return (
            Baseline("chance", "test_accuracy", guess),
            Baseline("chance", "test_exact", guess ** (length // 2)),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of what sees so many last steps."""
        return 1.0 if window > 1 else 1 / self.keys

    def due_steps(self, length: int) -> tuple[int, ...]:
        """Every other step."""
        return tuple(range(1, length // 2 * 2, 2))

    def best_by_lag(self, lag: int, window: int) -> float:
        return 1.0 if lag < window else 1 / self.keys

    def token_kinds(self) -> tuple[range, ...]:
        """The question, keys and values."""
        return tuple(range(first, last) for first, last in pairwise((0, 1, self.keys + 1, self.vocabulary)))

    def sources(self, batch: Batch) -> Tensor:
        """The key and the question."""
        own = torch.arange(batch.inputs.shape[1]).expand(batch.targets.shape)
        told = torch.stack([own - 1, own], dim=-1)
        return torch.where((batch.targets < 0).unsqueeze(-1), -1, told)

    def table(self) -> Tensor:
        """The value of each key, tokens; nothing stands at 0."""
        return _table(self.keys, self.table_seed)


@lru_cache(maxsize=16)
def _table(keys: int, seed: int) -> Tensor:
    values = torch.randperm(keys, generator=Generator().manual_seed(seed)) + keys + 1
    return torch.cat([torch.tensor([IGNORED]), values])


@task(Memorization)
def sample(spec: Memorization, length: int, count: int, rng: Generator) -> Batch:
    """Draw keys 1 .. K with replacement, each followed by the question; values are the tokens K + 1 .. 2 K.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T), the key's value at each question, else ignored.
    """
    keys = torch.randint(1, spec.keys + 1, (count, length // 2), generator=rng)
    tokens, targets = torch.full((count, length), ASKED), torch.full((count, length), IGNORED)
    tokens[:, 0 : length // 2 * 2 : 2] = keys
    targets[:, 1 : length // 2 * 2 : 2] = spec.table()[keys]
    return Batch(tokens.unsqueeze(-1).float(), targets)
