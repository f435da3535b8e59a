"""Recurrent cells, written once: a matrix part and a pointwise part.

The matrix part is a declaration, the pointwise part a plain torch function. An engine may run it as it is
(autograd) or trace it and generate a fused loop from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

State = tuple[Tensor, ...]
"""What is carried from step to step; the first tensor is the layer's output. Each (M, B, H)."""
Preactivations = tuple[Tensor, ...]
"""Pre-activations in the order of ``Cell.gates``. Each (M, B, H)."""
Parameters = tuple[Tensor, ...]
"""Weights of the pointwise part in the order of ``Cell.parameters``, one number a unit. Each (M, 1, H)."""
Pointwise = Callable[[Preactivations, State, Parameters], State]
Elementwise = Callable[[Preactivations, State, Parameters], Tensor]


@dataclass(frozen=True)
class Cell:
    """A recurrent step.

    With ``joined`` the matrix part is z = W x + U h + b and ``pointwise(z, state, parameters)`` gets the blocks of z.
    Without it the two products stay apart, a = W x + b and r = U h + b', and the pointwise part gets the blocks of a
    followed by those of r (a GRU needs them apart: its reset gate acts on r alone).

    Attributes:
        gates: names of the blocks of H pre-activations, in the order in which their weights are stored.
        states: names of the carried tensors; the first is the output.
        pointwise: (pre-activations, state, parameters) -> new state; elementwise only.
        joined: see above.
        recurrent: whether there is a recurrent matrix U; without one z = W x + b.
        parameters: names of the pointwise part's own weights (H,), e.g. peepholes.
        starts: first value of each state that doesn't start at 0, by name.
        inner: what U of the last gate multiplies instead of h, made of the other gates' pre-activations (a GRU whose
            reset gate acts before the product); None = h.
        keep: which share of the old memory a step keeps, (M, B, H) in 0..1; None for cells that don't gate it.
        memory: name of the state that ``keep`` acts on.
    """

    gates: tuple[str, ...]
    states: tuple[str, ...]
    pointwise: Pointwise
    joined: bool = True
    recurrent: bool = True
    parameters: tuple[str, ...] = ()
    starts: Mapping[str, float] = field(default_factory=dict)
    inner: Elementwise | None = None
    keep: Elementwise | None = None
    memory: str = "h"
