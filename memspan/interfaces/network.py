"""Networks: named weights with their initialisation, and a pure function of weights and inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from memspan.interfaces.noise import Noise
from memspan.interfaces.recurrence import Recurrence

if TYPE_CHECKING:
    from memspan.interfaces.blocks import Blocks

Weights = Mapping[str, Tensor]
"""Weights of a population by name, each (M, ...)."""
Initializer = Callable[[tuple[int, ...], torch.Generator], Tensor]
"""Draws one member's weight of the given shape."""

READOUT = "readout"
OUTER = ("embedding", "positions", "encoder", "decoder", READOUT)
"""first parts of the names of weights that stand before and behind what remembers"""


@dataclass(frozen=True)
class Weight:
    """A weight of one member: its shape and how it starts."""

    shape: tuple[int, ...]
    start: Initializer


@dataclass(frozen=True)
class Network:
    """A model for one signature.

    Attributes:
        weights: by name, in the order in which they are drawn.
        forward: (weights (M, ...), inputs (M, B, T, C)) -> outputs (M, B, K), or (M, B, T, K) for a task that is
            answered at every step; logits for a classification.
        state_size: numbers carried from one step to the next; 0 for models without a state.
        receptive_field: steps that the answer can depend on; None where nothing bounds it.
        any_length: whether ``forward`` takes sequences of another length than it was built for.
        recurrence: the network as recurrent layers; None where it is something else.
        noisy: what training computes instead of ``forward``, with dropout; None = the same.
        kept: numbers that training holds of one sequence for the backward pass, beside its inputs and states.
        multiplications: of a weight with a number, in one forward pass of one sequence; None = each weight once, or
            once a step in a model with a state.
        blocks: the network as residual blocks; None where it is something else.
        spared: names of weights that weight decay leaves as they are.
        at: (weights, inputs, steps (M, B, Q)) -> outputs (M, B, Q, K) at those steps alone, for a task with an answer
            at every step; None where nothing is saved by leaving out the others.
        operations: of torch in one forward pass of a network that computes all steps side by side, for which ``kept``
            alone says what a pass holds; None for one that goes step by step, or whose operations nobody counted.
        opaque: whether it was made elsewhere, and nothing of it can be looked at but its answers.
        pace: share of what torch's operations would take for what is kept and multiplied, where compiled loops do it.
    """

    weights: Mapping[str, Weight]
    forward: Callable[[Weights, Tensor], Tensor]
    state_size: int
    receptive_field: int | None
    any_length: bool
    recurrence: Recurrence | None = None
    noisy: Callable[[Weights, Tensor, Noise], Tensor] | None = None
    kept: int = 0
    multiplications: int | None = None
    blocks: Blocks | None = None
    operations: int | None = None
    pace: float = 1.0
    opaque: bool = False
    at: Callable[[Weights, Tensor, Tensor], Tensor] | None = None
    spared: frozenset[str] = frozenset()

    def held(self, steps: int, channels: int) -> int:
        """Numbers of one sequence that a pass holds where it is widest: inputs, states, or what it keeps."""
        state = self.state_size if self.operations is None else 0
        return max(steps * max(channels, state, 1), self.kept)

    @cached_property
    def parameters(self) -> int:
        """Trainable numbers of one member."""
        return sum(math.prod(weight.shape) for weight in self.weights.values())

    @cached_property
    def inner_parameters(self) -> int:
        """Those without the embedding of the inputs, learnt positions and the read-out."""
        inside = (weight for name, weight in self.weights.items() if name.partition(".")[0] not in OUTER)
        return sum(math.prod(weight.shape) for weight in inside)

    def products(self, length: int, every_step: bool) -> int:
        """Products of a number with a number in the answer to one sequence, those of elementwise operations left out.

        Where nobody counted them: each matrix once, or at each of ``length`` steps in a model with a state, and the
        read-out once for each answer.
        """
        if self.multiplications is not None:
            return self.multiplications
        passes = length if self.state_size else 1
        matrices = ((name, weight.shape) for name, weight in self.weights.items() if len(weight.shape) > 1)
        answers = length if every_step else 1
        return sum(
            math.prod(shape) * (answers if name.partition(".")[0] == READOUT else passes) for name, shape in matrices
        )

    def answer_at(self, weights: Weights, inputs: Tensor, steps: Tensor) -> Tensor:
        """Outputs (M, B, Q, K) at some steps (M, B, Q) of inputs (M, B, T, C)."""
        if self.at is not None:
            return self.at(weights, inputs, steps)
        return chosen_steps(self.forward(weights, inputs), steps)

    def initialize(self, rng: torch.Generator) -> dict[str, Tensor]:
        """Draw one member's weights, float32, without a member axis."""
        return {name: weight.start(weight.shape, rng) for name, weight in self.weights.items()}


def chosen_steps(values: Tensor, steps: Tensor) -> Tensor:
    """What stands at some steps (M, B, Q) of values (M, B, T, K): (M, B, Q, K)."""
    return values.gather(2, steps.unsqueeze(-1).expand(*steps.shape, values.shape[-1]))


def stack(members: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Put the weights of members side by side along a leading axis M."""
    return {name: torch.stack([member[name] for member in members]) for name in members[0]}
