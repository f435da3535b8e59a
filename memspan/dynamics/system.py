"""A stack of recurrent layers as one dynamical system, whose state goes forward through time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor

from memspan.interfaces.cell import State
from memspan.interfaces.network import Weights
from memspan.interfaces.recurrence import Recurrence
from memspan.layers.bound import BoundLayer, bind

States = tuple[State, ...]
"""The state of each layer, from the input upwards."""


@dataclass(frozen=True)
class DynamicalSystem:
    """Layers with their weights, one above the other, none of them going backward."""

    layers: tuple[BoundLayer, ...]
    embedded: Callable[[Tensor], Tensor] | None = None
    """what the first layer sees of tokens, (M, B, 1, 1) -> (M, B, 1, C)"""

    @property
    def like(self) -> Tensor:
        """A tensor of the type and at the place of all others, (M, ...)."""
        return self.layers[0].input_weights

    def first(self, batch: int) -> States:
        """Before the first step; each tensor (M, B, H)."""
        return tuple(layer.first(batch) for layer in self.layers)

    def advance(self, x: Tensor, states: States) -> States:
        """All layers one step on from the input x (M, B, C)."""
        new = []
        if self.embedded is not None:
            x = self.embedded(x.unsqueeze(2)).squeeze(2)
        for layer, state in zip(self.layers, states, strict=True):
            state = layer.advance(layer.project(x.unsqueeze(1)).squeeze(1), state)
            new.append(state)
            x = state[0]
        return tuple(new)

    def run(self, inputs: Tensor) -> Iterator[States]:
        """The states after each step of the same sequences (B, T, C) for all members."""
        members = self.layers[0].input_weights.shape[0]
        states = self.first(len(inputs))
        for x in inputs.unbind(1):
            states = self.advance(x.expand(members, *x.shape), states)
            yield states

    @cached_property
    def size(self) -> int:
        """Numbers in all states, D."""
        return sum(len(bound.layer.cell.states) * bound.layer.size for bound in self.layers)

    def flat(self, states: States) -> Tensor:
        """All states end to end, (M, B, D)."""
        return torch.cat([tensor for state in states for tensor in state], dim=-1)

    def parted(self, flat: Tensor) -> States:
        """The reverse of ``flat``."""
        counts = [len(bound.layer.cell.states) for bound in self.layers]
        sizes = [bound.layer.size for bound, count in zip(self.layers, counts, strict=True) for _ in range(count)]
        pieces = iter(flat.split(sizes, dim=-1))
        return tuple(tuple(next(pieces) for _ in range(count)) for count in counts)


def dynamical_system(recurrence: Recurrence, weights: Weights) -> DynamicalSystem:
    """Bind a stack that has one layer at each level."""
    embedding = recurrence.embedding
    embedded = None if embedding is None else partial(embedding, weights)
    return DynamicalSystem(tuple(bind(layer, weights) for (layer,) in recurrence.levels), embedded)
