"""Residual blocks, as a declaration that probes may walk through step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weights

BlockStates = tuple[Carried, ...]
"""What the mixer of each block carries, from the input upwards."""


class Blocks(Protocol):
    """A stack of residual blocks, one mixer each."""

    @property
    def mixers(self) -> Sequence[Mixer]:
        """From the input upwards."""

    def first(self, weights: Weights, batch: int) -> BlockStates:
        """What is carried before the first step."""

    def advance(
        self, weights: Weights, inputs: Tensor, states: BlockStates, step: int
    ) -> tuple[Tensor, list[Tensor], BlockStates]:
        """One step: the answer (M, B, K), the outputs of the blocks, each (M, B, d), and what is carried on.

        Args:
            inputs: (M, B, C), or class numbers (M, B).
            step: 0 for the first of a sequence.
        """

    def own(self, weights: Weights, block: int) -> Weights:
        """The weights of a block's mixer, by its own names."""

    def seen(self, weights: Weights, inputs: Tensor) -> list[Tensor]:
        """What the mixer of each block is shown of sequences (M, B, T, C), each (M, B, T, d)."""
