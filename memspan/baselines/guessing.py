"""Random weight guessing: the best of many random nets, none of them trained."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from memspan.interfaces.batch import Batch
from memspan.interfaces.task import Baseline

TRIALS = 128
RANGE = 10.0
"""weights are uniform in -RANGE .. RANGE"""
CHOSEN_ON, SCORED_ON = 128, 1_000
"""sequences that the best net is chosen on, and fresh ones that it is scored on"""
LONGEST = 1_000
"""steps beyond which it isn't worked out: results show it, and must not keep anybody waiting"""
SEED = 1997

Draw = Callable[[int, Generator], Batch]


def baselines(draw: Draw, length: int) -> tuple[Baseline, ...]:
    """``random_guessing``, for a task of one channel and two classes; none where sequences are too long for it."""
    if length > LONGEST:
        return ()
    return (Baseline("random_guessing", "test_accuracy", guessing_accuracy(draw)),)


def guessing_accuracy(draw: Draw) -> float:
    """Accuracy of the best of 128 random nets of one tanh unit, h = tanh(w h + u x + b), class 1 where v h + c > 0.

    Always the same for a task: its draws have a seed of their own. The share of right answers on 1 000 sequences is
    known to .016 (standard error at .5).

    Args:
        draw: (count, rng) -> sequences of one channel with two classes.

    Source:
        Hochreiter & Schmidhuber (1997), Bridging Long Time Lags by Weight Guessing and "Long Short-Term Memory";
        Schmidhuber, Hochreiter & Bengio (2001), people.idsia.ch/~juergen/guessing2001: one unit with 3 weights latches
        after 22 trials on average.
    """
    rng = Generator().manual_seed(SEED)
    nets = RANGE * (2 * torch.rand(5, TRIALS, 1, generator=rng) - 1)
    best = int(_accuracy(nets, draw(CHOSEN_ON, rng)).argmax())
    return float(_accuracy(nets[:, best : best + 1], draw(SCORED_ON, rng)))


def _accuracy(nets: Tensor, batch: Batch) -> Tensor:
    """Share of right answers of each net (N,); nets (5, N, 1)."""
    w, u, b, v, c = nets
    h = torch.zeros(len(w), len(batch))  # (N, B)
    for x in batch.inputs[..., 0].t():
        h.mul_(w).addcmul_(u, x).add_(b).tanh_()
    right: Tensor = (h * v + c > 0) == (batch.targets == 1)
    return right.double().mean(1)
