"""Noisy recall: pairs again and again, and noise between them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from torch import Generator, Tensor

from memspan.baselines.showing import asked_by_lag
from memspan.datasets.showings import last_showing
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Real, Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

WINDOWS = (8, 16, 32, 64)


class NoisyRecall(TaskSpec):
    """Pairs of key and value follow each other, some replaced by two tokens of noise: answer the value of every key
    that was shown before.

    A key has the same value throughout a sequence. Answers are due at the key's step and shown at the next. The last
    key was always shown before. Keys are drawn with replacement, so lags are geometric: 2 K / (1 - noise) on average
    for K keys; ask long lags of many keys. Without noise it is MAD's in-context recall.

    Loss and accuracy are over these answers alone; MAD's training counts the prediction of every next token, too.
    """

    title: ClassVar[str] = "Noisy in-context recall"
    reference: ClassVar[str] = "Poli et al. (2024), MAD, arXiv 2403.17844; github.com/athms/mad-lab: 128 steps"
    minimum_length: ClassVar[int] = 4
    tells_lags: ClassVar[bool] = True
    kind: Literal["noisy_recall"] = "noisy_recall"
    noise_tokens: Annotated[Whole, Field(ge=0, le=65_536, description="tokens that are noise and nothing else")] = 16
    noise: Annotated[
        Real, Field(ge=0, lt=1, description="chance that a pair is replaced by noise", validate_default=True)
    ] = 0.2
    vocabulary: Annotated[
        Whole,
        Field(ge=4, le=65_536, description="tokens: keys, as many values, and noise", validate_default=True),
    ] = 32

    @field_validator("noise")
    @classmethod
    def _has_tokens(cls, value: float, info: ValidationInfo) -> float:
        if value and not info.data.get("noise_tokens", 1):
            raise PydanticCustomError(
                "out_of_range", "Must be 0 where noise_tokens is 0; given {given}.", {"given": value}
            )
        return value

    @field_validator("vocabulary")
    @classmethod
    def _holds_pairs(cls, value: int, info: ValidationInfo) -> int:
        noise = info.data.get("noise_tokens", 0)
        if value - noise < 4 or (value - noise) % 2:
            message = (
                "Less {noise} noise_tokens it must be even and at least 4, half keys and half values; given {given}."
            )
            raise PydanticCustomError("out_of_range", message, {"noise": noise, "given": value})
        return value

    @property
    def keys(self) -> int:
        """Different keys, and different values."""
        return (self.vocabulary - self.noise_tokens) // 2

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        return Signature(
            length, 1, tokens, Problem.CLASSIFICATION, every_step=True, vocabulary=tokens, places=length // 2 - 1
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """All pairs."""
        return tuple(range(length // 2 * 2))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the values, equal probabilities, and the best that a window can do."""
        return (
            Baseline("chance", "test_accuracy", 1 / self.keys),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
            *(
                Baseline(f"window_{window}", "test_accuracy", self.window_accuracy(length, window))
                for window in WINDOWS
                if window < length
            ),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of what sees so many last steps; exact where that is odd.

        A window of an even number begins at a value whose key it doesn't see, and what that is good for is left out.
        """
        asked = asked_by_lag(length // 2, self.keys, self.noise)
        seen = 2 * np.arange(1, len(asked) + 1) < window
        return float((asked * np.where(seen, 1.0, 1 / self.keys)).sum() / asked.sum())

    def best_by_lag(self, lag: int, window: int) -> float:
        return 1.0 if lag <= window else 1 / self.keys

    def sources(self, batch: Batch) -> Tensor:
        """The key's last earlier showing, its value, and the answer's own step."""
        pairs = batch.inputs.shape[1] // 2
        keys = batch.inputs[:, 0 : 2 * pairs : 2, 0]
        last = last_showing(keys, keys < self.keys)  # (B, P)
        told = torch.full((*batch.targets.shape, 3), -1)
        found = torch.stack([2 * last, 2 * last + 1, 2 * torch.arange(pairs).expand_as(last)], dim=-1)
        told[:, 0 : 2 * pairs : 2] = found
        return torch.where((batch.targets < 0).unsqueeze(-1), -1, told)

    def token_kinds(self) -> tuple[range, ...]:
        """Keys, values and noise."""
        return tuple(
            range(first, last)
            for first, last in pairwise((0, self.keys, 2 * self.keys, self.vocabulary))
            if last > first
        )

    def scratch(self, length: int) -> int:
        """Each pair is held against each earlier one."""
        return (length // 2) ** 2 + self.keys


@task(NoisyRecall)
def sample(spec: NoisyRecall, length: int, count: int, rng: Generator) -> Batch:
    """Draw a table of values, T // 2 keys, and which pairs are noise: all but the first and the last may be.

    Tokens: keys 0 .. K - 1, values K .. 2 K - 1, then noise.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T), the value at the step of a key that was shown before, else ignored.

    Source:
        generate_noisy_in_context_recall_instance of github.com/athms/mad-lab.
    """
    pairs, keys = length // 2, spec.keys
    table = torch.randint(keys, 2 * keys, (count, keys), generator=rng)
    drawn = torch.randint(0, keys, (count, pairs), generator=rng)
    shown = torch.rand(count, pairs, generator=rng) >= spec.noise
    shown[:, 0], shown[:, -1] = True, True
    drawn[:, -1] = _shown_before(drawn, shown, torch.rand(count, keys, generator=rng))
    values = table.gather(1, drawn)
    told = last_showing(drawn, shown) >= 0
    tokens, targets = torch.zeros(count, length, dtype=torch.long), torch.full((count, length), IGNORED)
    noise = torch.zeros(count, 2 * pairs, dtype=torch.long)
    if spec.noise_tokens:
        noise = torch.randint(2 * keys, spec.vocabulary, (count, 2 * pairs), generator=rng)
    for place, token in enumerate((drawn, values)):
        tokens[:, place : 2 * pairs : 2] = torch.where(shown, token, noise[:, place::2])
    targets[:, 0 : 2 * pairs : 2] = torch.where(told, values, IGNORED)
    return Batch(tokens.unsqueeze(-1).float(), targets)


def _shown_before(drawn: Tensor, shown: Tensor, numbers: Tensor) -> Tensor:
    """One of the keys that the pairs but the last show, all equally likely, (B,)."""
    there = torch.zeros_like(numbers).scatter_add_(1, drawn[:, :-1], shown[:, :-1].float()) > 0  # (B, K)
    return torch.where(there, numbers, -1.0).argmax(1)
