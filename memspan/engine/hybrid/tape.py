"""The tape: what a forward pass leaves behind for the backward pass."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Tape:
    """What one member's layer leaves behind in its forward pass.

    Attributes:
        inputs: x of all steps (T B, I).
        products: pre-activations (T, B, G H): of W x + U h, or of W x and of U h where a cell keeps them separate.
            Their gradients take their places in the backward pass.
        states: each state before the first step and after each (T + 1, B, H).
    """

    inputs: Tensor
    products: tuple[Tensor, ...]
    states: tuple[Tensor, ...]

    @property
    def length(self) -> int:
        return self.products[0].shape[0]

    @property
    def batch(self) -> int:
        return self.products[0].shape[1]

    @property
    def size(self) -> int:
        return self.states[0].shape[2]
