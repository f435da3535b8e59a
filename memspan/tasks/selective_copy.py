"""Selective copy: repeat the letters, not the blanks between them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from memspan.baselines import copying
from memspan.interfaces.batch import IGNORED, Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.spec import Whole
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

BLANK, SIGNAL, FIRST_LETTER = 0, 1, 2
WINDOWS = (8, 16, 32, 64)


class SelectiveCopy(TaskSpec):
    """Some letters among blanks, then a signal, and blanks at which the letters are due in their order.

    A sequence of T steps ends with as many blanks as there are letters; the answer to the j-th of them is the j-th
    letter, at that very step. With ``places`` uniform the letters lie anywhere; published puts each blank before a
    letter of chance, as MAD does, so that the last letter always stands right before the signal.

    The lag of an answer is its step less that of its letter: it goes down from the first to the last, so lag and order
    are one.
    """

    title: ClassVar[str] = "Selective copying"
    reference: ClassVar[str] = (
        "Gu & Dao (2023), Mamba, arXiv 2312.00752; Poli et al. (2024), MAD, arXiv 2403.17844, "
        "github.com/athms/mad-lab: 16 letters, 256 steps, 16 tokens"
    )
    tells_lags: ClassVar[bool] = True
    kind: Literal["selective_copy"] = "selective_copy"
    letters: Annotated[Whole, Field(ge=1, le=1_024, description="letters to repeat; sequences take 2 x this + 1")] = 4
    vocabulary: Annotated[Whole, Field(ge=4, le=65_536, description="tokens: a blank, a signal and letters")] = 16
    places: Annotated[
        Literal["uniform", "published"], Field(description="where letters lie: anywhere, or blanks before letters only")
    ] = "uniform"

    @property
    def minimum_length(self) -> int:  # type: ignore[override]
        """The letters, the signal, and as many answers."""
        return 2 * self.letters + 1

    @property
    def different(self) -> int:
        """Different letters."""
        return self.vocabulary - 2

    def context(self, length: int) -> int:
        """Steps before the signal."""
        return length - self.letters - 1

    def signature(self, length: int) -> Signature:
        tokens = self.vocabulary
        return Signature(
            length, 1, tokens, Problem.CLASSIFICATION, every_step=True, vocabulary=tokens, places=self.letters
        )

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        """Letters may lie anywhere before the signal; how many steps ago that was tells which one is due."""
        return tuple(range(length))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing among the letters, equal probabilities, and the best that a window can do."""
        guess = 1 / self.different
        return (
            Baseline("chance", "test_accuracy", guess),
            Baseline("chance", "test_exact", guess**self.letters),
            Baseline("do_nothing", "test_loss", math.log(self.vocabulary)),
            *(
                Baseline(f"window_{window}", "test_accuracy", self.window_accuracy(length, window))
                for window in WINDOWS
                if window < length
            ),
        )

    def window_accuracy(self, length: int, window: int) -> float:
        """The best accuracy of what sees so many last steps: a letter in sight is known, as it is so many letters away
        from the signal, which is in sight then, too; another one is a guess."""
        return _window_accuracy(self, length, window)

    def due_steps(self, length: int) -> tuple[int, ...]:
        """All answers come at the end."""
        return tuple(range(length - self.letters, length))

    def best_by_lag(self, lag: int, window: int) -> float:
        return 1.0 if lag < window else 1 / self.different

    def sources(self, batch: Batch) -> Tensor:
        """The letter and the answer's own step."""
        tokens = batch.inputs[..., 0]
        count, steps = tokens.shape
        places = (tokens < FIRST_LETTER).to(torch.uint8).sort(dim=1, stable=True).indices[:, : self.letters]
        told = torch.full((count, steps, 2), -1)
        told[:, -self.letters :, 0] = places
        told[:, -self.letters :, 1] = torch.arange(steps - self.letters, steps)
        return told

    def token_kinds(self) -> tuple[range, ...]:
        """The blank, the signal and letters."""
        return range(BLANK, SIGNAL), range(SIGNAL, FIRST_LETTER), range(FIRST_LETTER, self.vocabulary)

    def scratch(self, length: int) -> int:
        """A number for each step that a letter or a blank may take."""
        return self.context(length)


@lru_cache(maxsize=4096)
def _window_accuracy(spec: SelectiveCopy, length: int, window: int) -> float:
    context, letters = spec.context(length), spec.letters
    seen = copying.seen_uniform if spec.places == "uniform" else copying.seen_before_letters
    found = 0.0
    for letter in range(letters):
        first = length - letters + letter - window + 1  # step that the window begins at
        share = seen(context, letters, letter, min(max(context - first, 0), context))
        found += share + (1 - share) / spec.different
    return found / letters


@task(SelectiveCopy)
def sample(spec: SelectiveCopy, length: int, count: int, rng: Generator) -> Batch:
    """Draw the letters and their places; the signal stands behind T - letters - 1 steps, and the answers behind it.

    Shapes:
        inputs (B, T, 1), tokens; targets (B, T), a letter at each of the last steps, else ignored.

    Source:
        ``published``: generate_selective_copying_instance of github.com/athms/mad-lab, which takes its blanks from the
        global generator.
    """
    letters = torch.randint(FIRST_LETTER, spec.vocabulary, (count, spec.letters), generator=rng)
    tokens = torch.full((count, length), BLANK)
    tokens.scatter_(1, _places(spec, spec.context(length), count, rng), letters)
    tokens[:, spec.context(length)] = SIGNAL
    targets = torch.full((count, length), IGNORED)
    targets[:, -spec.letters :] = letters
    return Batch(tokens.unsqueeze(-1).float(), targets)


def _places(spec: SelectiveCopy, context: int, count: int, rng: Generator) -> Tensor:
    """Steps of the letters, ascending, (B, L)."""
    if spec.places == "uniform":
        return torch.rand(count, context, generator=rng).topk(spec.letters, dim=1).indices.sort(1).values
    before = torch.randint(0, spec.letters, (count, context - spec.letters), generator=rng)  # a letter for each blank
    blanks = torch.zeros(count, spec.letters, dtype=torch.long)
    blanks.scatter_add_(1, before, torch.ones_like(before))
    return blanks.cumsum(1) + torch.arange(spec.letters)
