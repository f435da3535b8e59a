"""Stacks of recurrent layers, as a declaration that engines and probes may run in their own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from memspan.interfaces.cell import Cell


@dataclass(frozen=True)
class Layer:
    """A cell with its sizes.

    Its weights are ``{name}.kernel`` (I, G H), ``{name}.recurrent`` (H, G H), ``{name}.bias`` (G H,), perhaps
    ``{name}.recurrent_bias`` (G H,), and ``{name}.{parameter}`` (H,) for each of the cell's parameters.

    Attributes:
        name: what its weights' names begin with.
        inputs: channels from below, I.
        size: units, H.
        reverse: whether it goes from the last step to the first.
    """

    name: str
    cell: Cell
    inputs: int
    size: int
    reverse: bool = False


Level = tuple[Layer, ...]
"""One layer, or one for each direction side by side: their outputs are laid end to end."""


@dataclass(frozen=True)
class Recurrence:
    """Levels from the input upwards and a dense read-out, at the last step or at every step.

    Attributes:
        readout: name of the read-out's weights, ``{readout}.kernel`` (H, K) and ``{readout}.bias`` (K,).
        dropout: share of a level's outputs that training sets to 0 on the way up.
        embedding: (weights, inputs (M, B, T, 1)) -> (M, B, T, C), what the first level sees of tokens; None where it
            sees the inputs as they are.
    """

    levels: tuple[Level, ...]
    readout: str = "readout"
    dropout: float = 0.0
    embedding: Callable[[Mapping[str, Tensor], Tensor], Tensor] | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, from the input upwards."""
        return tuple(layer for level in self.levels for layer in level)

    @property
    def state_size(self) -> int:
        """Numbers carried from one step to the next."""
        return sum(len(layer.cell.states) * layer.size for layer in self.layers)
