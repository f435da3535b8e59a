"""Residual blocks as one dynamical system, whose states go forward through time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from memspan.interfaces.blocks import Blocks, BlockStates
from memspan.interfaces.network import Weights

OUTPUT = "h"
"""name of what a block gives to the next one, beside the names of what its mixer carries"""


@dataclass(frozen=True)
class BlockSystem:
    """Blocks with their weights (M, ...), whose mixers carry states of a fixed size."""

    blocks: Blocks
    weights: Weights

    @property
    def like(self) -> Tensor:
        """A tensor of the type and at the place of all others."""
        return next(iter(self.weights.values()))

    def first(self, batch: int) -> BlockStates:
        """Before the first step."""
        return self.blocks.first(self.weights, batch)

    def advance(self, x: Tensor, states: BlockStates) -> BlockStates:
        """One step on from the input x (M, B, C)."""
        return self.blocks.advance(self.weights, x, states, 0)[2]

    def run(self, inputs: Tensor) -> Iterator[BlockStates]:
        """The states after each step of the same sequences (B, T, C) for all members."""
        for _, _, states in self.walk(inputs):
            yield states

    def walk(self, inputs: Tensor) -> Iterator[tuple[Tensor, list[Tensor], BlockStates]]:
        """At each step the answer (M, B, K), the blocks' outputs (M, B, d), and the states."""
        members, states = len(self.like), self.first(len(inputs))
        for step, x in enumerate(inputs.unbind(1)):
            shown = x.expand(members, *x.shape)
            answer, outputs, states = self.blocks.advance(self.weights, shown, states, step)
            yield answer, outputs, states

    def states(self, inputs: Tensor, block: int, name: str) -> Iterator[Tensor]:
        """One state of one block after each step, by its name, (M, B, N)."""
        for _, outputs, states in self.walk(inputs):
            yield self._named(outputs, states, block, name).flatten(2)

    def recorded(self, inputs: Tensor, block: int, name: str, steps: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The answer at a step of each sequence (B,), (M, B, K), and one state of one block after each step as it was
        carried on."""
        found, answer = [], torch.zeros(())
        for step, (each, outputs, states) in enumerate(self.walk(inputs)):
            due = (steps == step).to(each.device).view(1, -1, 1)
            answer = torch.where(due, each, answer) if due.any() else answer
            found.append(self._named(outputs, states, block, name))
        return answer, found

    def _named(self, outputs: list[Tensor], states: BlockStates, block: int, name: str) -> Tensor:
        if name == OUTPUT:
            return outputs[block]
        return states[block][list(self.blocks.mixers[block].state_sizes(1)).index(name)]

    @cached_property
    def _shapes(self) -> list[list[torch.Size]]:
        return [[each.shape[2:] for each in carried] for carried in self.first(1)]

    @cached_property
    def size(self) -> int:
        """Numbers in all states, D."""
        return sum(shape.numel() for carried in self._shapes for shape in carried)

    def flat(self, states: BlockStates) -> Tensor:
        """All states end to end, (M, B, D)."""
        return torch.cat([each.flatten(2) for carried in states for each in carried], dim=-1)

    def parted(self, flat: Tensor) -> BlockStates:
        """The reverse of ``flat``."""
        sizes = [shape.numel() for carried in self._shapes for shape in carried]
        pieces = iter(flat.split(sizes, dim=-1))
        return tuple(tuple(next(pieces).unflatten(-1, shape) for shape in carried) for carried in self._shapes)
