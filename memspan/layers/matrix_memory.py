"""Matrix memories: mixers whose heads write what they see into a matrix, and read it by a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memspan.interfaces.mixer import Carried, Mixer
from memspan.interfaces.network import Weights
from memspan.layers.short_convolution import ShortConvolution


@dataclass(frozen=True)
class MatrixMemory(Mixer):
    """What they all have: in each head a matrix (K, V), and a short convolution before it.

    Attributes:
        size: numbers of a step, d.
        heads: into which the values of a step are parted, h.
        key: numbers of a head's keys, K.
        convolution: steps that it looks at; 0 for none.
    """

    size: int
    heads: int
    key: int
    convolution: int

    @property
    def value(self) -> int:
        """Numbers of a head's values, V."""
        return self.size // self.heads

    @property
    def keys(self) -> int:
        """Numbers of the keys of all heads."""
        return self.heads * self.key

    @property
    def wide(self) -> int:
        """Numbers of a step that go through the convolution: queries, keys and values."""
        return 2 * self.keys + self.size

    @property
    def short(self) -> ShortConvolution:
        """The convolution."""
        return ShortConvolution(self.wide, self.convolution)

    def first(self, weights: Weights, batch: int) -> Carried:
        """S (M, B, h, K, V), and what the convolution carries."""
        matrix = weights["out"]
        state = matrix.new_zeros(len(matrix), batch, self.heads, self.key, self.value)
        return state, *self.short.first(weights, batch)

    def state_sizes(self, length: int) -> Mapping[str, int]:
        return {"s": self.keys * self.value, **self.short.state_sizes()}
