"""Compression: say the whole sequence from one state."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.baselines.recall import state_accuracy
from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

END = 0


class Compression(TaskSpec):
    """Random tokens and one that ends them: from the numbers of the last step alone, say all of them.

    The model's last step gives ``hidden_size`` numbers; a small decoder that knows a place and these numbers must name
    the token at each place, the last one too, which never changes. The lag of a token is T - 1 less its place.
    """

    title: ClassVar[str] = "Compression"
    reference: ClassVar[str] = (
        "Poli et al. (2024), MAD, arXiv 2403.17844; github.com/athms/mad-lab: 32 steps, 16 tokens"
    )
    tells_lags: ClassVar[bool] = True
    kind: Literal["compression"] = "compression"
    vocabulary: Annotated[Whole, Field(ge=3, le=65_536, description="different tokens: the end, and those drawn")] = 16

    @property
    def drawn(self) -> int:
        """Tokens that are drawn from."""
        return self.vocabulary - 1

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        return Signature(length, 1, tokens, Problem.CLASSIFICATION, vocabulary=tokens, at_end=length)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing all but the end, equal probabilities, and the most that a state of one bit a token allows."""
        return (
            Baseline("chance", "test_accuracy", self.window_accuracy(length, 1)),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
            Baseline("one_bit_a_token", "test_accuracy", self.state_accuracy(length, length - 1)),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of what sees so many last steps: the others are guesses."""
        seen = min(window, length)
        return (seen + (length - seen) / self.drawn) / length

    def state_accuracy(self, length: int, bits: float) -> float:
        """No answers are right more often that are made of so many bits (Fano)."""
        return (1 + (length - 1) * state_accuracy(bits, length - 1, self.drawn)) / length

    def best_by_lag(self, lag: int, window: int) -> float:
        return 1.0 if lag < window else 1 / self.drawn

    def token_kinds(self) -> tuple[range, ...]:
        """The end, and those drawn."""
        return range(END, 1), range(1, self.vocabulary)

    def sources(self, batch: Batch) -> Tensor:
        """Each answer's place."""
        return torch.arange(batch.inputs.shape[1]).expand(batch.targets.shape).unsqueeze(-1)

    def lags(self, batch: Batch) -> Tensor:
        """All answers are due at the last step."""
        steps = batch.inputs.shape[1]
        return (steps - 1 - torch.arange(steps)).expand(batch.targets.shape)


@task(Compression)
def sample(spec: Compression, length: int, count: int, rng: Generator) -> Batch:
    """Draw T - 1 tokens 1 .. V - 1 with replacement, and put the end behind them; all of them are the targets.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T).
    """
    tokens = torch.randint(1, spec.vocabulary, (count, length), generator=rng)
    tokens[:, -1] = END
    return Batch(tokens.unsqueeze(-1).float(), tokens)
