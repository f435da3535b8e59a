"""Which weights of a layer learn from which gradients of its pointwise part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from memspan.engine.fused.layout import LayerLayout

Source = Literal["inputs", "outputs", "one"]
"""What a gradient is multiplied with: the step's inputs, the outputs before it, or 1."""


@dataclass(frozen=True)
class Learner:
    """Weights whose gradient is a sum over time of source[row] x node.

    They lie row after row, in each row a block of H weights for each node.

    Attributes:
        place: of the first one among a member's weights.
        rows: I of the inputs, H of the outputs, or 1.
        nodes: gradients, each of H units.
    """

    place: int
    source: Source
    rows: int
    nodes: tuple[int, ...]


def learners(layout: LayerLayout) -> tuple[Learner, ...]:
    """All weights of a layer, each once."""
    below, back = layout.input_gradients, layout.recurrent_gradients
    found = [
        Learner(layout.input_weights, "inputs", layout.inputs, below),
        Learner(layout.bias, "one", 1, below),
    ]
    if layout.recurrent_weights is not None:
        found.append(Learner(layout.recurrent_weights, "outputs", layout.size, back))
    if layout.recurrent_bias is not None:
        found.append(Learner(layout.recurrent_bias, "one", 1, back))
    for place, node in zip(layout.parameters, layout.step.parameter_gradients, strict=True):
        found.append(Learner(place, "one", 1, (node,)))
    return tuple(found)
