"""Blocks of a network's weights: each layer's kernel, recurrent matrix and biases, by gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from memspan.interfaces.network import Network

Role = Literal["kernel", "recurrent", "bias"]
ROLES: tuple[tuple[str, Role], ...] = (
    ("kernel", "kernel"),
    ("recurrent", "recurrent"),
    ("bias", "bias"),
    ("recurrent_bias", "bias"),
)
"""Ends of the names of a recurrent layer's weights, and the role that each has."""


@dataclass(frozen=True)
class WeightBlock:
    """A block of one weight: all of it, or the columns of one gate.

    Attributes:
        weight: its name among the network's weights.
        gate: name of the gate, None = the weight has no gates.
        role: in a recurrent layer; None for any other weight.
        columns: of the last axis.
    """

    weight: str
    gate: str | None
    role: Role | None
    columns: slice

    @property
    def name(self) -> str:
        """``layer0.kernel.f``, or the weight's own name."""
        return self.weight if self.gate is None else f"{self.weight}.{self.gate}"

    def of(self, tensor: Tensor) -> Tensor:
        """The block of a weight or its gradient (M, ...), as a view."""
        return tensor[..., self.columns]


def weight_blocks(network: Network) -> tuple[WeightBlock, ...]:
    """All blocks in the order of the weights; gates apart where a layer has more than one."""
    gated = {block.weight: block for block in _whole(network)}
    found = [gated.get(name, WeightBlock(name, None, None, slice(None))) for name in network.weights]
    return tuple(piece for block in found for piece in _by_gate(block, network))


def _whole(network: Network) -> Iterator[WeightBlock]:
    """The weights of the recurrent layers."""
    for layer in network.recurrence.layers if network.recurrence else ():
        for ending, role in ROLES:
            name = f"{layer.name}.{ending}"
            if name in network.weights:
                yield WeightBlock(name, None, role, slice(None))


def _by_gate(block: WeightBlock, network: Network) -> Iterator[WeightBlock]:
    if block.role is None or network.recurrence is None:
        yield block
        return
    layer = next(each for each in network.recurrence.layers if block.weight.rpartition(".")[0] == each.name)
    for place, gate in enumerate(layer.cell.gates):
        yield WeightBlock(block.weight, gate, block.role, slice(place * layer.size, (place + 1) * layer.size))
