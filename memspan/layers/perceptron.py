"""Multilayer perceptrons of a population: hidden layers with one activation, then a linear read-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor

from memspan.interfaces.match import Width
from memspan.interfaces.model import ModelSpec
from memspan.interfaces.network import Weight, Weights
from memspan.interfaces.spec import LayerSizes, stacked
from memspan.layers.dense import ACTIVATIONS, affine, dense


class Layered(ModelSpec):
    """A model made of dense hidden layers."""

    width: ClassVar[Width | None] = Width(stacked=True)

    hidden_size: Annotated[LayerSizes, Field(description="units of the layer, or of each layer from the input up")] = 16
    activation: Annotated[Literal["tanh", "relu", "softplus"], Field(description="of the hidden layers")] = "tanh"
    initialization: Annotated[Literal["keras", "torch"], Field(description="Glorot uniform, or U(±1/sqrt(I))")] = (
        "keras"
    )


@dataclass(frozen=True)
class Perceptron:
    """The layers of a spec between ``inputs`` and ``outputs`` numbers.

    Its weights are ``layer0``, ``layer1``, ... and ``readout``, each with a kernel (I, O) and a bias (O,).
    """

    spec: Layered
    inputs: int
    outputs: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of the hidden layers, from the input up."""
        return stacked(self.spec.hidden_size)

    def weights(self) -> dict[str, Weight]:
        """By name, in the order in which they are drawn."""
        framework, found, below = self.spec.initialization, dict[str, Weight](), self.inputs
        for layer, size in enumerate(self.sizes):
            found |= dense(f"layer{layer}", below, size, framework)
            below = size
        return found | dense("readout", below, self.outputs, framework)

    def run(self, weights: Weights, x: Tensor) -> Tensor:
        """(M, B, I) -> (M, B, K)."""
        return self.above(weights, affine(weights, "layer0", x))

    def above(self, weights: Weights, first: Tensor) -> Tensor:
        """The answer (M, B, K) from the first layer's pre-activations (M, B, H)."""
        activation = ACTIVATIONS[self.spec.activation]
        hidden = activation(first)
        for layer in range(1, len(self.sizes)):
            hidden = activation(affine(weights, f"layer{layer}", hidden))
        return affine(weights, "readout", hidden)

    @property
    def kept(self) -> int:
        """Numbers that training holds of one input vector."""
        return self.inputs + sum(self.sizes)

    @property
    def multiplications(self) -> int:
        """Of a weight with a number, for one input vector."""
        shapes = (weight.shape for weight in self.weights().values())
        return sum(shape[0] * shape[1] for shape in shapes if len(shape) == 2)
