"""Recurrent cells, written once: a matrix part and a pointwise part.

The matrix part is a declaration, the pointwise part a plain torch function. An engine may run it as it is
(autograd) or trace it and generate a fused loop from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

State = tuple[Tensor, ...]
"""What is carried from step to step; the first tensor is the layer's output. Each (M, B, H)."""
Gates = tuple[Tensor, ...]
"""Pre-activations in the order of ``Cell.gates``. Each (M, B, H)."""


@dataclass(frozen=True)
class Cell:
    """A recurrent step.

    With ``joined`` the matrix part is z = W x + U h + b and ``pointwise(z, state)`` gets the blocks of z.
    Without it the two products stay apart, a = W x + b and r = U h + b', and ``pointwise(a + r, state)`` gets
    the blocks of a followed by those of r (a GRU needs them apart: its reset gate acts on r alone).

    Attributes:
        gates: names of the blocks of H pre-activations, in the order in which their weights are stored.
        states: names of the carried tensors; the first is the output.
        pointwise: (pre-activations, state) -> new state; elementwise only.
        joined: see above.
    """

    gates: tuple[str, ...]
    states: tuple[str, ...]
    pointwise: Callable[[Gates, State], State]
    joined: bool = True
