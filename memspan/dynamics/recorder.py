"""A network's own way through time, with what its layers saw and their states written down."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from memspan.interfaces.cell import State
from memspan.interfaces.network import Weights
from memspan.interfaces.recurrence import Layer, Recurrence
from memspan.layers.bound import bind
from memspan.layers.recurrent import answer


@dataclass(frozen=True)
class StateRecorder:
    """Runs layers step by step and remembers, by layer's name.

    Attributes:
        seen: what the layer was shown, (M, T, B, I).
        states: after each step, in the order in which the layer goes; each tensor (M, B, H).
    """

    seen: dict[str, Tensor] = field(default_factory=dict)
    states: dict[str, list[State]] = field(default_factory=dict)

    def last(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        return self._run(layer, weights, sequence)[-1][0]

    def every(self, layer: Layer, weights: Weights, sequence: Tensor) -> Tensor:
        return torch.stack([state[0] for state in self._run(layer, weights, sequence)], dim=1)

    def _run(self, layer: Layer, weights: Weights, sequence: Tensor) -> list[State]:
        self.seen[layer.name] = sequence
        self.states[layer.name] = bind(layer, weights).run(sequence)
        return self.states[layer.name]


def recorded(
    recurrence: Recurrence, every_step: bool, weights: Weights, inputs: Tensor, steps: Tensor | None = None
) -> tuple[Tensor, StateRecorder]:
    """What a network answers at the last step (M, B, K), and how it came to it, for inputs (M, B, T, C).

    Args:
        steps: of a task with an answer at every step, at which one it is for each sequence (B,).
    """
    recorder = StateRecorder()
    if steps is not None:
        at = steps.to(inputs.device).view(1, -1, 1).expand(len(inputs), -1, -1)
        return answer(recurrence, every_step, weights, inputs, runner=recorder, steps=at)[:, :, 0], recorder
    outputs = answer(recurrence, every_step, weights, inputs, runner=recorder)
    return (outputs[:, :, -1] if every_step else outputs), recorder
