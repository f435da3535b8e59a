"""Copy: repeat ten symbols after a long silence."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from memspan.interfaces.batch import Batch
from memspan.interfaces.signature import Problem, Signature
from memspan.interfaces.task import Baseline, TaskSpec
from memspan.tasks import task

LETTERS = 10
"""symbols to repeat"""
ALPHABET = 8
"""different symbols"""
CLASSES = 10
"""the alphabet, the blank and the signal"""


class Copy(TaskSpec):
    """Ten symbols, a silence, a signal; repeat the symbols in their order. An answer is due at every step.

    The length T is the delay as published: a symbol is to be repeated T + 10 steps (``tcn``) or T + 9 steps
    (``power_law``) after it was shown. The loss counts all steps, accuracies the ten answers alone.
    The form ``tcn`` has one channel with the symbols 1..8 as numbers, 0 for blanks, and the signal 9 at each of the
    last eleven steps. ``power_law`` has ten channels, one of which is 1 (symbols 0..7, blank 8, signal 9), and one
    signal.
    """

    title: ClassVar[str] = "Copy memory"
    reference: ClassVar[str] = (
        "Hochreiter & Schmidhuber (1997), Long Short-Term Memory; the form of Arjovsky, Shah & Bengio (2016), "
        "arXiv 1511.06464, as coded by Bai, Kolter & Koltun (2018), arXiv 1803.01271, and by Chien et al. (2021), "
        "arXiv 2105.05944"
    )
    minimum_length: ClassVar[int] = 1
    hidden: ClassVar[tuple[str, ...]] = tuple(f"symbol_{place}" for place in range(1, LETTERS + 1))
    kind: Literal["copy"] = "copy"
    form: Annotated[
        Literal["tcn", "power_law"],
        Field(description="layout of one published code or the other, see above"),
    ] = "tcn"

    def signature(self, length: int) -> Signature:
        steps, channels = (length + 20, 1) if self.form == "tcn" else (length + 19, CLASSES)
        return Signature(steps, channels, CLASSES, Problem.CLASSIFICATION, every_step=True, answer_from=steps - LETTERS)

    def relevant_steps(self, length: int) -> tuple[int, ...]:
        return tuple(range(LETTERS))

    def baselines(self, length: int) -> tuple[Baseline, ...]:
        """Guessing the ten symbols; the loss of blanks where blanks are due and a guess at each symbol; and equal
        probabilities of all classes at every step."""
        steps = self.signature(length).length
        return (
            Baseline("chance", "test_accuracy", 1 / ALPHABET),
            Baseline("chance", "test_exact", ALPHABET**-LETTERS),
            Baseline("memoryless", "test_loss", LETTERS * math.log(ALPHABET) / steps),
            Baseline("do_nothing", "test_loss", math.log(CLASSES)),
        )

    def hidden_variables(self, batch: Batch) -> dict[str, Tensor]:
        """Each symbol, as its class number, from the step on at which it is shown."""
        symbols = batch.targets[:, -LETTERS:].float()  # (B, 10)
        shown = torch.arange(batch.inputs.shape[1]) >= torch.arange(LETTERS).unsqueeze(1)  # (10, T)
        return {
            name: torch.where(shown[place], symbols[:, place : place + 1], torch.nan)
            for place, name in enumerate(self.hidden)
        }


@task(Copy)
def sample(spec: Copy, length: int, count: int, rng: Generator) -> Batch:
    """Draw ten symbols each, laid out as one of the published codes does.

    Shapes:
        inputs (B, T + 20, 1) or (B, T + 19, 10), targets (B, T + 20) or (B, T + 19), both dimensionless.

    Source:
        ``tcn``: data_generator of github.com/locuslab/TCN, TCN/copy_memory/utils.py: 10 symbols, T - 1 zeros, eleven
        9s; the target is T + 10 zeros and the symbols. ``power_law``: github.com/sherrychien/PowerlawLSTM,
        CopyTask/datasets.py: 10 letters, T - 1 blanks, the signal, 9 blanks; the target is T + 9 blanks and the
        letters.
    """
    blank, signal = (0, 9) if spec.form == "tcn" else (8, 9)
    steps = spec.signature(length).length
    symbols = torch.randint(0, ALPHABET, (count, LETTERS), generator=rng) + (spec.form == "tcn")
    shown = torch.full((count, steps), blank)
    shown[:, :LETTERS] = symbols
    shown[:, LETTERS + length - 1 : steps if spec.form == "tcn" else LETTERS + length] = signal
    targets = torch.full((count, steps), blank)
    targets[:, -LETTERS:] = symbols
    inputs = shown.unsqueeze(-1).float() if spec.form == "tcn" else one_hot(shown, CLASSES).float()
    return Batch(inputs, targets)
