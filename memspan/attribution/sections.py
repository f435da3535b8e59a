"""The parts of a network's weights: each layer's kernel, recurrent matrix and biases, by gate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from memspan.interfaces.network import Network

Part = Literal["kernel", "recurrent", "bias"]
PARTS: tuple[tuple[str, Part], ...] = (
    ("kernel", "kernel"),
    ("recurrent", "recurrent"),
    ("bias", "bias"),
    ("recurrent_bias", "bias"),
)
"""Ends of the names of a recurrent layer's weights, and the part that each belongs to."""


@dataclass(frozen=True)
class Section:
    """A block of one weight: all of it, or the columns of one gate.

    Attributes:
        weight: its name among the network's weights.
        gate: name of the gate, None = the weight has no gates.
        part: of a recurrent layer; None for any other weight.
        columns: of the last axis.
    """

    weight: str
    gate: str | None
    part: Part | None
    columns: slice

    @property
    def name(self) -> str:
        """``layer0.kernel.f``, or the weight's own name."""
        return self.weight if self.gate is None else f"{self.weight}.{self.gate}"

    def of(self, tensor: Tensor) -> Tensor:
        """The section of a weight or its gradient (M, ...), as a view."""
        return tensor[..., self.columns]


def sections(network: Network) -> tuple[Section, ...]:
    """All sections in the order of the weights; gates apart where a layer has more than one."""
    gated = {section.weight: section for section in _whole(network)}
    found = [gated.get(name, Section(name, None, None, slice(None))) for name in network.weights]
    return tuple(piece for section in found for piece in _by_gate(section, network))


def _whole(network: Network) -> Iterator[Section]:
    """The weights of the recurrent layers."""
    for layer in network.recurrence.layers if network.recurrence else ():
        for ending, part in PARTS:
            name = f"{layer.name}.{ending}"
            if name in network.weights:
                yield Section(name, None, part, slice(None))


def _by_gate(section: Section, network: Network) -> Iterator[Section]:
    if section.part is None or network.recurrence is None:
        yield section
        return
    layer = next(each for each in network.recurrence.layers if section.weight.rpartition(".")[0] == each.name)
    for place, gate in enumerate(layer.cell.gates):
        yield Section(section.weight, gate, section.part, slice(place * layer.size, (place + 1) * layer.size))
