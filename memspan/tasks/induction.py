"""Induction: what stood behind the sign?"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

SIGN = 0
WINDOWS = (8, 16, 32, 64)


class Induction(TaskSpec):
    """Random letters; at some step a sign, and behind it a letter. At the end the sign stands again: name that letter.

    One letter must be held, log2(vocabulary - 1) bits at any lag, and no key but the sign: what accuracy loses with the
    lag is forgotten. The lag is T - 1 less the sign's step, all equally likely from 2 to T - 1.
    """

    title: ClassVar[str] = "Induction heads"
    reference: ClassVar[str] = (
        "Olsson et al. (2022), arXiv 2209.11895; as a task: Fu et al. (2022), arXiv 2212.14052, and "
        "Gu & Dao (2023), Mamba, arXiv 2312.00752, table 2"
    )
    minimum_length: ClassVar[int] = 3
    tells_lags: ClassVar[bool] = True
    kind: Literal["induction"] = "induction"
    vocabulary: Annotated[Whole, Field(ge=3, le=65_536, description="different tokens: the sign and letters")] = 16

    @property
    def letters(self) -> int:
        """Different letters."""
        return self.vocabulary - 1

    def signature(self, length: int) -> Signature:
        return Signature(length, 1, self.vocabulary, Problem.CLASSIFICATION, vocabulary=self.vocabulary)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """The sign may stand anywhere."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the letters, equal probabilities, and the best that a window can do."""
        return (
            Baseline("chance", "test_accuracy", 1 / self.letters),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
            *(
                Baseline(f"window_{window}", "test_accuracy", self.window_accuracy(length, window))
                for window in WINDOWS
                if window < length
            ),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of what sees so many last steps.

        With the sign in sight the letter is known. Else the sign stood just before the window as likely as at any
        other of the n steps out of sight; then the first letter in sight is the one, which is the best guess.
        """
        places = length - 2
        seen = min(max(window - 2, 0), places)
        hidden = places - seen
        first = 1 / hidden if hidden and window > 1 else 0.0
        return (seen + hidden * (first + (1 - first) / self.letters)) / places

    def best_by_lag(self, lag: int, window: int) -> float:
        return 1.0 if lag <= window else 1 / self.letters

    def token_kinds(self) -> tuple[range, ...]:
        """The sign and letters."""
        return range(SIGN, 1), range(1, self.vocabulary)

    def sources(self, batch: Batch) -> Tensor:
        """The sign, the letter behind it and the last step."""
        sign = (batch.inputs[..., 0] == SIGN).to(torch.uint8).argmax(1)  # (B,)
        last = torch.full_like(sign, batch.inputs.shape[1] - 1)
        return torch.stack([sign, sign + 1, last], dim=-1).unsqueeze(1)


@task(Induction)
def sample(spec: Induction, length: int, count: int, rng: Generator) -> Batch:
    """Draw T letters, put the sign at one of the steps 0 .. T - 3 and at the last; the target stands behind the first.

    Shapes:
        inputs (B, T, 1), tokens; targets (B,).
    """
    tokens = torch.randint(1, spec.vocabulary, (count, length), generator=rng)
    places = torch.randint(0, length - 2, (count, 1), generator=rng)
    tokens.scatter_(1, places, SIGN)
    tokens[:, -1] = SIGN
    return Batch(tokens.unsqueeze(-1).float(), tokens.gather(1, places + 1).squeeze(1))
