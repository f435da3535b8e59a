"""Independent uniform numbers through one channel of a network, and what of them its states still hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from memspan.dynamics.causal import Causal
from memspan.dynamics.readout import fitted
from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample

LOOKED_AT = 256
"""sequences of the task from which means and deviations of its channels are taken"""
STRANGERS = 4
"""how often held-out predictions are held against another sequence's input"""


@dataclass(frozen=True)
class Drive:
    """What a network is shown, and what it should remember.

    Attributes:
        inputs: (B, lags + rows, C).
        pasts: u(n - k) at the last ``rows`` steps, (B, rows, lags).
    """

    inputs: Tensor
    pasts: Tensor


def drive(task: TaskSpec, length: int, channel: int, size: tuple[int, int, int], rng: Generator) -> Drive:
    """u uniform with the mean and deviation that the task's channel has; other channels stand at their means.

    Args:
        size: sequences, rows of each that are used, and lags.
    """
    count, rows, lags = size
    seen = sample(task, length, LOOKED_AT, rng).inputs.double().flatten(0, 1)
    mean, deviation = seen.mean(0), float(seen[:, channel].std())
    noise = 2 * torch.rand(count, lags + rows, generator=rng, dtype=torch.float64) - 1
    inputs = mean.expand(count, lags + rows, -1).clone()
    inputs[..., channel] += math.sqrt(3) * (deviation or 1.0) * noise
    pasts = inputs[..., channel].unfold(1, lags, 1)[:, 1:].flip(-1)  # (B, rows, lags)
    return Drive(inputs, pasts)


@torch.no_grad()
def seen_states(stack: Causal, shown: Drive) -> Tensor:
    """All states at the rows, (M, B, rows, D)."""
    rows, skipped = shown.pasts.shape[1], shown.pasts.shape[2]
    courses = enumerate(stack.run(shown.inputs.to(stack.layers[0].input_weights)))
    found = [stack.flat(states) for step, states in courses if step >= skipped]
    assert len(found) == rows
    return torch.stack(found, dim=2).cpu()


def products(states: Tensor, shown: Drive, ridge: float) -> tuple[Tensor, Tensor]:
    """What makes up the correlation of held-out pasts y with their read-out p, and with strangers' pasts.

    The read-out is fitted to the first half of the sequences.

    Shapes:
        states (B, rows, D) -> (B/2, lags, 5) and (strangers, lags, 5): means of y, p, y², p², y p.
    """
    middle = len(states) // 2
    train, test = (half.flatten(0, 1).unsqueeze(0) for half in (states[:middle], states[middle:]))
    known, asked = shown.pasts[:middle].flatten(0, 1).unsqueeze(0), shown.pasts[middle:]
    readout = fitted(train, known, torch.ones_like(known[..., :1]), ridge)
    guessed = readout(test).view_as(asked)  # (B/2, rows, lags)
    away = [_products(asked.roll(turn, 0), guessed).mean(0) for turn in range(1, STRANGERS + 1)]
    return _products(asked, guessed), torch.stack(away)


def _products(y: Tensor, p: Tensor) -> Tensor:
    """Means over rows: (B, rows, lags) -> (B, lags, 5)."""
    return torch.stack([part.mean(1) for part in (y, p, y * y, p * p, y * p)], dim=-1)
