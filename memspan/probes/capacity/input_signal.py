"""Independent uniform numbers through one channel of a network: what it is shown, and what it should remember."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from memspan.dynamics.inner_states import System
from memspan.dynamics.mixing import Mixing, mixing, standard
from memspan.interfaces.task import TaskSpec
from memspan.tasks import sample

LOOKED_AT = 256
"""sequences of the task from which means and deviations of its channels are taken"""
SETTLED = 16
"""steps before the first that is used, from which means and deviations of very many states are taken"""


@dataclass(frozen=True)
class InputSignal:
    """What a network is shown, and what it should remember.

    Attributes:
        inputs: (B, lags + steps, C).
        delayed: u(n - k) at the last ``steps`` steps, (B, steps, lags).
    """

    inputs: Tensor
    delayed: Tensor


def input_signal(task: TaskSpec, length: int, channel: int, size: tuple[int, int, int], rng: Generator) -> InputSignal:
    """u uniform with the mean and deviation that the task's channel has; other channels stand at their means.

    Args:
        size: sequences, steps of each that are used, and lags.
    """
    count, steps, lags = size
    seen = sample(task, length, LOOKED_AT, rng).inputs.double().flatten(0, 1)
    mean, deviation = seen.mean(0), float(seen[:, channel].std())
    noise = 2 * torch.rand(count, lags + steps, generator=rng, dtype=torch.float64) - 1
    inputs = mean.expand(count, lags + steps, -1).clone()
    inputs[..., channel] += math.sqrt(3) * (deviation or 1.0) * noise
    delayed = inputs[..., channel].unfold(1, lags, 1)[:, 1:].flip(-1)  # (B, steps, lags)
    return InputSignal(inputs, delayed)


@torch.no_grad()
def driven_states(system: System, signal: InputSignal, most: int) -> Tensor:
    """All states at the steps that are used, (M, B, steps, D); those of more than ``most`` numbers mixed into as many.

    Before they are mixed numbers are standardised by the last of the steps that only drive the network.
    """
    steps, skipped = signal.delayed.shape[1], signal.delayed.shape[2]
    found: list[Tensor] = []
    before: list[Tensor] = []
    mixed: Callable[[Tensor], Tensor] | None = None
    for step, states in enumerate(system.run(signal.inputs.to(system.like))):
        flat = system.flat(states)
        if step >= skipped:
            if flat.shape[-1] > most and mixed is None:
                mixed = _mixed(before, most)
            found.append(mixed(flat) if mixed else flat)
        elif skipped - step <= SETTLED and flat.shape[-1] > most:
            before.append(flat)
    if len(found) != steps:
        raise ValueError(f"the system ran {len(found)} steps beyond the first {skipped}, and {steps} are read")
    return torch.stack(found, dim=2).cpu()


def _mixed(before: list[Tensor], most: int) -> Callable[[Tensor], Tensor]:
    """States (M, B, D) standardised as they were before, and mixed."""
    own, together = standard(before), mixing(before[0].shape[-1], most)
    moved = Mixing(together.signs.to(before[0]), together.rows.to(before[0].device))
    return lambda flat: moved(own(flat))
