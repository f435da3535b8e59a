"""A recurrent layer as the fused engine sees it: its traced step, its sizes, and where its weights lie in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memspan.engine.fused.trace import TracedStep, UnknownOperation, traced
from memspan.engine.weight_rows import WeightRows
from memspan.interfaces.network import Network
from memspan.interfaces.recurrence import Layer, Recurrence

LANES = 16
"""sequences that are computed side by side, whatever the processor's registers hold: one register of AVX-512"""
SIDE_BY_SIDE = 3
"""members of a small network whose time steps alternate: one computes while another waits for its last result. Most of
the gain is there with two, and more than three gain next to nothing (``python -m benchmarks thresholds``)"""
UNROLLED_PRODUCTS = 48
"""products of weights in a step up to which all units are written out, their states and gradients in registers. Up to
about 70 that would still gain (``python -m benchmarks thresholds``)"""
UNROLLED_INPUTS = 16
"""channels up to which the product with the inputs is written out. It bounds the code: written out, 24 and 32 channels
would gain 4 % at most (``python -m benchmarks thresholds``)"""


@dataclass(frozen=True, eq=False)
class LayerLayout:
    """One layer.

    Attributes:
        inputs: channels from below, I.
        size: units, H.
        reverse: whether it goes from the last step to the first.
        input_weights, bias, recurrent_weights, recurrent_bias, parameters: places in a row, in numbers; None for what
            the layer lacks.
        starts: first value of each state.
    """

    step: TracedStep
    inputs: int
    size: int
    gates: int
    reverse: bool
    joined: bool
    starts: tuple[float, ...]
    input_weights: int
    bias: int
    recurrent_weights: int | None
    recurrent_bias: int | None
    parameters: tuple[int, ...]

    @property
    def width(self) -> int:
        """Columns of the input weights, G H."""
        return self.gates * self.size

    @property
    def states(self) -> int:
        return len(self.starts)

    @property
    def step_vectors(self) -> int:
        """Vectors that a time step leaves behind: states, then the tape."""
        return (self.states + len(self.step.tape)) * self.size

    @property
    def is_unrolled(self) -> bool:
        products = self.width * (self.size + self.inputs)
        return products <= UNROLLED_PRODUCTS and self.inputs <= UNROLLED_INPUTS

    @property
    def gradient_vectors(self) -> int:
        """Vectors of gradients that a time step gives to the weights."""
        return len(self.step.gradients) * self.size

    @property
    def input_gradients(self) -> tuple[int, ...]:
        """The nodes whose gradients the blocks of W learn from."""
        return self.step.gate_gradients[: self.gates]

    @property
    def recurrent_gradients(self) -> tuple[int, ...]:
        """The nodes whose gradients the blocks of U learn from."""
        return self.step.gate_gradients[0 if self.joined else self.gates :]


def layout(layer: Layer, places: Mapping[str, int]) -> LayerLayout:
    """A layer with its weights' places, or UnknownOperation."""
    cell, name = layer.cell, layer.name
    return LayerLayout(
        step=traced(cell),
        inputs=layer.inputs,
        size=layer.size,
        gates=len(cell.gates),
        reverse=layer.reverse,
        joined=cell.joined or not cell.recurrent,
        starts=tuple(cell.starts.get(state, 0.0) for state in cell.states),
        input_weights=places[f"{name}.kernel"],
        bias=places[f"{name}.bias"],
        recurrent_weights=places.get(f"{name}.recurrent"),
        recurrent_bias=places.get(f"{name}.recurrent_bias"),
        parameters=tuple(places[f"{name}.{parameter}"] for parameter in cell.parameters),
    )


def layouts(network: Network) -> tuple[LayerLayout, ...]:
    """All layers of a network, from the input upwards, or UnknownOperation."""
    found = WeightRows(network).places
    return tuple(layout(layer, found) for layer in recurrence(network).layers)


def recurrence(network: Network) -> Recurrence:
    """A network as recurrent layers, which is the only kind that has loops to compile; else UnknownOperation."""
    if network.recurrence is None:
        raise UnknownOperation("a network without recurrent layers")
    return network.recurrence
